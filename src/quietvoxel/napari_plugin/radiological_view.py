"""The radiological way to look at volumes: planes, the patient's way up, letters and window in the canvas. No Qt."""

from typing import Any

from napari.components.overlays import TextOverlay
from napari.layers import Image

from quietvoxel.jobs.windows import width_level
from quietvoxel.napari_plugin.orientation import edge_letters, plane_of, upright, view_of
from quietvoxel.napari_plugin.volume_layers import AXES, geometry_of, reference_layer, unit_of
from quietvoxel.volume import Geometry

EDGES = {
    "left": "middle_left",
    "right": "middle_right",
    "top": "top_center",
    "bottom": "bottom_center",
}
LETTER_POINTS = 14
LETTER_OVERLAYS = {edge: f"quietvoxel_{edge}" for edge in EDGES}
WINDOW_OVERLAY = "quietvoxel_window"
"""Names of what is written into the canvas."""


class RadiologicalView:
    """Keep a viewer in radiological convention for as long as this object is on.

    The volume that counts is `volume_layers.reference_layer`: its direction decides which way the camera turns
    each axis, and the letters follow what is really shown, however it came about. Layers without a known
    direction get no letters.

    Parameters
    ----------
    viewer : a napari viewer.
    """

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self._orientation = viewer.scene.camera.orientation  # put back by `remove`
        self._shown: tuple[Geometry, tuple[int, ...]] | None = None
        self.letters = {
            edge: TextOverlay(position=position, font_size=LETTER_POINTS, gridded=True, box=False)
            for edge, position in EDGES.items()
        }
        self.window = TextOverlay(position="bottom_left", font_size=10)
        self._watched: Image | None = None
        for edge, overlay in self.letters.items():
            viewer.canvas.overlays[LETTER_OVERLAYS[edge]] = overlay
        viewer.canvas.overlays[WINDOW_OVERLAY] = self.window
        for event in self._events():
            event.connect(self.update)
        for event in self._letter_events():
            event.connect(self._update_letters)
        self.update()

    def _events(self) -> list[Any]:
        viewer = self.viewer
        layers = viewer.layers.events
        return [
            viewer.dims.events.order,
            viewer.dims.events.ndisplay,
            layers.inserted,
            layers.removed,
            viewer.layers.selection.events.active,
        ]

    def _letter_events(self) -> list[Any]:
        return [self.viewer.scene.camera.events.orientation, self.viewer.canvas.grid.events.enabled]

    @property
    def plane(self) -> str:
        """The plane on the screen: "Axial", "Coronal" or "Sagittal"; "" where there is no volume."""
        layer, order = reference_layer(self.viewer), self._order()
        return plane_of(geometry_of(layer), order) if layer is not None and order is not None else ""

    def show_plane(self, plane: str) -> None:
        """Show the axial, coronal or sagittal plane of the reference volume, in the middle of the canvas."""
        layer = reference_layer(self.viewer)
        if layer is None:
            return
        before = self._order()
        dims = self.viewer.dims
        others = dims.ndim - AXES
        view = view_of(geometry_of(layer), plane)
        dims.ndisplay = 2
        dims.order = (*range(others), *(axis + others for axis in view.order))
        if before != view.order:
            self.viewer.fit_to_view()

    def update(self) -> None:
        """Turn the camera where another direction or plane is shown than before, and write the letters."""
        layer, order = reference_layer(self.viewer), self._order()
        if layer is not None and order is not None:
            shown = (geometry_of(layer), order)
            if shown != self._shown:
                self._shown = shown
                self.viewer.scene.camera.orientation = upright(*shown)
        self._watch(layer)
        self._update_letters()
        self._update_window()

    def _watch(self, layer: Image | None) -> None:
        """Follow the window of the reference volume."""
        if layer is self._watched:
            return
        if self._watched is not None:
            self._watched.events.contrast_limits.disconnect(self._update_window)
        if layer is not None:
            layer.events.contrast_limits.connect(self._update_window)
        self._watched = layer

    def _update_window(self) -> None:
        if self._watched is not None:
            self.window.text = window_text(self._watched)
        self.window.visible = self._watched is not None

    def _update_letters(self) -> None:
        layer, order = reference_layer(self.viewer), self._order()
        shown = layer is not None and order is not None and self.viewer.dims.ndisplay == 2
        if shown:
            orientation = tuple(str(word) for word in self.viewer.scene.camera.orientation2d)
            letters = edge_letters(geometry_of(layer), order[1:], orientation)
            for edge, overlay in self.letters.items():
                overlay.text = letters[edge]
        for edge, overlay in self.letters.items():
            # In a grid the layers' names stand at the top of narrow cells; the letter at the bottom says it all.
            overlay.visible = shown and not (edge == "top" and self.viewer.canvas.grid.enabled)

    def _order(self) -> tuple[int, int, int] | None:
        """Array axes of the volume through, down and across the screen; None if another axis is on it."""
        dims = self.viewer.dims
        order = tuple(axis - (dims.ndim - AXES) for axis in dims.order[-AXES:])
        return order if len(order) == AXES and min(order) >= 0 else None

    def remove(self) -> None:
        """Take letters and window away, stop listening, and turn the camera as it was."""
        for event in self._events():
            event.disconnect(self.update)
        for event in self._letter_events():
            event.disconnect(self._update_letters)
        self._watch(None)
        for name in (*LETTER_OVERLAYS.values(), WINDOW_OVERLAY):
            self.viewer.canvas.overlays.pop(name, None)
        self.viewer.scene.camera.orientation = self._orientation


def window_text(layer: Image) -> str:
    """Such as "W 400 L 40"."""
    width, level = width_level(*layer.contrast_limits)
    return f"W {width:.0f} L {level:.0f}" if unit_of(layer) else f"W {width:.4g} L {level:.4g}"
