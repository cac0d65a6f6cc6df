"""Which preview to make next: the newest request wins, a draft comes before the final picture where it helps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietvoxel.jobs.failure import Failure
from quietvoxel.jobs.job import Cancelled, Done
from quietvoxel.jobs.preview_job import PreviewJob, PreviewPicture, PreviewRequest, Quality, draft_settings

if TYPE_CHECKING:
    from quietvoxel.jobs.job import Message, Ticket
    from quietvoxel.jobs.mailbox import Mailbox
    from quietvoxel.jobs.thread import InferenceThread

AT_ONCE = 0.15
"""A picture that takes fewer seconds than this needs no draft before it."""

HALVED_FROM = 256 * 256
"""Pixels from which a first draft is made at half resolution, while the machine's pace is not known."""


class PreviewDesk:
    """Takes requests from one front-end and hands jobs to the thread: at most one runs and one waits.

    While a slider moves, drafts run to their end one after the other, so that the picture follows the hand. What
    runs is cancelled only when it would show another slice, model or volume, or when it is a final picture of
    settings that are no longer wanted.
    """

    def __init__(self, thread: InferenceThread, mailbox: Mailbox[Message]) -> None:
        self._thread = thread
        self._mailbox = mailbox
        self._wanted: PreviewRequest | None = None
        self._jobs: dict[Ticket, PreviewJob] = {}
        self._pace: dict[tuple[str, int], float] = {}
        self._took: dict[tuple[str, int, str], float] = {}

    @property
    def busy(self) -> bool:
        """Whether a picture is on its way."""
        return bool(self._jobs)

    def ask(self, request: PreviewRequest) -> None:
        """Want a picture; forget what was wanted before."""
        self._wanted = request
        for ticket, job in self._jobs.items():
            if job.request.scene != request.scene or (
                job.quality is Quality.FINAL and job.request is not request
            ):
                ticket.cancel()
        self._submit(PreviewJob(request, self._first_quality(request)))

    def drop(self) -> None:
        """Want nothing any more."""
        self._wanted = None
        for ticket in self._jobs:
            ticket.cancel()

    def take(self, message: Message) -> PreviewPicture | Failure | None:
        """Read a message of the thread; gives what is to be shown, if anything.

        A final picture is asked for as soon as the draft of the newest request is there.
        """
        job = self._jobs.get(message.ticket)
        if job is None:
            return None
        content = message.content
        if not isinstance(content, Done | Cancelled | Failure):
            return None
        del self._jobs[message.ticket]
        wanted = self._wanted
        if wanted is None or job.request.scene != wanted.scene or isinstance(content, Cancelled):
            return None
        if isinstance(content, Failure):
            # One sentence, not one for every draft still to come.
            return content if job.request is wanted else None
        picture: PreviewPicture = content.result
        if picture.seconds_a_step is not None:
            self._pace[self._place(job.request)] = picture.seconds_a_step
        if job.quality is Quality.FINAL:
            self._took[self._way(job.request)] = picture.seconds
        if job.quality is not Quality.FINAL and job.request is wanted:
            self._submit(PreviewJob(wanted, Quality.FINAL))
        return picture

    def owns(self, message: Message) -> bool:
        """Whether a message is about one of this desk's jobs."""
        return message.ticket in self._jobs

    def _submit(self, job: PreviewJob) -> None:
        self._jobs[self._thread.submit_urgent(self, job, self._mailbox)] = job

    def _first_quality(self, request: PreviewRequest) -> Quality:
        if self._took.get(self._way(request), AT_ONCE + 1) <= AT_ONCE:
            return Quality.FINAL
        pace = self._pace.get(self._place(request))
        quick = pace <= AT_ONCE if pace is not None else self._pixels(request) < HALVED_FROM
        if not quick:
            return Quality.HALF_RESOLUTION
        return Quality.FINAL if draft_settings(request.settings) == request.settings else Quality.FEWEST_STEPS

    def _way(self, request: PreviewRequest) -> tuple[str, int, str]:
        """What a final picture's time depends on; not on the strength."""
        return (*self._place(request), request.settings.model_dump_json(exclude={"strength", "seed"}))

    def _place(self, request: PreviewRequest) -> tuple[str, int]:
        return (request.card.sha256, self._pixels(request))

    @staticmethod
    def _pixels(request: PreviewRequest) -> int:
        return request.volume.data.size // request.volume.shape[request.axis]
