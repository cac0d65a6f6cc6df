"""Values of the volumes under the cursor. No Qt, and nothing drawn into the canvas.

A text in the canvas would draw the whole scene anew at every move of the mouse, which is slow without a graphics
card; whoever listens shows it in a widget.
"""

from collections.abc import Callable
from typing import Any

from quietvoxel.napari_plugin.volume_layers import format_value, unit_of, value_at, volume_layers

MOST_LAYERS = 5
_LONGEST = 36  # characters of a layer's name


class CursorValues:
    """Tell the values under the cursor, as one line, whenever they may have changed.

    Parameters
    ----------
    viewer : a napari viewer.
    tell : called with the line, such as "CT: 43 HU    CT [RelativeFlow]: 40 HU"; empty beside all volumes.
    """

    def __init__(self, viewer: Any, tell: Callable[[str], None]) -> None:
        self.viewer = viewer
        self.position: Any = None
        self._tell = tell
        viewer.mouse_move_callbacks.append(self._moved)
        for event in self._events():
            event.connect(self.update)

    def _events(self) -> list[Any]:
        viewer = self.viewer
        return [viewer.layers.events.inserted, viewer.layers.events.removed, viewer.dims.events.current_step]

    def _moved(self, _viewer: Any, event: Any) -> None:
        self.position = event.position
        self.update()

    def update(self) -> None:
        """Look the values up again."""
        self._tell("    ".join(self._values()))

    def _values(self) -> list[str]:
        dims = self.viewer.dims
        if self.position is None or len(self.position) != dims.ndim or dims.ndisplay != 2:
            return []
        position = list(self.position)
        for axis in dims.not_displayed:  # the slice may have changed since the mouse moved
            position[axis] = dims.point[axis]
        layers = volume_layers(self.viewer)
        if len(layers) > MOST_LAYERS:  # those on the screen go first
            layers = sorted(layers, key=lambda layer: not layer.visible)[:MOST_LAYERS]
        found = [(layer, value_at(layer, position)) for layer in layers]
        if all(value is None for _, value in found):
            return []
        return [f"{_short(layer.name)}: {format_value(value, unit_of(layer))}" for layer, value in found]

    def remove(self) -> None:
        """Stop listening."""
        for event in self._events():
            event.disconnect(self.update)
        if self._moved in self.viewer.mouse_move_callbacks:
            self.viewer.mouse_move_callbacks.remove(self._moved)
        self._tell("")


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"…{name[1 - _LONGEST :]}"
