"""The user's own models: export as one file, import, removal."""

from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from quietvoxel.jobs import Done, ExportModelJob, Failure, ImportModelJob, Job, RemoveModelJob, Ticket
from quietvoxel.jobs.wording import in_dock_words
from quietvoxel.models import ModelCard, list_models
from quietvoxel.models.store import BUNDLED
from quietvoxel.napari_plugin.relay import mailbox_for
from quietvoxel.napari_plugin.train_references import reading_thread

FILTER = "QuietVoxel models (*.safetensors)"


class OwnModels(QWidget):
    """A list of the user's own models, and what can be done with them; those that came with QuietVoxel stay.

    Attributes
    ----------
    changed : a model has come or gone.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._mailbox = mailbox_for(self._read_mail)
        self._jobs: dict[Ticket, str] = {}
        self.box = QComboBox()
        self.box.setMinimumContentsLength(12)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.export_button = QPushButton("Export…")
        self.import_button = QPushButton("Import…")
        self.remove_button = QPushButton("Remove…")
        self.export_button.setToolTip("Write the model with its card into one file, for another machine")
        self.import_button.setToolTip("Check such a file, and put its model among yours")
        self.remove_button.setToolTip("Delete the model from this machine")
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.status.hide()
        self.box.setPlaceholderText("none yet: train one, or import one")
        buttons = QHBoxLayout()
        for button in (self.export_button, self.import_button, self.remove_button):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.box)
        layout.addLayout(buttons)
        layout.addWidget(self.status)
        self.export_button.clicked.connect(self._ask_export)
        self.import_button.clicked.connect(self._ask_import)
        self.remove_button.clicked.connect(self._ask_removal)
        self.destroyed.connect(self._mailbox.close)
        self.refresh()

    @property
    def name(self) -> str:
        """The model chosen; "" where there is none."""
        return str(self.box.currentData() or "")

    def refresh(self, chosen: str = "") -> None:
        """Read the list anew."""
        chosen = chosen or self.name
        self.box.clear()
        for card in list_models():
            if card.origin is not None and card.origin.parent != BUNDLED:
                self.box.addItem(f"{card.title} ({card.name}), {card.modality}", card.name)
        self.box.setCurrentIndex(max(0, self.box.findData(chosen)) if self.box.count() else -1)
        for button in (self.export_button, self.remove_button):
            button.setEnabled(bool(self.name))

    def let_go(self) -> None:
        """Hear no more of what is under way; it is done nevertheless."""
        self._mailbox.close()

    def export_to(self, path: Path) -> None:
        """Write the model chosen into a file."""
        self._do(ExportModelJob(self.name, path), "Exported '{name}' as {file}.")

    def import_from(self, path: Path) -> None:
        """Take a model from a file."""
        self._do(ImportModelJob(path), "Imported '{name}'.")

    def remove(self) -> None:
        """Delete the model chosen."""
        self._do(RemoveModelJob(self.name), "Removed '{name}'.")

    def _do(self, job: Job, sentence: str) -> None:
        self._say("…")
        self._jobs[reading_thread().submit(job, self._mailbox)] = sentence

    def _read_mail(self) -> None:
        for message in self._mailbox.drain():
            sentence = self._jobs.pop(message.ticket, None)
            if sentence is not None:
                self._end(message.content, sentence)

    def _end(self, content: Any, sentence: str) -> None:
        match content:
            case Done() as done:
                card: ModelCard = done.result
                self._say(sentence.format(name=card.name, file=card.origin.name if card.origin else ""))
                self.refresh(card.name)
                self.changed.emit()
            case Failure() as failure:
                self._say(failure.sentence)
            case _:
                self._say("")

    def _say(self, sentence: str) -> None:
        self.status.setText(in_dock_words(sentence))
        self.status.setVisible(bool(sentence))

    def _ask_export(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Export model as", f"{self.name}.safetensors", FILTER)
        if path:
            self.export_to(Path(path))

    def _ask_import(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Import a model", "", FILTER)
        if path:
            self.import_from(Path(path))

    def _ask_removal(self) -> None:
        question = f"Remove the model '{self.name}' from this machine?"
        if QMessageBox.question(self, "Remove model", question) == QMessageBox.StandardButton.Yes:
            self.remove()
