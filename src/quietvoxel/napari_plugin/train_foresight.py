"""Measures before the start what the plans take on this machine, in a process of its own that nobody waits for."""

from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from quietvoxel.jobs import TrainingRequest
from quietvoxel.napari_plugin.train_process import TrainProcess

SETTLE_MS = 1500
"""Nobody measures while the user is still choosing."""


class TrainForesight(QObject):
    """Keeps what was measured, by what it depends on.

    Attributes
    ----------
    told : signal: there is news about what was asked for last.
    """

    told = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._process = TrainProcess(self)
        self._process.told.connect(self._take)
        self._timer = QTimer(self, interval=SETTLE_MS, singleShot=True, timeout=self._measure)
        self._known: dict[TrainingRequest, dict[str, Any]] = {}
        self._wanted: TrainingRequest | None = None
        self._measured: TrainingRequest | None = None

    def want(self, request: TrainingRequest | None) -> None:
        """Measure this in a moment, unless it was; None: nothing, and what is under way is dropped."""
        if request == self._wanted:
            return
        self._wanted = request
        self.rest()
        if request is not None and request not in self._known:
            self._timer.start()

    def rest(self) -> None:
        """Leave the machine to something else."""
        self._timer.stop()
        self._process.drop()

    def about(self, plan: str) -> dict[str, Any] | str:
        """What is known of a plan: its `foreseen` event, or a sentence in its place."""
        known = self._known.get(self._wanted, {}) if self._wanted is not None else {}
        if plan in known:
            return known[plan]
        if self._wanted is None:
            return ""
        return str(known.get("sentence", "measuring time and memory on this machine…"))

    def _measure(self) -> None:
        self._measured = self._wanted
        if self._measured is None:
            return
        try:
            self._process.start(self._measured)
        except OSError as error:
            self._known[self._measured] = {
                "sentence": f"Time and memory could not be measured ({error.strerror})."
            }
            self.told.emit()

    def _take(self, event: dict[str, Any]) -> None:
        if self._measured is None:
            return
        if event["event"] == "foreseen":
            self._known.setdefault(self._measured, {})[event["plan"]] = event
            self.told.emit()
        elif event["event"] == "failed":
            self._known.setdefault(self._measured, {})["sentence"] = event["message"]
            self.told.emit()
