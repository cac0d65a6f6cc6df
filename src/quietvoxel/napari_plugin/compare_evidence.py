"""Regions and lines in the Compare dock: buttons to draw them, the table and the plots of what they hold."""

from typing import Any

from napari.layers import Image, Shapes
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from quietvoxel.errors import BadInputError
from quietvoxel.napari_plugin.adapter import volume_from_layer
from quietvoxel.napari_plugin.compare_plots import ComparePlots
from quietvoxel.napari_plugin.compare_regions import (
    Region,
    add_regions_layer,
    lines_of,
    number_regions,
    profile,
    regions_of,
    statistics_rows,
)
from quietvoxel.napari_plugin.compare_table import RegionTable
from quietvoxel.napari_plugin.screen_slice import nearest_slice
from quietvoxel.quality import region_spectrum, residual_histogram

WAIT_MS = 120
"""Figures are renewed this long after the last move of a drawn figure."""


class EvidenceSection(QWidget):
    """What A and B hold in drawn regions.

    Parameters
    ----------
    viewer : a napari viewer.

    Attributes
    ----------
    draw : the user wants to draw, which needs one picture.
    layer : of the regions, or None.
    """

    draw = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self._pair: tuple[Image | None, Image | None] = (None, None)
        self.layer: Shapes | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(WAIT_MS)
        self._timer.timeout.connect(self.measure)
        self.region_button = QPushButton("Draw region")
        self.region_button.setToolTip("An ellipse over tissue; the second one is the background of the CNR")
        self.line_button = QPushButton("Draw line")
        self.line_button.setToolTip("A line for the profile")
        self.clear_button = QPushButton("Clear")
        self.clear_button.setToolTip("Takes all regions and lines away")
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.table = RegionTable()
        self.plots = ComparePlots()
        row = QHBoxLayout()
        for button in (self.region_button, self.line_button, self.clear_button):
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        for widget in (self.message, self.table, self.plots):
            layout.addWidget(widget)
        self.region_button.clicked.connect(self.draw_region)
        self.line_button.clicked.connect(self.draw_line)
        self.clear_button.clicked.connect(self.clear)
        viewer.dims.events.current_step.connect(self.later)
        self._say("")

    def set_pair(self, a: Image | None, b: Image | None) -> None:
        """Choose what is measured; regions on another grid go."""
        before, self._pair = self._pair[0], (a, b)
        if a is None or (before is not None and before.data.shape != a.data.shape):
            self.remove()
        self.later()

    def draw_region(self) -> None:
        """Let the user draw an ellipse."""
        self._draw("add_ellipse")

    def draw_line(self) -> None:
        """Let the user draw a line."""
        self._draw("add_line")

    def clear(self) -> None:
        """Take all figures away."""
        if self.layer is not None:
            self.layer.data = []
            self.later()

    def later(self, _event: Any = None) -> None:
        """Measure soon, once."""
        self._timer.start()

    def remove(self) -> None:
        """Take the regions away."""
        layer, self.layer = self.layer, None
        if layer is not None:
            layer.events.data.disconnect(self.later)
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)

    def shut(self) -> None:
        """Stop for good."""
        self._timer.stop()
        self._viewer.dims.events.current_step.disconnect(self.later)
        self.remove()

    def ensure_layer(self) -> Shapes | None:
        """Give the layer to draw in, made where there is none; None while A is not chosen."""
        a = self._pair[0]
        if self.layer is not None and self.layer not in self._viewer.layers:
            self.layer = None
        if self.layer is None and a is not None:
            self.layer = add_regions_layer(self._viewer, a)
            self.layer.events.data.connect(self.later)
        return self.layer

    def measure(self) -> None:
        """Renew the table and the plots."""
        self._timer.stop()
        a, b = self._pair
        self._say("")
        if a is None or b is None or a.data.shape != b.data.shape:
            self.table.show_rows(())
            for show in (self.plots.show_profile, self.plots.show_spectrum):
                show(None, None, "")
            self.plots.show_histogram(None, "")
            return
        volume = volume_from_layer(a)
        unit = "HU" if volume.modality == "CT" else ""
        spacing = volume.geometry.spacing_zyx
        regions = regions_of(self.layer, a.data.shape) if self.layer is not None else []
        lines = lines_of(self.layer) if self.layer is not None else []
        if self.layer is not None and len(self.layer.data):
            number_regions(self.layer)
        try:
            self.table.show_rows(statistics_rows(regions, a.data, b.data))
            curves = [profile(lines[-1], data, spacing) for data in (a.data, b.data)] if lines else [None] * 2
            self.plots.show_profile(*curves, unit)
        except BadInputError as error:
            self.table.show_rows(())
            self._say(str(error))
        self._measure_noise(regions[-1] if regions else None, a, b, spacing, unit)

    def _measure_noise(
        self, region: Region | None, a: Image, b: Image, spacing: tuple[float, ...], unit: str
    ) -> None:
        if region is None:
            index = nearest_slice(self._viewer, a, 0)
            self.plots.show_spectrum(None, None, unit)
            self.plots.show_histogram(residual_histogram(a.data[index], b.data[index]), unit)
            return
        first, second = region.slice_of(a.data), region.slice_of(b.data)
        self.plots.show_histogram(residual_histogram(first, second, region.mask), unit)
        across = [mm for axis, mm in enumerate(spacing) if axis != region.axis]
        try:
            curves = [region_spectrum(one, region.mask, (across[0], across[1])) for one in (first, second)]
            self.plots.show_spectrum(curves[0], curves[1], unit)
        except BadInputError as error:
            self.plots.show_spectrum(None, None, unit)
            if self.plots.currentWidget() is self.plots.spectrum:
                self._say(str(error))

    def _draw(self, mode: str) -> None:
        if self._pair[0] is None:
            self._say("Choose A first.")
            return
        self.draw.emit()
        layer = self.ensure_layer()
        if layer is not None:
            self._viewer.layers.selection.active = layer
            layer.mode = mode

    def _say(self, text: str) -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))
