"""Window and level by dragging with the right button: right is wider, up is a higher level. No Qt."""

from collections.abc import Iterator
from typing import Any

from napari.layers import Image

from quietvoxel.jobs.windows import limits, width_level
from quietvoxel.napari_plugin.adapter import METADATA_KEY
from quietvoxel.napari_plugin.volume_layers import reference_layer, unit_of

RIGHT_BUTTON = 2
PIXELS = 300.0
"""Screen pixels of a drag that change width or level by one width."""

_NARROWEST = 0.005  # share of the width at the start
_NARROWEST_HU = 1.0


def drag_window(viewer: Any, event: Any) -> Iterator[None]:
    """Follow a drag with the right button; for ``viewer.mouse_drag_callbacks``. napari would zoom instead."""
    layer = reference_layer(viewer)
    if event.button != RIGHT_BUTTON or event.modifiers or layer is None:
        return
    event.handled = True
    together = shown_alike(viewer, layer)
    start_x, start_y = (float(v) for v in event.pos)
    width, level = width_level(*map(float, layer.contrast_limits))
    yield
    while event.type == "mouse_move":
        x, y = (float(v) for v in event.pos)
        set_window(together, *dragged(width, level, x - start_x, start_y - y, unit_of(layer)))
        event.handled = True
        yield
    event.handled = True


def dragged(width: float, level: float, right: float, up: float, unit: str) -> tuple[float, float]:
    """Width and level after a drag over so many screen pixels, whole numbers in HU."""
    narrowest = _NARROWEST_HU if unit == "HU" else width * _NARROWEST
    new = (max(width * (1 + right / PIXELS), narrowest), level + width * up / PIXELS)
    return (float(round(new[0])), float(round(new[1]))) if unit == "HU" else new


def shown_alike(viewer: Any, layer: Image) -> list[Image]:
    """Layers of ours that are shown in the window of `layer` and so stay with it: a result, a preview, no residual."""
    return [
        layer,
        *(
            one
            for one in viewer.layers
            if one is not layer
            and isinstance(one, Image)
            and METADATA_KEY in one.metadata
            and list(one.contrast_limits) == list(layer.contrast_limits)
        ),
    ]


def set_window(layers: list[Image], width: float, level: float) -> None:
    """Show layers in a window."""
    for layer in layers:
        layer.contrast_limits = limits(width, level)
