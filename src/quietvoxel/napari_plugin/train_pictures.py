"""The validation slice while a training goes: reference, degraded, denoised now, denoised at the start."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from qtpy.QtWidgets import QComboBox, QFormLayout, QVBoxLayout, QWidget

from quietvoxel.jobs.windows import PRESETS, limits
from quietvoxel.napari_plugin.compare_plots import COLOUR_A, pyqtgraph

TITLES = {
    "reference": "reference",
    "degraded": "degraded",
    "now": "denoised now",
    "start": "denoised at the start",
}
"""Pictures of a run by their names in its files, in the order of reading."""

SIDE = 165
"""Height of a picture on the screen; a slice has 160 pixels at most."""

WHOLE = "MR"
"""The only window of an MR: from nothing to the brightest of the reference."""


class TrainPictures(QWidget):
    """Four pictures that are zoomed and moved together, with one window.

    Attributes
    ----------
    images : what is shown, by the names of `TITLES`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.images: dict[str, NDArray[np.float32]] = {}
        self._modality = ""
        self.window = QComboBox()
        self.window.setToolTip("Window of the four pictures")
        self.window.activated.connect(self._draw)
        self._view = pyqtgraph.GraphicsLayoutWidget()
        self._view.setBackground(None)
        self._view.ci.layout.setContentsMargins(0, 0, 0, 0)
        self._items: dict[str, pyqtgraph.ImageItem] = {}
        self._boxes: list[pyqtgraph.ViewBox] = []
        self._shape: tuple[int, ...] = ()
        self._zoomed = False
        for place, (name, title) in enumerate(TITLES.items()):
            row, column = divmod(place, 2)
            self._view.addLabel(title, row=2 * row, col=column, color=COLOUR_A if name == "now" else None)
            box = self._view.addViewBox(row=2 * row + 1, col=column, lockAspect=True, invertY=True)
            box.setMenuEnabled(False)
            self._items[name] = pyqtgraph.ImageItem(axisOrder="row-major")
            box.addItem(self._items[name])
            if self._boxes:
                box.setXLink(self._boxes[0])
                box.setYLink(self._boxes[0])
            box.sigResized.connect(self._fit)
            box.sigRangeChangedManually.connect(self._touched)
            self._boxes.append(box)
        self._view.ci.layout.setSpacing(2)
        self._view.setFixedHeight(2 * SIDE + 48)
        form = QFormLayout()
        form.addRow("Validation slice", self.window)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        layout.addWidget(self._view)
        self.clear()

    def clear(self) -> None:
        """Show nothing, and take no room."""
        self.images, self._shape = {}, ()
        self.hide()

    def load(self, folder: Path, modality: str) -> None:
        """Show the pictures of a run as they are on the disk now; what is not there yet is left out."""
        for name in TITLES:
            try:
                self.images[name] = np.load(folder / f"validation-{name}.npy")
            except (OSError, ValueError, EOFError):
                continue
        if not self.images:
            return
        if modality != self._modality:
            self._modality = modality
            self.window.clear()
            self.window.addItems(PRESETS if modality == "CT" else [WHOLE])
            self.window.setVisible(modality == "CT")
        self._draw()
        self.show()

    def _draw(self) -> None:
        preset = PRESETS.get(self.window.currentText())
        if preset is not None:
            levels = limits(*preset)
        else:
            bright = self.images.get("reference", next(iter(self.images.values())))
            levels = (0.0, max(1e-6, float(np.percentile(bright, 99.8))))
        for name, image in self.images.items():
            self._items[name].setImage(image, levels=levels, autoLevels=False)
        shape = next(iter(self.images.values())).shape
        if shape != self._shape:
            self._shape, self._zoomed = shape, False
            self._fit()

    def _fit(self) -> None:
        """Show the slice whole, until the user zooms."""
        if self._shape and not self._zoomed:
            rows, columns = self._shape
            for box in self._boxes:
                box.setRange(xRange=(0, columns), yRange=(0, rows), padding=0.0)

    def _touched(self) -> None:
        self._zoomed = True
