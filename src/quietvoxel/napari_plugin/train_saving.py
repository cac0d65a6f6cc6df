"""From a finished training to a model: what the card would say, the dialog, and the saving itself."""

from typing import Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QWidget

from quietvoxel.jobs import CardProposal, Done, Failure, Job, ProposeCardJob, SaveTrainedJob, Ticket
from quietvoxel.napari_plugin.relay import mailbox_for
from quietvoxel.napari_plugin.train_references import reading_thread
from quietvoxel.napari_plugin.train_save import SaveModelDialog
from quietvoxel.napari_plugin.train_waiting import Waiting


class TrainSaving(QObject):
    """Saves one training at a time.

    Parameters
    ----------
    dock : parent of the dialog.

    Attributes
    ----------
    dialog : while it is open.
    saved : signal with the card of the new model.
    failed : signal with a `Failure` that no dialog can show.
    """

    saved = Signal(object)
    failed = Signal(object)

    def __init__(self, dock: QWidget) -> None:
        super().__init__(dock)
        self.dialog: SaveModelDialog | None = None
        self._dock = dock
        self._mailbox = mailbox_for(self._read_mail)
        self._waiting: Waiting | None = None
        self._ticket: Ticket | None = None
        self.destroyed.connect(self._mailbox.close)

    def ask(self, waiting: Waiting) -> None:
        """Ask for name and words of the model."""
        if self.dialog is None and self._ticket is None:
            self._waiting = waiting
            self._do(ProposeCardJob(waiting.folder, waiting.record.name))

    def let_go(self) -> None:
        """Hear no more; what is being saved is saved."""
        self._mailbox.close()

    def _do(self, job: Job) -> None:
        self._ticket = reading_thread().submit(job, self._mailbox)

    def _read_mail(self) -> None:
        for message in self._mailbox.drain():
            if message.ticket is self._ticket:
                self._ticket = None
                self._end(message.content)

    def _end(self, content: Any) -> None:
        match content:
            case Done(CardProposal() as proposal):
                self._open(proposal)
            case Done(card):
                if self.dialog is not None:
                    self.dialog.accept()
                self.saved.emit(card)
            case Failure() as failure if self.dialog is not None:
                self.dialog.say(failure.sentence)
            case Failure() as failure:
                self.failed.emit(failure)

    def _open(self, proposal: CardProposal) -> None:
        assert self._waiting is not None
        self.dialog = SaveModelDialog(self._dock, self._waiting.record.name, proposal)
        self.dialog.save.connect(self._save)
        self.dialog.finished.connect(self._closed)
        self.dialog.open()

    def _save(self, name: str, words: dict[str, str]) -> None:
        assert self._waiting is not None
        self._do(SaveTrainedJob(self._waiting.folder, name, words))

    def _closed(self) -> None:
        if self.dialog is not None:
            self.dialog.deleteLater()
            self.dialog = None
