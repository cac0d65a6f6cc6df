"""What the viewer shows while two volumes are compared, and how it is put back. No Qt.

Side by side uses napari's grid; every other mode is one layer, whose pixels are composed of A and B.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
from napari.layers import Image, Layer
from napari.utils.colormaps import ensure_colormap

from quietvoxel.errors import BadInputError
from quietvoxel.napari_plugin.adapter import METADATA_KEY, check_layer
from quietvoxel.napari_plugin.compare_array import ComparedArray, Picture, residual_window
from quietvoxel.napari_plugin.layer_chooser import ROLE
from quietvoxel.napari_plugin.radiological_view import LETTER_OVERLAYS, WINDOW_OVERLAY
from quietvoxel.napari_plugin.result_layers import add_above, looks_of
from quietvoxel.napari_plugin.viewer_snapshot import ViewerSnapshot

HANDLE = np.array([1.0, 0.8, 0.0, 1.0])
GRAB_PIXELS = 12.0
"""The curtain's line is caught this near, in screen pixels."""


class Mode(StrEnum):
    """The ways to compare, as the buttons call them, in the order of the keys 1 to 5."""

    SIDE_BY_SIDE = "Side by side"
    CURTAIN = "Curtain"
    FLICKER = "Flicker"
    CHECKERBOARD = "Checkerboard"
    RESIDUAL = "Residual"


PICTURES = {
    Mode.CURTAIN: Picture.CURTAIN,
    Mode.FLICKER: Picture.B,
    Mode.CHECKERBOARD: Picture.CHECKERBOARD,
    Mode.RESIDUAL: Picture.RESIDUAL,
}


def check_pair(a: Any, b: Any) -> None:
    """Refuse two layers that cannot be laid over each other voxel by voxel.

    Raises
    ------
    BadInputError
        With the one sentence for the user.
    """
    check_layer(a)
    check_layer(b)
    if a is b:
        msg = "A and B are the same layer; choose another one as B, such as the denoised result."
        raise BadInputError(msg)
    if a.data.shape != b.data.shape:
        msg = f'"{a.name}" and "{b.name}" differ in size; compare volumes of one grid, such as a source and its result.'
        raise BadInputError(msg)


