"""Which slice of a layer is on screen."""

from typing import Any

import numpy as np
from napari.layers import Layer


def slice_on_screen(viewer: Any, layer: Layer, axis: int) -> int | None:
    """Number of the slice of `layer` along array axis `axis` that fills the canvas.

    Returns
    -------
    None where slices are cut across (another plane is shown), in 3-D, or where the cursor stands outside.
    """
    offset = viewer.dims.ndim - layer.ndim
    if viewer.dims.ndisplay != 2 or axis + offset in viewer.dims.displayed:
        return None
    place = layer.world_to_data(viewer.dims.point)[axis]
    index = int(np.rint(place))
    return index if 0 <= index < layer.data.shape[axis] else None


def nearest_slice(viewer: Any, layer: Layer, axis: int) -> int:
    """The slice on screen, or the one nearest to the cursor in the other planes."""
    place = layer.world_to_data(viewer.dims.point)[axis]
    return int(np.clip(np.rint(place), 0, layer.data.shape[axis] - 1))
