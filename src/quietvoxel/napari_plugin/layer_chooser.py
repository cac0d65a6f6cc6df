"""The volume chooser: image layers of the viewer by name, whatever is renamed, moved, added or removed meanwhile."""

from typing import Any

from napari.layers import Image, Layer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QSizePolicy

from quietvoxel.napari_plugin.adapter import METADATA_KEY

ROLE = "role"
"""Layers that other layers are made of carry their part under this name in our metadata."""

SIDE_ROLES = {"preview", "residual", "uncertainty"}
"""Pictures about a volume; nobody wants to denoise these."""


def role_of(layer: Layer) -> str:
    """What a layer is to us: "result", one of `SIDE_ROLES`, or "" for a volume of the user's."""
    known = layer.metadata.get(METADATA_KEY)
    return str(known.get(ROLE, "")) if isinstance(known, dict) else ""


class LayerChooser(QComboBox):
    """Chooses one of the viewer's image layers; the choice stays with the layer, not with its place or name."""

    chosen = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self._layer: Layer | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumContentsLength(12)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for event in self._events():
            event.connect(self._refill)
        self.activated.connect(self._activated)
        self._refill()

    @property
    def layer(self) -> Layer | None:
        """The layer chosen."""
        return self._layer

    def choose(self, layer: Layer) -> None:
        """Choose a layer, if it is in the list."""
        if layer in self._layers() and layer is not self._layer:
            self._layer = layer
            self._refill()
            self.chosen.emit()

    def let_go(self) -> None:
        """Stop listening to the viewer."""
        for event in (*self._events(), *(layer.events.name for layer in self._layers())):
            event.disconnect(self._refill)

    def _events(self) -> list[Any]:
        events = self._viewer.layers.events
        return [events.inserted, events.removed, events.reordered]

    def _layers(self) -> list[Layer]:
        """Those on offer, the topmost first, as in napari's own list."""
        return [
            layer
            for layer in reversed(self._viewer.layers)
            if isinstance(layer, Image) and role_of(layer) not in SIDE_ROLES
        ]

    def _refill(self, _event: Any = None) -> None:
        layers = self._layers()
        before = self._layer
        if before not in layers:
            selected = self._viewer.layers.selection.active
            fresh = [layer for layer in layers if not role_of(layer)]
            self._layer = selected if selected in fresh else next(iter(fresh or layers), None)
        self.blockSignals(True)
        self.clear()
        for layer in layers:
            self.addItem(layer.name, layer)
            layer.events.name.connect(self._refill)  # again and again is once
        self.setCurrentIndex(layers.index(self._layer) if self._layer in layers else -1)
        self.blockSignals(False)
        if self._layer is not before:
            self.chosen.emit()

    def _activated(self, index: int) -> None:
        layers = self._layers()
        if index < len(layers) and layers[index] is not self._layer:
            self._layer = layers[index]
            self.chosen.emit()
