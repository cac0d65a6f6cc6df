"""The dialog "Save as model…": name and words of the card, with the figures before and after in sight."""

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from quietvoxel.jobs import CardProposal
from quietvoxel.models.card import ModelCard

TITLES = {
    "title": "Title",
    "description": "Description",
    "licence": "Licence",
    "intended_use": "Intended use",
}

ROWS = 3
"""Lines of text that the longer fields show."""


class SaveModelDialog(QDialog):
    """Asks for a name and the card's words; it stays open until the model is saved or the user thinks better of it.

    Parameters
    ----------
    parent : the dock.
    name : to suggest.
    proposal : what the card would say.

    Attributes
    ----------
    save : signal with the name and the words.
    """

    save = Signal(str, object)

    def __init__(self, parent: QWidget, name: str, proposal: CardProposal) -> None:
        super().__init__(parent)
        self.setWindowTitle("Save as model")
        self.name = QLineEdit(name)
        self.name.setToolTip("By which the model is chosen: small letters, digits, '-', '.' and '_'")
        self.words: dict[str, QLineEdit | QPlainTextEdit] = {}
        form = QFormLayout()
        form.addRow("Name", self.name)
        for word, title in TITLES.items():
            editor = QPlainTextEdit() if word in ("description", "intended_use") else QLineEdit()
            if isinstance(editor, QPlainTextEdit):
                editor.setFixedHeight(editor.fontMetrics().lineSpacing() * ROWS + 12)
                editor.setPlainText(proposal.words[word])
            else:
                editor.setText(proposal.words[word])
            editor.setToolTip(ModelCard.model_fields[word].description or "")
            self.words[word] = editor
            form.addRow(title, editor)
        self.quality = _wrapped("\n".join(proposal.quality))
        form.addRow("Quality", self.quality)
        self.status = _wrapped("")
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel
        )
        self.save_button = self.buttons.button(QDialogButtonBox.StandardButton.Save)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(_wrapped("The card travels with the model: write nothing about patients into it."))
        layout.addWidget(self.status)
        layout.addWidget(self.buttons)
        self.setMinimumWidth(520)
        self.buttons.accepted.connect(self._save)
        self.buttons.rejected.connect(self.reject)
        self.name.textChanged.connect(self._name_changed)

    def say(self, sentence: str) -> None:
        """Say why it was not saved, and let the user try again."""
        self.status.setText(sentence)
        self._name_changed()

    def _name_changed(self) -> None:
        self.save_button.setEnabled(bool(self.name.text().strip()))

    def _save(self) -> None:
        self.save_button.setEnabled(False)
        self.status.setText("Saving…")
        words = {
            word: editor.toPlainText() if isinstance(editor, QPlainTextEdit) else editor.text()
            for word, editor in self.words.items()
        }
        self.save.emit(self.name.text().strip(), {word: text.strip() for word, text in words.items()})


def _wrapped(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    return label
