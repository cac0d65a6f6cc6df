"""The rows A, B, C, D and Reference of the Compare dock: which layers are compared."""

from typing import Any

from napari.layers import Image
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QSizePolicy

from quietvoxel.napari_plugin.adapter import METADATA_KEY
from quietvoxel.napari_plugin.layer_chooser import SIDE_ROLES, role_of

NONE = "–"
LONGEST = 18


class CompareChooser(QComboBox):
    """Chooses a volume's layer, or none; the choice stays with the layer, whatever it is called or where it lies.

    Parameters
    ----------
    viewer : a napari viewer.

    Attributes
    ----------
    chosen : the choice has changed.
    """

    chosen = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self._layer: Image | None = None
        self._named: list[Image] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumContentsLength(LONGEST)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for event in self._events():
            event.connect(self.refill)
        self.activated.connect(self._activated)
        self.refill()

    @property
    def layer(self) -> Image | None:
        """The layer chosen."""
        return self._layer

    def choose(self, layer: Image | None, *, quietly: bool = False) -> None:
        """Choose a layer, or none; `quietly` where several choosers change together."""
        if layer is self._layer or (layer is not None and layer not in volumes(self._viewer)):
            return
        self._layer = layer
        self.refill()
        if not quietly:
            self.chosen.emit()

    def let_go(self) -> None:
        """Stop listening to the viewer."""
        for event in self._events():
            event.disconnect(self.refill)
        self._listen([])

    def refill(self, _event: Any = None) -> None:
        """List the layers again."""
        layers = volumes(self._viewer)
        before = self._layer
        if before not in layers:
            self._layer = None
        self._listen(layers)
        self.blockSignals(True)
        self.clear()
        self.addItem(NONE)
        for layer in layers:
            self.addItem(layer.name)
        self.setCurrentIndex(layers.index(self._layer) + 1 if self._layer is not None else 0)
        self.setToolTip(self._layer.name if self._layer is not None else "")
        self.blockSignals(False)
        if self._layer is not before:
            self.chosen.emit()

    def _events(self) -> list[Any]:
        events = self._viewer.layers.events
        return [events.inserted, events.removed, events.reordered]

    def _listen(self, layers: list[Image]) -> None:
        """Follow the names of these layers and no others."""
        for layer in self._named:
            layer.events.name.disconnect(self.refill)
        for layer in layers:
            layer.events.name.connect(self.refill)
        self._named = layers

    def _activated(self, index: int) -> None:
        layers = volumes(self._viewer)
        layer = layers[index - 1] if 1 <= index <= len(layers) else None
        if layer is not self._layer:
            self._layer = layer
            self.chosen.emit()


def volumes(viewer: Any) -> list[Image]:
    """Layers that can be compared, in the order of the layer list; no previews, residuals or marks."""
    return [
        layer
        for layer in viewer.layers
        if isinstance(layer, Image) and layer.ndim == 3 and not layer.rgb and role_of(layer) not in SIDE_ROLES
    ]


def likely_pair(viewer: Any) -> tuple[Image | None, Image | None]:
    """A source and its newest result; else the two lowest volumes of one size."""
    layers = volumes(viewer)
    for result in reversed(layers):
        name = (result.metadata.get(METADATA_KEY) or {}).get("source_name") if _ours(result) else None
        source = next((one for one in layers if one.name == name and one is not result), None)
        if source is not None:
            return source, result
    for place, one in enumerate(layers):
        for other in layers[place + 1 :]:
            if one.data.shape == other.data.shape:
                return one, other
    return (layers[0] if layers else None), None


def _ours(layer: Image) -> bool:
    return isinstance(layer.metadata.get(METADATA_KEY), dict)
