"""How a viewer was, to put it back: what is visible, in which order, the grid, the camera, windows and captions."""

from typing import Any

from napari.layers import Layer


class ViewerSnapshot:
    """Recorded when it is made; `restore` puts back whatever is still there.

    Parameters
    ----------
    viewer : a napari viewer.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._order: list[Layer] = list(viewer.layers)
        self._visible = [layer.visible for layer in self._order]
        self._captions = [layer.name_overlay.visible for layer in self._order]
        self._windows = [
            tuple(layer.contrast_limits) if hasattr(layer, "contrast_limits") else None
            for layer in self._order
        ]
        self._selected = set(viewer.layers.selection)
        self._active = viewer.layers.selection.active
        grid = viewer.canvas.grid
        self._grid = {"enabled": grid.enabled, "shape": grid.shape, "stride": grid.stride}
        camera = viewer.scene.camera
        self._camera = {"center": tuple(camera.center), "zoom": camera.zoom}

    def was_visible(self, layer: Layer) -> bool:
        """Whether a layer was visible, or has come since."""
        return layer not in self._order or self._visible[self._order.index(layer)]

    def restore(self) -> None:
        """Put the viewer back; layers that came later stay on top, those that went stay away."""
        viewer = self._viewer
        here = [layer for layer in self._order if layer in viewer.layers]
        for place, layer in enumerate(here):
            now = viewer.layers.index(layer)
            if now != place:
                viewer.layers.move(now, place)
        for layer, visible, caption, window in zip(
            self._order, self._visible, self._captions, self._windows, strict=True
        ):
            if layer not in here:
                continue
            layer.visible = visible
            layer.name_overlay.visible = caption
            if window is not None:
                layer.contrast_limits = window
        grid = viewer.canvas.grid
        grid.shape, grid.stride, grid.enabled = (
            self._grid["shape"],
            self._grid["stride"],
            self._grid["enabled"],
        )
        camera = viewer.scene.camera
        camera.center, camera.zoom = self._camera["center"], self._camera["zoom"]
        selection = viewer.layers.selection
        viewer.layers.selection = {layer for layer in self._selected if layer in here}
        if self._active in here:
            selection.active = self._active
