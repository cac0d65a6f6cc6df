"""Show a volume before and after denoising in napari."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.volume import Modality

if TYPE_CHECKING:
    from quietvoxel.volume import Volume

CT_WINDOW = (-160.0, 240.0)


def add_before_after(viewer: Any, before: Volume, after: Volume) -> None:
    """Add both volumes to a viewer, in millimetres and in one window, side by side in a grid of two."""
    bright = float(np.percentile(before.data, 99.5)) or 1.0
    window = CT_WINDOW if before.modality == Modality.CT else (0.0, bright)
    common: dict[str, Any] = {
        "scale": before.geometry.spacing_zyx,
        "units": ("mm",) * 3,
        "axis_labels": ("z", "y", "x"),
        "colormap": "gray",
        "contrast_limits": window,
    }
    viewer.add_image(before.data, name="before", **common)
    viewer.add_image(after.data, name="before [RelativeFlow]", **common)
    grid = viewer.canvas.grid
    grid.shape, grid.stride, grid.enabled = (1, 2), 1, True  # the first layer on the left
    viewer.dims.set_current_step(0, before.shape[0] // 2)
    viewer.fit_to_view()


def show_before_after(before: Volume, after: Volume) -> None:
    """Open napari with both volumes; returns when its window is closed."""
    import napari

    viewer = napari.Viewer(title="QuietVoxel")
    add_before_after(viewer, before, after)
    napari.run()
