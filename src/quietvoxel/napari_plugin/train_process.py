"""A training as the dock sees it: the process, its events on the main thread, and its end when the dock goes."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from qtpy.QtCore import QObject, Signal

from quietvoxel.jobs import Mailbox, TrainingRequest, TrainingRun, TrainingState
from quietvoxel.napari_plugin.relay import mailbox_for, relay

PROGRAM: Sequence[str] | None = None
"""What runs `quietvoxel`; this interpreter where it is None."""


class TrainProcess(QObject):
    """One process after another, of which at most one is alive.

    Attributes
    ----------
    told : signal with each event.
    """

    told = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._run: TrainingRun | None = None
        self._mailbox: Mailbox[Any] = mailbox_for(self._read_mail)
        self._holder: list[TrainingRun] = []
        # When the viewer closes, widgets are gone before anybody is told: only what is no widget may be touched.
        self.destroyed.connect(_Farewell(self._holder))

    @property
    def state(self) -> TrainingState:
        """Of the process that was started last."""
        return TrainingState.IDLE if self._run is None else self._run.state

    @property
    def busy(self) -> bool:
        """Whether it has not told its last event yet."""
        return bool(self._holder)

    @property
    def run(self) -> TrainingRun | None:
        """The process that was started last."""
        return self._run

    def start(self, request: TrainingRequest) -> None:
        """Start one; its events arrive by `told`.

        Raises
        ------
        OSError
            If the system starts no process.
        """
        self._run = None  # for one that does not even start
        run = TrainingRun(request, self._mailbox, PROGRAM)
        run.start()
        self._run = run
        self._holder[:] = [run]

    def leave(self) -> None:
        """Hear nothing any more, and let the process end after a checkpoint."""
        self._mailbox.close()
        _Farewell(self._holder)()

    def drop(self) -> None:
        """End the process at once: nothing of it is wanted."""
        self._mailbox.close()
        self._mailbox = Mailbox(relay().told.emit)
        for run in self._holder:
            run.kill()
        self._holder.clear()
        self._run = None

    def _read_mail(self) -> None:
        for event in self._mailbox.drain():
            if event["event"] in ("finished", "cancelled", "failed", "measured"):
                self._holder.clear()
            self.told.emit(event)


class _Farewell:
    """Tells a process that nobody waits for it."""

    def __init__(self, holder: list[TrainingRun]) -> None:
        self._holder = holder

    def __call__(self) -> None:
        for run in self._holder:
            with suppress(OSError):
                run.cancel()
        self._holder.clear()
