"""Which layers of a viewer are volumes, and which one of them the screen is about. No Qt."""

from typing import Any

import numpy as np
from napari.layers import Image

from quietvoxel.napari_plugin.adapter import METADATA_KEY, is_ours
from quietvoxel.volume import Geometry, Modality

AXES = 3


def volume_layers(viewer: Any) -> list[Image]:
    """Image layers that carry a geometry of ours, in the order of the layer list: sources before results."""
    return [
        layer for layer in viewer.layers if isinstance(layer, Image) and is_ours(layer) and layer.ndim == AXES
    ]


def reference_layer(viewer: Any) -> Image | None:
    """The volume that plane, letters and window are about: the selected one, else the topmost that is visible."""
    layers = volume_layers(viewer)
    active = viewer.layers.selection.active
    if active in layers:
        return active
    return next((layer for layer in reversed(layers) if layer.visible), layers[-1] if layers else None)


def geometry_of(layer: Image) -> Geometry:
    """Geometry that the layer was made with."""
    return layer.metadata[METADATA_KEY]["geometry"]


def unit_of(layer: Image) -> str:
    """Unit of the layer's values: "HU" for CT, "" for what has none."""
    return "HU" if layer.metadata[METADATA_KEY].get("modality") is Modality.CT else ""


def value_at(layer: Image, position: Any) -> float | None:
    """Value of the voxel at a place in the world, or None beside the volume.

    Parameters
    ----------
    layer : a volume of ours.
    position : of the cursor, in world coordinates of as many axes as the viewer has.
    """
    index = np.rint(layer.world_to_data(position)).astype(int)[-AXES:]
    if (index < 0).any() or (index >= layer.data.shape).any():
        return None
    return float(layer.data[tuple(index)])


def format_value(value: float | None, unit: str) -> str:
    """Whole HU, four digits of anything else, a dash beside the volume."""
    if value is None:
        return "–"
    return f"{value:.0f} HU" if unit == "HU" else f"{value:.4g}"
