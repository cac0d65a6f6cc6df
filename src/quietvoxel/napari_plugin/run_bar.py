"""The buttons that start and stop a run, its progress, and the lines that say what came of it."""

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from quietvoxel.jobs import Failure, RunMachine, RunState
from quietvoxel.jobs.wording import in_dock_words

FINE = 1000
"""Steps of the progress bar."""


class RunBar(QWidget):
    """One button for a run; it is shown by the state machine alone, so that it always comes back.

    Parameters
    ----------
    title : of the button at rest.
    all_title : of a second button, which starts a run of everything; "" for none.

    Attributes
    ----------
    run : the state machine; call `show_state` after it has moved.
    start, start_all, cancel : signals of the buttons.
    """

    start = Signal()
    start_all = Signal()
    cancel = Signal()

    def __init__(self, title: str, all_title: str = "") -> None:
        super().__init__()
        self.run = RunMachine()
        self._title = title
        self._ready = True
        self._details = ""
        self.button = QPushButton(title)
        self.all_button = QPushButton(all_title)
        self.all_button.setVisible(bool(all_title))
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(10)
        self.progress = QLabel()
        self.status = QLabel()
        self.notes = QLabel()
        self.copy_details = QPushButton("Copy details")
        self.copy_details.setToolTip("Copies what a developer needs to know; nothing of the image")
        for label in (self.status, self.notes):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row = QHBoxLayout()
        row.addWidget(self.button)
        row.addWidget(self.all_button)
        row.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        for widget in (self.bar, self.progress, self.status, self.copy_details, self.notes):
            layout.addWidget(widget)
        self.button.clicked.connect(self._clicked)
        self.all_button.clicked.connect(self.start_all)
        self.copy_details.clicked.connect(self._copy)
        self.say("")
        self.note(())
        self.show_state()

    def set_ready(self, ready: bool) -> None:
        """Whether there is something to start on."""
        self._ready = ready
        self.show_state()

    def show_state(self) -> None:
        """Draw the state the machine is in."""
        state = self.run.state
        busy = state.busy
        cancelling = state is RunState.CANCELLING
        self.button.setText("Cancelling…" if cancelling else "Cancel" if busy else self._title)
        self.button.setEnabled(not cancelling if busy else self._ready)
        self.all_button.setEnabled(self._ready and not busy)
        self.bar.setVisible(busy)
        self.progress.setVisible(busy)
        if state is RunState.PREPARING:
            self.show_progress(None, "preparing…")

    def show_progress(self, fraction: float | None, text: str) -> None:
        """Say how far the run is; None where nobody knows."""
        self.bar.setRange(0, 0 if fraction is None else FINE)
        if fraction is not None:
            self.bar.setValue(round(fraction * FINE))
        self.progress.setText(text)

    def say(self, sentence: str, details: str = "") -> None:
        """One sentence about the run, which stays until the next; "" for none."""
        self.status.setText(in_dock_words(sentence))
        self.status.setVisible(bool(sentence))
        self._details = details
        self.copy_details.setVisible(bool(details))

    def say_failure(self, failure: Failure) -> None:
        """Say what went wrong."""
        self.say(failure.sentence, failure.details)

    def note(self, sentences: tuple[str, ...] | list[str]) -> None:
        """Sentences to be known while one looks at the result (the CPU does the work, doubtful noise, ...)."""
        unique = list(dict.fromkeys(in_dock_words(sentence) for sentence in sentences))
        self.notes.setText("\n".join(unique))
        self.notes.setVisible(bool(unique))

    def _clicked(self) -> None:
        if self.run.state.busy:
            self.cancel.emit()
        else:
            self.start.emit()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._details)
