"""Previews for a front-end in another process: the newest order is remembered, its pictures go to files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietvoxel.jobs.array_files import write_array
from quietvoxel.jobs.failure import Failure
from quietvoxel.jobs.preview_desk import PreviewDesk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from quietvoxel.jobs.job import Message
    from quietvoxel.jobs.mailbox import Mailbox
    from quietvoxel.jobs.preview_job import PreviewPicture, PreviewRequest
    from quietvoxel.jobs.thread import InferenceThread


class FiledPreviews:
    """A `PreviewDesk` whose pictures are files.

    Parameters
    ----------
    thread, mailbox : as the desk takes them.
    tell : takes each event.
    fail : takes the number of an order and what went wrong with it: a sentence or an error.
    """

    def __init__(
        self,
        thread: InferenceThread,
        mailbox: Mailbox[Message],
        tell: Callable[[dict[str, Any]], None],
        fail: Callable[[Any, str | BaseException], None],
    ) -> None:
        self._desk = PreviewDesk(thread, mailbox)
        self._tell, self._fail = tell, fail
        self._newest: tuple[Any, PreviewRequest, Path] | None = None
        self._pictures = 0

    @property
    def busy(self) -> bool:
        """Whether a picture is under way."""
        return self._desk.busy

    def ask(self, number: Any, request: PreviewRequest, folder: Path) -> None:
        """Want a picture in a folder; only the newest order is answered, and it alone is remembered."""
        self._newest = (number, request, folder)
        self._desk.ask(request)

    def rest(self) -> None:
        """Want nothing more."""
        self._newest = None
        self._desk.drop()

    def drop(self) -> None:
        """Stop what is under way."""
        self._desk.drop()

    def took(self, message: Message) -> bool:
        """Take a message if it is about a preview, and send what the desk lets through."""
        if not self._desk.owns(message):
            return False
        self._show(self._desk.take(message))
        return True

    def _show(self, picture: PreviewPicture | Failure | None) -> None:
        if picture is None or self._newest is None:
            return
        number, newest, folder = self._newest
        if isinstance(picture, Failure):
            self._fail(number, picture.sentence)
            return
        self._pictures += 1
        path = folder / f"preview-{self._pictures}.npy"
        try:
            write_array(path, picture.pixels)
        except Exception as error:  # noqa: BLE001  # a full disk, say: told as what a job itself would tell
            self._fail(number, error)
            return
        request = picture.request
        self._tell(
            {
                "event": "preview",
                "id": number,
                "volume": request.purpose,
                "axis": request.axis,
                "index": request.index,
                "output": str(path),
                "quality": str(picture.quality),
                "seconds": round(picture.seconds, 3),
                "newest": request is newest,
            }
        )
