"""Regions and lines that the user draws over A and B, and what is measured in them. No Qt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.layers import Image, Shapes
from numpy.typing import NDArray
from skimage.draw import polygon2mask

from quietvoxel.jobs.region_rows import MeasuredRegion, RegionRow, region_rows
from quietvoxel.napari_plugin.result_layers import looks_of
from quietvoxel.quality import line_profile

NAME = "Compare regions"
COLOUR = "#66dd66"
LINE_WIDTH_MM = 1.0


@dataclass(frozen=True)
class Region:
    """A region in one slice.

    Attributes
    ----------
    number : from 1, as the user drew them.
    axis : array axis that the slice stands across.
    index : number of the slice.
    mask : 2-D, over the slice.
    """

    number: int
    axis: int
    index: int
    mask: NDArray[np.bool_]

    def slice_of(self, data: Any) -> NDArray[Any]:
        """The slice of a volume that the region lies in."""
        key: list[Any] = [slice(None)] * 3
        key[self.axis] = self.index
        return np.asarray(data[tuple(key)])


def add_regions_layer(viewer: Any, image: Image) -> Shapes:
    """Add an empty layer to draw in, on the grid of an image."""
    looks = looks_of(image)
    kept = {
        name: looks[name]
        for name in ("scale", "translate", "rotate", "shear", "units", "axis_labels", "affine")
    }
    active = viewer.layers.selection.active
    layer = viewer.add_shapes(
        ndim=3,
        name=NAME,
        edge_color=COLOUR,
        face_color="transparent",
        edge_width=LINE_WIDTH_MM / min(image.scale[-2:]),
        **kept,
    )
    viewer.layers.selection.active = active
    return layer


def regions_of(layer: Shapes, shape: Sequence[int]) -> list[Region]:
    """Masks of the drawn regions; lines, and what lies wholly outside, are left out."""
    found: list[Region] = []
    for corners, kind in zip(layer.data, layer.shape_type, strict=True):
        if kind in ("line", "path"):
            continue
        axis = _flat_axis(corners)
        index = int(np.rint(corners[0, axis]))
        if not 0 <= index < shape[axis]:
            continue
        plane = tuple(n for a, n in enumerate(shape) if a != axis)
        outline = np.delete(corners, axis, axis=1)
        mask = _ellipse(outline, plane) if kind == "ellipse" else polygon2mask(plane, outline)
        if mask.any():
            found.append(Region(len(found) + 1, axis, index, mask))
    return found


def number_regions(layer: Shapes) -> None:
    """Write its number beside each region; lines get none."""
    numbers: list[str] = []
    for kind in layer.shape_type:
        here = sum(bool(one) for one in numbers) + 1
        numbers.append("" if kind in ("line", "path") else str(here))
    if list(layer.features.get("number", ())) != numbers:
        layer.features = {"number": numbers}
        layer.text = {"string": "{number}", "size": 12, "color": COLOUR}


def lines_of(layer: Shapes) -> list[NDArray[np.float64]]:
    """Both ends of each drawn line, (2, 3) in voxels."""
    return [
        np.asarray(ends, np.float64)
        for ends, kind in zip(layer.data, layer.shape_type, strict=True)
        if kind == "line"
    ]


def statistics_rows(regions: Sequence[Region], before: Any, after: Any) -> list[RegionRow]:
    """The table's rows for drawn regions; see `region_rows`."""
    return region_rows(
        [
            MeasuredRegion(region.number, region.slice_of(before), region.slice_of(after), region.mask)
            for region in regions
        ]
    )


def profile(
    ends: NDArray[np.float64], data: Any, spacing: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance in mm and values along a drawn line."""
    return line_profile(data, ends[0], ends[1], spacing)


def _flat_axis(corners: NDArray[Any]) -> int:
    """The array axis along which a drawn figure has no extent."""
    return int(np.argmin(np.ptp(corners, axis=0)))


def _ellipse(corners: NDArray[Any], plane: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels in the ellipse that napari draws between four corners."""
    corners = np.asarray(corners, np.float64)
    centre = corners.mean(axis=0)
    first, second = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    axes = np.stack([first, second], axis=1)
    if abs(np.linalg.det(axes)) < 1e-9:
        return np.zeros(plane, np.bool_)
    places = np.stack(np.meshgrid(*map(np.arange, plane), indexing="ij"), axis=-1) - centre
    # What lies on the outline belongs to it, whatever the rounding.
    return np.asarray(np.square(places @ np.linalg.inv(axes).T).sum(axis=-1) <= 1 + 1e-9)
