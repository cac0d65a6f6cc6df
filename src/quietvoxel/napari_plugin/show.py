"""Show a volume before and after denoising in napari."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietvoxel.volume import Modality

if TYPE_CHECKING:
    from quietvoxel.volume import Volume


def add_before_after(viewer: Any, before: Volume, after: Volume) -> None:
    """Add both volumes to a viewer in millimetres and in one window, side by side."""
    spacing = before.geometry.spacing_zyx
    window = (-160.0, 240.0) if before.modality == Modality.CT else None
    common: dict[str, Any] = {
        "scale": spacing,
        "units": ("mm",) * 3,
        "axis_labels": ("z", "y", "x"),
        "colormap": "gray",
        "contrast_limits": window or (0.0, float(before.data.max()) * 0.6),
    }
    viewer.add_image(before.data, name="before", **common)
    viewer.add_image(after.data, name="before [RelativeFlow]", **common)
    viewer.dims.set_current_step(0, before.shape[0] // 2)


def show_before_after(before: Volume, after: Volume) -> None:
    """Open napari with both volumes; returns when its window is closed."""
    import napari

    viewer = napari.Viewer(title="QuietVoxel")
    add_before_after(viewer, before, after)
    napari.run()
