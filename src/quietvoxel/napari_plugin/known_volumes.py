"""What the dock knows of layers it has seen: their volume and what was measured in it."""

from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from napari.layers import Layer

from quietvoxel.jobs import Measured
from quietvoxel.napari_plugin.adapter import volume_from_layer
from quietvoxel.volume import Modality, Volume


@dataclass
class Known:
    """A layer's volume, and what was measured in it, once it was."""

    volume: Volume
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
        known = self._known.get(layer)
        volume = volume_from_layer(layer) if known is None or not _same(known.volume, layer) else known.volume
        if layer in self._modalities:
            volume = replace(volume, modality=self._modalities[layer])
        if known is None or volume is not known.volume:
            kept = known is not None and known.volume.data is volume.data
            same = kept and known.volume.modality == volume.modality
            known = Known(volume, known.measured if same else None)
            self._known[layer] = known
        return known

    def set_modality(self, layer: Any, modality: Modality) -> None:
        """The user says what the voxel values mean."""
        self._modalities[layer] = modality
        self._known.pop(layer, None)

    def forget(self, layer: Any) -> None:
        """Look at the layer anew next time."""
        self._known.pop(layer, None)


def _same(volume: Volume, layer: Any) -> bool:
    """Whether the layer still shows these voxels in this place."""
    return volume.data is layer.data and np.allclose(
        np.abs(np.asarray(layer.scale)[-3:]), volume.geometry.spacing_zyx, rtol=1e-6
    )
