"""The buttons of a training, its progress, and the lines that say what came of it."""

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from quietvoxel.jobs import TrainingState
from quietvoxel.jobs.wording import in_dock_words

FINE = 1000
"""Steps of the progress bar."""

TOOLTIPS = {
    "start": "Begin to train on the references",
    "pause": "Rest after the step that is under way, and go on later",
    "stop": "End now, and keep the best network so far",
    "cancel": "End after a checkpoint; the training can be resumed another day",
}


class TrainBar(QWidget):
    """One row of buttons; the state of the training alone says what they are, so that they always come back.

    Attributes
    ----------
    start, pause, resume, stop, cancel, kill : signals of the buttons.
    """

    start = Signal()
    pause = Signal()
    resume = Signal()
    stop = Signal()
    cancel = Signal()
    kill = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._state = TrainingState.IDLE
        self._ready = False
        self._asked = ""
        self._details = ""
        self.start_button = QPushButton("Start")
        self.pause_button = QPushButton("Pause")
        self.stop_button = QPushButton("Stop and keep best")
        self.cancel_button = QPushButton("Cancel")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(10)
        self.progress, self.status, self.notes = QLabel(), QLabel(), QLabel()
        self.copy_details = QPushButton("Copy details")
        self.copy_details.setToolTip("Copies what a developer needs to know; nothing of the images")
        for label in (self.progress, self.status, self.notes):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row = QHBoxLayout()
        for name, button in self._buttons().items():
            button.setToolTip(TOOLTIPS[name])
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        for widget in (self.bar, self.progress, self.status, self.copy_details, self.notes):
            layout.addWidget(widget)
        self.start_button.clicked.connect(self.start)
        self.pause_button.clicked.connect(self._pause_clicked)
        self.stop_button.clicked.connect(self._stop_clicked)
        self.cancel_button.clicked.connect(self._cancel_clicked)
        self.copy_details.clicked.connect(self._copy)
        self.say("")
        self.note([])
        self._draw()

    def set_ready(self, ready: bool) -> None:
        """Whether there is something to start on."""
        self._ready = ready
        self._draw()

    def show_state(self, state: TrainingState) -> None:
        """Show another state of the training."""
        if state is not self._state:
            self._asked = self._asked if state is TrainingState.STOPPING else ""
            self._state = state
            if state is TrainingState.PREPARING:
                self.show_progress(None, "starting…")
        self._draw()

    def show_progress(self, fraction: float | None, text: str) -> None:
        """Say how far it is; None where nobody knows."""
        self.bar.setRange(0, 0 if fraction is None else FINE)
        if fraction is not None:
            self.bar.setValue(round(fraction * FINE))
        self.progress.setText(text)

    def say(self, sentence: str, details: str = "") -> None:
        """One sentence about the training, which stays until the next; "" for none."""
        self.status.setText(in_dock_words(sentence))
        self.status.setVisible(bool(sentence))
        self._details = details
        self.copy_details.setVisible(bool(details))

    def note(self, sentences: list[str]) -> None:
        """Sentences to be known about this training."""
        unique = list(dict.fromkeys(in_dock_words(sentence) for sentence in sentences))
        self.notes.setText("\n".join(unique))
        self.notes.setVisible(bool(unique))

    def _buttons(self) -> dict[str, QPushButton]:
        return {
            "start": self.start_button,
            "pause": self.pause_button,
            "stop": self.stop_button,
            "cancel": self.cancel_button,
        }

    def _draw(self) -> None:
        state, asked = self._state, self._asked
        free = state.busy and not asked and state is not TrainingState.STOPPING
        paused = state is TrainingState.PAUSED
        training = state in (TrainingState.TRAINING, TrainingState.PAUSED)
        self.start_button.setEnabled(self._ready and not state.busy)
        self.pause_button.setText("Pausing…" if asked == "pause" else "Resume" if paused else "Pause")
        self.pause_button.setEnabled(free)
        self.stop_button.setText("Stopping…" if asked == "stop" else "Stop and keep best")
        self.stop_button.setEnabled(free and training)
        # Whoever does not want to wait for the checkpoint loses what came after the last one.
        self.cancel_button.setText("End at once" if asked in ("stop", "cancel") else "Cancel")
        self.cancel_button.setEnabled(state.busy and asked != "kill")
        self.bar.setVisible(state.busy)
        self.progress.setVisible(state.busy)

    def _pause_clicked(self) -> None:
        if self._state is TrainingState.PAUSED:
            self.resume.emit()
        else:
            self._asked = "pause"
            self.pause.emit()
        self._draw()

    def _stop_clicked(self) -> None:
        self._asked = "stop"
        self.stop.emit()
        self._draw()

    def _cancel_clicked(self) -> None:
        if self._asked in ("stop", "cancel"):
            self._asked = "kill"
            self.kill.emit()
        else:
            self._asked = "cancel"
            self.cancel.emit()
        self._draw()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._details)
