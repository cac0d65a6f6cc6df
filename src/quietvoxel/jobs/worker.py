"""A worker: orders as JSON lines in, events as JSON records out, volumes and models kept warm between them.

It knows neither pipes nor processes; `quietvoxel worker` gives it lines and prints what it tells. The protocol is
described in docs/command-line.md.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quietvoxel import __version__
from quietvoxel.errors import BadInputError
from quietvoxel.jobs import worker_orders
from quietvoxel.jobs.array_files import write_array
from quietvoxel.jobs.failure import Failure
from quietvoxel.jobs.filed_jobs import Opened, OpenJob
from quietvoxel.jobs.job import Cancelled, Done
from quietvoxel.jobs.mailbox import Mailbox
from quietvoxel.jobs.probe_job import ProbeJob
from quietvoxel.jobs.sample_job import Sample, SampleJob
from quietvoxel.jobs.wording import in_dock_words
from quietvoxel.jobs.worker_preview import FiledPreviews
from quietvoxel.jobs.worker_volumes import HeldVolumes

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietvoxel.jobs.job import Job, Message, Ticket
    from quietvoxel.jobs.thread import InferenceThread

PROTOCOL = 1
"""Raised when a front-end of an older one would no longer understand."""

SEE_HELP = "; see quietvoxel denoise --help."
"""What the command line adds to a wrong setting, and a dock does not."""

Record = dict[str, Any]


class Worker:
    """Serves one front-end; every method is called from one thread.

    Parameters
    ----------
    thread : where the work is done.
    tell : takes each event; it has the `id` of the order that it answers.
    wake : called from any thread when `read_mail` has something to read.
    explain : puts an error into a sentence and an exit code, as the command line does.
    """

    def __init__(
        self,
        thread: InferenceThread,
        tell: Callable[[Record], None],
        wake: Callable[[], None],
        explain: Callable[[BaseException], tuple[int, str]],
    ) -> None:
        self._thread = thread
        self._tell = tell
        self._explain = explain
        self._mailbox: Mailbox[Message] = Mailbox(wake)
        self._previews = FiledPreviews(thread, self._mailbox, tell, self._fail)
        self._volumes = HeldVolumes()
        self._running: dict[Ticket, tuple[Any, str, Callable[[Any], Record]]] = {}

    @property
    def busy(self) -> bool:
        """Whether something is under way."""
        return bool(self._running) or self._previews.busy

    def hello(self) -> None:
        """Say who speaks, and how."""
        self._tell({"event": "hello", "protocol": PROTOCOL, "version": __version__})

    def take(self, text: str) -> None:
        """Take one line; whatever is wrong with it is answered by `failed`."""
        order = None
        try:
            order = _parsed(text)
            action = getattr(self, f"_do_{str(order['job']).replace('-', '_')}", None)
            if action is None:
                msg = f"There is no job '{order['job']}'; the program is perhaps older than its front-end: update it."
                raise BadInputError(msg)
            action(order)
        except KeyError as error:
            missing = BadInputError(
                f"The order came without {error}; the front-end is perhaps older: update it."
            )
            self._fail(None if order is None else order.get("id"), missing)
        except Exception as error:  # noqa: BLE001  # a worker that dies of one order would take all others with it
            self._fail(None if order is None else order.get("id"), error)

    def read_mail(self) -> None:
        """Tell what the inference thread has left."""
        for message in self._mailbox.drain():
            if self._previews.took(message):
                continue
            known = self._running.get(message.ticket)
            if known is None:
                continue
            number, _, finish = known
            content = message.content
            if isinstance(content, Done | Cancelled | Failure):
                del self._running[message.ticket]
            if isinstance(content, Done):
                self._finish(number, finish, content.result)
            elif isinstance(content, Cancelled):
                self._tell({"event": "cancelled", "id": number})
            elif isinstance(content, Failure):
                self._tell(_failed(number, content.sentence, 1))
            else:
                self._tell({"id": number, **_in_dock_words(content)})

    def cancel_all(self) -> None:
        """Ask everything to stop; the answers come with the mail."""
        self._previews.drop()
        for ticket in self._running:
            ticket.cancel()

    # --- one method a job; docs/command-line.md has the table

    def _do_about(self, order: Record) -> None:
        from quietvoxel.jobs.about import about

        self._tell({"event": "finished", "id": order.get("id"), **about()})

    def _do_open(self, order: Record) -> None:
        held = self._volumes.open(order)

        def finish(opened: Opened) -> Record:
            held.measured = opened.measured
            return _in_dock_words(opened.record)

        self._submit(order, OpenJob(held.volume), finish, urgent=True)

    def _do_close(self, order: Record) -> None:
        self._volumes.close(str(order["volume"]))
        self._tell({"event": "finished", "id": order.get("id")})

    def _do_preview(self, order: Record) -> None:
        request = worker_orders.preview_order(order, self._volumes)
        self._previews.ask(order.get("id"), request, Path(order["folder"]))

    def _do_no_preview(self, order: Record) -> None:
        self._previews.rest()
        self._tell({"event": "finished", "id": order.get("id")})

    def _do_denoise(self, order: Record) -> None:
        self._submit(order, worker_orders.denoise_order(order, self._volumes), _in_dock_words)

    def _do_simulate(self, order: Record) -> None:
        self._submit(order, worker_orders.simulate_order(order, self._volumes), _in_dock_words)

    def _do_structure(self, order: Record) -> None:
        self._submit(order, worker_orders.structure_order(order, self._volumes))

    def _do_quality(self, order: Record) -> None:
        job = worker_orders.quality_order(order, self._volumes)
        self._submit(order, job, lambda figures: {"figures": [dict(one) for one in figures]})

    def _do_regions(self, order: Record) -> None:
        self._submit(order, worker_orders.regions_order(order, self._volumes), urgent=True)

    def _do_training(self, order: Record) -> None:
        arguments = worker_orders.training_order(order).arguments()
        self._tell({"event": "finished", "id": order.get("id"), "arguments": arguments})

    def _do_devices(self, order: Record) -> None:
        self._submit(
            order, ProbeJob(), lambda found: {"devices": [asdict(one) for one in found]}, urgent=True
        )

    def _do_sample(self, order: Record) -> None:
        output = worker_orders.output_of(order)

        def finish(sample: Sample) -> Record:
            write_array(output, sample.noisy.data)
            truth = output.with_suffix(".truth.npy")
            write_array(truth, sample.truth.data)
            spacing = list(sample.noisy.geometry.spacing)
            return {"output": str(output), "truth": str(truth), "spacing": spacing}

        self._submit(order, SampleJob("CT" if order.get("modality") == "CT" else "MR"), finish)

    def _do_cancel(self, order: Record) -> None:
        for ticket, (number, _, _) in self._running.items():
            if number == order.get("id"):
                ticket.cancel()

    def _submit(
        self, order: Record, job: Job, finish: Callable[[Any], Record] = dict, *, urgent: bool = False
    ) -> None:
        number, kind = order.get("id"), str(order["job"])
        if urgent:
            ticket = self._thread.submit_urgent((kind, number), job, self._mailbox)
        else:
            ticket = self._thread.submit(job, self._mailbox)
        self._running[ticket] = (number, kind, finish)

    def _finish(self, number: Any, finish: Callable[[Any], Record], result: Any) -> None:
        try:
            record = finish(result)
        except Exception as error:  # noqa: BLE001  # a full disk, say: told as what the job itself would tell
            self._fail(number, error)
        else:
            self._tell({"event": "finished", "id": number, **record})

    def _fail(self, number: Any, error: BaseException | str) -> None:
        code, sentence = (1, error) if isinstance(error, str) else self._explain(error)
        self._tell(_failed(number, sentence, code))


def _parsed(text: str) -> Record:
    try:
        order = json.loads(text)
    except ValueError:
        order = None
    if not isinstance(order, dict) or "job" not in order:
        msg = 'A line that is no order came: each is a JSON object with "job" and "id".'
        raise BadInputError(msg)
    return order


def _failed(number: Any, sentence: str, code: int) -> Record:
    return {
        "event": "failed",
        "id": number,
        "message": in_dock_words(sentence.replace(SEE_HELP, ".")),
        "code": code,
    }


def _in_dock_words(record: Record) -> Record:
    """The record with its notes in the words of a dock."""
    if "notes" not in record:
        return record
    return record | {"notes": list(dict.fromkeys(in_dock_words(note) for note in record["notes"]))}
