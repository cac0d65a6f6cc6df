"""Trainings of earlier days that wait for the user: interrupted ones to resume, finished ones to save."""

from dataclasses import dataclass
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from quietvoxel.engines.registry import ENGINES
from quietvoxel.errors import QuietVoxelError
from quietvoxel.training.runs import RunRecord, all_runs, is_running, remove_run


@dataclass(frozen=True)
class Waiting:
    """A run that can be gone on with, or saved.

    Attributes
    ----------
    folder, record : as on the disk.
    """

    folder: Path
    record: RunRecord

    @property
    def finished(self) -> bool:
        """Whether a model waits to be saved; otherwise the training was interrupted."""
        return self.record.state == "trained"

    @property
    def line(self) -> str:
        """What it is, in the user's words."""
        engine = ENGINES[self.record.engine].title if self.record.engine in ENGINES else self.record.engine
        what = "not saved yet" if self.finished else "interrupted"
        return f"{self.record.name} · {engine} · {self.record.modality} · {self.record.plan} · {what}"


def waiting_runs() -> list[Waiting]:
    """Interrupted trainings and unsaved models, the newest first; those that are running are not among them."""
    return [
        Waiting(folder, record)
        for folder, record in all_runs()
        if (record.resumable or record.state == "trained") and not is_running(folder)
    ]


class TrainWaiting(QWidget):
    """Offers them; hidden where there are none.

    Attributes
    ----------
    resume, save : signals with the `Waiting` chosen.
    said : signal with a sentence.
    """

    resume = Signal(object)
    save = Signal(object)
    said = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[Waiting] = []
        self._free = True
        self.title = QLabel()
        self.title.setWordWrap(True)
        self.box = QComboBox()
        self.box.setMinimumContentsLength(12)
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.go_button = QPushButton()
        self.discard_button = QPushButton("Throw away")
        self.discard_button.setToolTip("Delete its checkpoints; models that were saved stay")
        row = QHBoxLayout()
        row.addWidget(self.go_button)
        row.addWidget(self.discard_button)
        row.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.title)
        layout.addWidget(self.box)
        layout.addLayout(row)
        self.box.currentIndexChanged.connect(self._show)
        self.go_button.clicked.connect(self._go)
        self.discard_button.clicked.connect(self._discard)
        self.refresh()

    @property
    def chosen(self) -> Waiting | None:
        """The one chosen."""
        index = self.box.currentIndex()
        return self._runs[index] if 0 <= index < len(self._runs) else None

    def refresh(self) -> None:
        """Look at the disk again."""
        self._runs = waiting_runs()
        self.box.blockSignals(True)
        self.box.clear()
        self.box.addItems([run.line for run in self._runs])
        self.box.blockSignals(False)
        self._show()

    def set_free(self, free: bool) -> None:
        """Whether no training is under way, so that another one can be resumed."""
        self._free = free
        self._show()

    def _show(self) -> None:
        chosen = self.chosen
        self.setVisible(chosen is not None)
        if chosen is None:
            return
        several = len(self._runs) > 1
        self.box.setVisible(several)
        self.title.setText(f"{len(self._runs)} trainings wait for you:" if several else chosen.line)
        self.go_button.setText("Save as model…" if chosen.finished else "Resume")
        self.go_button.setEnabled(self._free)
        self.discard_button.setEnabled(self._free)

    def _go(self) -> None:
        chosen = self.chosen
        if chosen is not None:
            (self.save if chosen.finished else self.resume).emit(chosen)

    def _discard(self) -> None:
        chosen = self.chosen
        if chosen is None:
            return
        try:
            remove_run(chosen.folder)
        except QuietVoxelError as error:
            self.said.emit(str(error))
        self.refresh()