class CompareView:
    """Shows layers of a viewer compared, until `stop`.

    Parameters
    ----------
    viewer : a napari viewer.

    Attributes
    ----------
    mode : None while nothing is compared.
    layer : the layer that shows the picture of A and B, or None.
    array : its data, or None.
    laid_over : layers of ours that go over the one picture (regions, marks); the grid would give them a cell.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._snapshot: ViewerSnapshot | None = None
        self._layers: tuple[Image, ...] = ()
        self._following: list[Image] = []
        self._moving = False
        self.mode: Mode | None = None
        self.layer: Image | None = None
        self.array: ComparedArray | None = None
        self.laid_over: list[Layer] = []

    def show(self, mode: Mode, layers: Sequence[Image]) -> None:
        """Compare layers, A first, then B; a third and a fourth are shown side by side only.

        Raises
        ------
        BadInputError
            If A and B cannot be compared; the viewer is then left alone.
        """
        check_pair(*layers[:2])
        if self._snapshot is None:
            self._snapshot = ViewerSnapshot(self._viewer)
            self._viewer.mouse_drag_callbacks.append(self._drag)
            self._viewer.dims.events.order.connect(self.turn)
            self._viewer.scene.camera.events.orientation.connect(self.turn)
        if tuple(layers) != self._layers:
            self._choose(tuple(layers))
        self.mode = mode
        if mode is Mode.SIDE_BY_SIDE:
            self._side_by_side()
        else:
            self._one_picture(PICTURES[mode])
        self.suit_texts()

    def stop(self) -> None:
        """Put the viewer back as it was."""
        if self._snapshot is None:
            return
        self._viewer.mouse_drag_callbacks.remove(self._drag)
        self._viewer.dims.events.order.disconnect(self.turn)
        self._viewer.scene.camera.events.orientation.disconnect(self.turn)
        self._drop_picture()
        self._follow([])
        snapshot, self._snapshot = self._snapshot, None
        self._layers, self.mode = (), None
        snapshot.restore()
        self.suit_texts()

    def flip(self) -> Picture:
        """Show the other of A and B in the one picture, and say which it is."""
        assert self.array is not None
        self.array.picture = Picture.A if self.array.picture is Picture.B else Picture.B
        self.refresh()
        return self.array.picture

    def hang_at(self, fraction: float) -> None:
        """Hang the curtain at a fraction of the picture's width, from its left."""
        if self.array is not None:
            self.array.fraction = float(np.clip(fraction, 0, 1))
            self.refresh()

    def set_residual_window(self, half: float) -> None:
        """Show the residual from -half to half."""
        if self.layer is not None and self.mode is Mode.RESIDUAL and half > 0:
            self.layer.contrast_limits = (-half, half)

    def refresh(self) -> None:
        """Draw the picture again, without thumbnail and extent, which cost more than the pixels."""
        if self.layer is not None and self.layer in self._viewer.layers:
            self._set_line()
            self.layer.refresh(thumbnail=False, highlight=False, extent=False)

    def suit_texts(self) -> None:
        """Let what the View dock writes into the canvas suit the picture.

        The residual has a window of its own; the curtain's line hangs where letters stand, which get a background.
        """
        overlays = self._viewer.canvas.overlays
        if WINDOW_OVERLAY in overlays:
            overlays[WINDOW_OVERLAY].visible = self.mode is not Mode.RESIDUAL
        for edge in ("top", "bottom"):
            if LETTER_OVERLAYS[edge] in overlays:
                overlays[LETTER_OVERLAYS[edge]].box = self.mode is Mode.CURTAIN

    def turn(self) -> None:
        """Follow the plane on the screen and the way the camera turns it."""
        if self.array is None:
            return
        dims = self._viewer.dims
        shown = [axis - (dims.ndim - self.array.ndim) for axis in dims.order[-2:]]
        if min(shown) < 0:
            return
        self.array.down, self.array.across = shown
        self.array.flipped = str(self._viewer.scene.camera.orientation2d[1]) == "left"
        self.refresh()

    def _choose(self, layers: tuple[Image, ...]) -> None:
        self._drop_picture()
        assert self._snapshot is not None
        self._layers = layers
        self._follow(list(layers))
        for layer in layers[1:]:
            layer.contrast_limits = layers[0].contrast_limits
        # What the view is about is A: the window that a drag changes, the letters at the edges.
        self._viewer.layers.selection.active = layers[0]

    def _side_by_side(self) -> None:
        self._drop_picture()
        viewer = self._viewer
        # Cells are filled in the order of the layer list.
        places = sorted(viewer.layers.index(layer) for layer in self._layers)
        for layer, place in zip(self._layers, places, strict=True):
            now = viewer.layers.index(layer)
            if now != place:
                viewer.layers.move(now, place if place < now else place + 1)
        self._show_only(self._layers)
        for layer in self._layers:
            layer.name_overlay.visible = True
        grid = viewer.canvas.grid
        grid.shape, grid.stride, grid.enabled = (1, -1), 1, True
        viewer.fit_to_view()

    def _one_picture(self, picture: Picture) -> None:
        viewer = self._viewer
        if viewer.canvas.grid.enabled:
            viewer.canvas.grid.enabled = False
            viewer.fit_to_view()
        if self.layer is None or self.layer not in viewer.layers:
            self._add_picture()
        assert self.layer is not None
        assert self.array is not None
        self.array.picture = picture
        if picture is Picture.RESIDUAL:
            self._follow(list(self._layers))
            half = residual_window(self.array.before, self.array.after)
            self.layer.contrast_limits = (-half, half)
        else:
            self._follow([*self._layers, self.layer])
            self.layer.contrast_limits = self._layers[0].contrast_limits
        self._show_only([self.layer])
        self.turn()

    def _add_picture(self) -> None:
        a, b = self._layers[:2]
        self.array = ComparedArray(a.data, b.data)
        looks = looks_of(a) | {"colormap": ensure_colormap("gray").model_copy(update={"nan_color": HANDLE})}
        self.layer = add_above(
            self._viewer,
            list(self._viewer.layers),
            self.array,
            name=f"A | B: {a.name} | {b.name}",
            metadata={METADATA_KEY: {ROLE: "preview"}},
            **looks,
        )

    def _drop_picture(self) -> None:
        layer, self.layer, self.array = self.layer, None, None
        if layer is not None:
            self._follow([one for one in self._following if one is not layer])
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)

    def _show_only(self, shown: Sequence[Image]) -> None:
        """Hide every other image; in the grid everything else too."""
        assert self._snapshot is not None
        for layer in self._viewer.layers:
            if self.mode is Mode.SIDE_BY_SIDE or (isinstance(layer, Image) and layer not in self.laid_over):
                layer.visible = any(layer is one for one in shown)
            else:
                layer.visible = layer in self.laid_over or self._snapshot.was_visible(layer)

    def _follow(self, layers: list[Image]) -> None:
        """Keep these layers, and no others, in one window."""
        for layer in self._following:
            layer.events.contrast_limits.disconnect(self._window_moved)
        self._following = layers
        for layer in layers:
            layer.events.contrast_limits.connect(self._window_moved)

    def _window_moved(self, event: Any) -> None:
        if self._moving:
            return
        self._moving = True
        try:
            limits = event.source.contrast_limits
            for layer in self._following:
                if layer is not event.source and list(layer.contrast_limits) != list(limits):
                    layer.contrast_limits = limits
        finally:
            self._moving = False

    def _set_line(self) -> None:
        """Make the curtain's line two screen pixels wide, at least one voxel."""
        if self.array is not None:
            voxel = self._viewer.scene.camera.zoom * self._spacing()
            self.array.line = max(1, round(2 / voxel)) if voxel > 0 else 1

    def _spacing(self) -> float:
        assert self.layer is not None
        assert self.array is not None
        return float(np.linalg.norm(self.layer.affine.linear_matrix[:, self.array.across])) * float(
            self.layer.scale[self.array.across]
        )

    def _drag(self, viewer: Any, event: Any) -> Iterator[None]:
        """Move the curtain with the mouse, caught near its line; elsewhere napari pans."""
        if (
            self.mode is not Mode.CURTAIN
            or self.array is None
            or event.button != 1
            or viewer.dims.ndisplay != 2
        ):
            return
        assert self.layer is not None
        place = self.layer.world_to_data(event.position)[self.array.across]
        if abs(place - self.array.split) * viewer.scene.camera.zoom * self._spacing() > GRAB_PIXELS:
            return
        event.handled = True
        yield
        while event.type == "mouse_move" and self.array is not None and self.layer is not None:
            self.array.hang_at(self.layer.world_to_data(event.position)[self.array.across])
            self.refresh()
            event.handled = True
            yield
        event.handled = True
