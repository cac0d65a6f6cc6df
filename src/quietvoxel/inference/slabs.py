"""Slices of a volume with their neighbours, in network units; nothing as large as the volume is copied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from quietvoxel.engines.contract import MAX_SPACING_RATIO

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from quietvoxel.inference.statistics import VolumeStatistics
    from quietvoxel.intensity import Intensity
    from quietvoxel.volume import Volume


def slice_axis(volume: Volume, wanted: str = "auto") -> int:
    """The array axis along which slices are taken: the one with clearly the thickest slices, else the first.

    A single image is one slice, whatever its pixels' shape.
    """
    if wanted != "auto":
        return int(wanted)
    if 1 in volume.shape:
        return volume.shape.index(1)
    spacing = volume.geometry.spacing_zyx
    thickest = max(range(3), key=lambda axis: spacing[axis])
    return thickest if spacing[thickest] > 1.3 * spacing[0] else 0


def outwards(count: int, start: int | None) -> list[int]:
    """All slice numbers, from `start` (default: the middle) outwards."""
    first = count // 2 if start is None else min(start, count - 1)
    return sorted(range(count), key=lambda index: (abs(index - first), index))


@dataclass(frozen=True)
class Slices:
    """A volume seen as slices along one axis.

    Attributes
    ----------
    data : (slices, H, W) view of the volume's voxels.
    padding : the same view of the voxels outside the field of view, or None.
    intensity : transform to network units.
    spacing_ratio : slice spacing over pixel spacing.
    sigma : noise standard deviation in network units.
    """

    data: NDArray[Any]
    padding: NDArray[np.bool_] | None
    intensity: Intensity
    spacing_ratio: float
    sigma: float

    @classmethod
    def of(cls, volume: Volume, axis: int, known: VolumeStatistics, sigma: float | None = None) -> Slices:
        """View a volume along an axis; `sigma` in the volume's units where it is not the one known."""
        spacing = volume.geometry.spacing_zyx
        in_plane = [s for a, s in enumerate(spacing) if a != axis]
        return cls(
            np.moveaxis(volume.data, axis, 0),
            None if known.padding is None else np.moveaxis(known.padding, axis, 0),
            known.intensity,
            min(spacing[axis] / (0.5 * sum(in_plane)), MAX_SPACING_RATIO),
            (known.sigma if sigma is None else sigma) / known.intensity.unit,
        )

    def __len__(self) -> int:
        """Count the slices."""
        return len(self.data)

    def original(self, index: int) -> NDArray[np.float32]:
        """A slice (H, W) as it is, float32, in the volume's units."""
        return np.asarray(self.data[index], dtype=np.float32)

    def normalised(self, index: int) -> NDArray[np.float32]:
        """A slice (H, W) in network units, with air, or background noise, where there was padding.

        In MR the padding is filled with the noise that a background of no signal has. Networks are trained on noisy
        images only: beside an area of exact zeros the steps diverge, which shows as a chequered pattern far into
        the tissue. CT networks know constant air.
        """
        values = self.intensity.normalise(self.original(index))
        if self.padding is not None:
            empty = self.padding[index]
            values[empty] = self.intensity.outside / self.intensity.unit
            if self.intensity.outside == 0.0:
                draw = np.random.default_rng(index)  # by slice: the same in every slab, in any order
                values[empty] = self.sigma * draw.rayleigh(size=int(np.count_nonzero(empty)))
        return values

    def slab(self, index: int, halo: int) -> Tensor:
        """A slice and its neighbours (1, 2 * halo + 1, H, W); a neighbour that is not there is all zeros."""
        height, width = self.data.shape[1:]
        out = np.zeros((1, 2 * halo + 1, height, width), dtype=np.float32)
        for place, neighbour in enumerate(range(index - halo, index + halo + 1)):
            if 0 <= neighbour < len(self):
                out[0, place] = self.normalised(neighbour)
        return torch.from_numpy(out)
