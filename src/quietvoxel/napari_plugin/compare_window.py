"""The window row of the Compare dock: presets by name, width and level as numbers; it follows A."""

from typing import Any

import numpy as np
from napari.layers import Image
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QLabel, QWidget

from quietvoxel.jobs.windows import MR_AUTO, PRESETS, limits, width_level
from quietvoxel.napari_plugin.adapter import display_window, volume_from_layer, widen_slider
from quietvoxel.volume import Modality

OTHER = "own"


class WindowRow(QWidget):
    """Width and level of a layer, both ways."""

    def __init__(self) -> None:
        super().__init__()
        self._layer: Image | None = None
        self._named: dict[str, tuple[float, float]] = {}
        self.presets = QComboBox()
        self.presets.setToolTip("Windows by name; linked for all that is compared")
        self.width_box, self.level_box = QDoubleSpinBox(), QDoubleSpinBox()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(QLabel("Window"))
        row.addWidget(self.presets, stretch=1)
        for text, box, tooltip in (
            ("W", self.width_box, "Window width"),
            ("L", self.level_box, "Window level: the value in the middle"),
        ):
            box.setKeyboardTracking(False)
            box.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
            box.setMaximumWidth(70)
            box.setToolTip(tooltip)
            row.addWidget(QLabel(text))
            row.addWidget(box)
            box.valueChanged.connect(self._typed)
        self.presets.activated.connect(self._preset_chosen)
        self.setEnabled(False)

    def set_layer(self, layer: Image | None) -> None:
        """Follow another layer."""
        if layer is self._layer:
            return
        self.let_go()
        self._layer = layer
        self.setEnabled(layer is not None)
        if layer is None:
            return
        layer.events.contrast_limits.connect(self._show)
        volume = volume_from_layer(layer)
        whole = volume.modality is Modality.CT
        self._named = PRESETS if whole else {MR_AUTO: width_level(*display_window(volume))}
        self.presets.clear()
        self.presets.addItems([*self._named, OTHER])
        width = width_level(*layer.contrast_limits)[0]
        decimals = 0 if whole or width >= 100 else 3
        for box, lowest in ((self.width_box, 10.0**-decimals), (self.level_box, -1e6)):
            box.blockSignals(True)
            box.setDecimals(decimals)
            box.setRange(lowest, 1e6)
            box.blockSignals(False)
        self._show()

    def let_go(self) -> None:
        """Follow no layer."""
        if self._layer is not None:
            self._layer.events.contrast_limits.disconnect(self._show)
            self._layer = None

    def _show(self, _event: Any = None) -> None:
        if self._layer is None:
            return
        now = width_level(*map(float, self._layer.contrast_limits))
        for box, value in zip((self.width_box, self.level_box), now, strict=True):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        name = next((name for name, window in self._named.items() if np.allclose(window, now)), OTHER)
        self.presets.setCurrentText(name)

    def _typed(self) -> None:
        self._set(self.width_box.value(), self.level_box.value())

    def _preset_chosen(self) -> None:
        name = self.presets.currentText()
        if name != OTHER:
            self._set(*self._named[name])

    def _set(self, width: float, level: float) -> None:
        if self._layer is not None:
            widen_slider(self._layer)
            self._layer.contrast_limits = limits(width, level)
