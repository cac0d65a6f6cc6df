"""What the dock knows of layers it has seen: their volume and what was measured in it."""

from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

from napari.layers import Layer

from quietvoxel.jobs import Measured
from quietvoxel.napari_plugin.adapter import volume_from_layer
from quietvoxel.volume import Modality, Volume


@dataclass
class Known:
    """A layer's volume, and what was measured in it, once it was.

    Attributes
    ----------
    volume : made of the layer.
    shown : the layer's array, scale and translate when it was made.
    """

    volume: Volume
    shown: tuple[Any, ...]
    measured: Measured | None = None


class KnownVolumes:
    """Remembers while a layer lives; forgets what was measured when its voxels are replaced."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Layer, Known] = WeakKeyDictionary()
        self._modalities: WeakKeyDictionary[Layer, Modality] = WeakKeyDictionary()

    def of(self, layer: Any) -> Known:
        """What is known of a layer.

        Raises
        ------
        BadInputError
            If it is no single grey volume.
        """
        shown = (layer.data, tuple(layer.scale), tuple(layer.translate))
        known = self._known.get(layer)
        if known is not None and known.shown[0] is shown[0]:
            if known.shown[1:] == shown[1:]:
                return known
            measured = known.measured  # moved or stretched; the voxels are the same
        else:
            measured = None
        volume = volume_from_layer(layer)
        if layer in self._modalities:
            volume = replace(volume, modality=self._modalities[layer])
        self._known[layer] = Known(volume, shown, measured)
        return self._known[layer]

    def set_modality(self, layer: Any, modality: Modality) -> None:
        """The user says what the voxel values mean."""
        self._modalities[layer] = modality
        self._known.pop(layer, None)

    def forget(self, layer: Any) -> None:
        """Look at the layer anew next time."""
        self._known.pop(layer, None)
