"""The row "Noise": the estimate, a value given instead of it, and measuring again."""

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QPushButton, QWidget

from quietvoxel.volume import Modality


class NoiseRow(QWidget):
    """Noise standard deviation in the volume's units.

    Attributes
    ----------
    changed : the user gave a value.
    estimate : the user wants it measured again.
    """

    changed = Signal()
    estimate = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._estimated = 0.0
        self.value = QDoubleSpinBox()
        self.value.setRange(0.0, 1e9)
        self.value.setKeyboardTracking(False)
        self.value.setMinimumWidth(self.value.fontMetrics().horizontalAdvance("− 0000.0 HU +") + 40)
        self.value.setToolTip(
            "Noise standard deviation. Estimated from the volume; type another value if you know better"
        )
        self.origin = QLabel()
        self.button = QPushButton("Re-estimate")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.value)
        row.addWidget(self.origin, 1)
        row.addWidget(self.button)
        self.value.valueChanged.connect(self._given)
        self.button.clicked.connect(self.estimate)
        self.show_waiting(False)

    @property
    def given(self) -> float | None:
        """The user's own value; None where the estimate counts."""
        return None if abs(self.value.value() - self._shown(self._estimated)) < 1e-9 else self.value.value()

    def show_estimate(self, sigma: float, modality: str) -> None:
        """Show a new estimate in its place."""
        self._estimated = sigma
        self.value.blockSignals(True)
        # Three figures, whatever an MR scanner's numbers are.
        self.value.setDecimals(1 if sigma >= 10 else 2 if sigma >= 1 else 4)
        self.value.setSingleStep(max(0.05 * sigma, 10.0 ** -self.value.decimals()))
        self.value.setSuffix(" HU" if modality == Modality.CT else "")
        self.value.setValue(sigma)
        self.value.blockSignals(False)
        self.setEnabled(True)
        self._show_origin()

    def show_waiting(self, measuring: bool) -> None:
        """Say that there is no estimate, or not yet."""
        self.setEnabled(False)
        self.origin.setText("measuring…" if measuring else "")

    def allow_again(self) -> None:
        """The estimate failed; it may be tried once more."""
        self.setEnabled(True)
        self.origin.setText("not known")

    def _shown(self, sigma: float) -> float:
        return round(sigma, self.value.decimals())

    def _given(self) -> None:
        self._show_origin()
        self.changed.emit()

    def _show_origin(self) -> None:
        self.origin.setText("(estimated)" if self.given is None else "(given)")
