"""A residual in units of its own noise: free of the bias and the spread that depend on intensity and place.

Noise of a magnitude image is biased and narrower where the signal is low; noise of a CT varies over the slice,
and is cut off where the stored values end. None of that is structure, so it is taken out first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from quietvoxel.quality.tile_grid import neighbourhood_median

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from quietvoxel.quality.tile_grid import TileGrid

    Planes = NDArray[np.float32]

#: Intensity classes of the denoised image; fewer where a class would hold less than `CLASS_VOXELS`.
CLASSES = 256
CLASS_VOXELS = 400
_SAMPLED = 200_000
#: Noise left in the denoised image, as a share of that removed, below which it is taken as it is.
NOISE_LEFT = 0.02
MEDIAN = 5  # pixels
#: A pixel counts where this share of its surroundings changed; padding does not change.
_CHANGED = 0.3
_SURROUNDINGS = 5


@dataclass(frozen=True)
class NoiseScores:
    """A standardised residual.

    Attributes
    ----------
    scores : (z, y, x), mean 0 and SD about 1 wherever the residual is noise; 0 where not valid.
    valid : (z, y, x), where anything was removed at all.
    """

    scores: Planes
    valid: NDArray[np.bool_]


def noise_scores(
    before: Planes, after: Planes, grid: TileGrid, check: Callable[[], None] = lambda: None
) -> NoiseScores:
    """Standardise `before - after` by intensity, then by place.

    Slice by slice, so that a caller's other threads get their turn.

    Parameters
    ----------
    before, after : (z, y, x), one unit.
    grid : tiles over a slice; the noise level is taken from the median of the tiles around each.
    check : called for each slice; may raise to stop.
    """
    residual = np.subtract(before, after, dtype=np.float32)
    valid = np.empty(residual.shape, dtype=np.bool_)
    for z, plane in enumerate(residual):
        check()
        changed = np.isfinite(plane) & (plane != 0)
        plane[~np.isfinite(plane)] = 0
        valid[z] = ndimage.uniform_filter(changed.astype(np.float32), _SURROUNDINGS) > _CHANGED
        plane[~valid[z]] = 0
    if valid.any():
        _by_intensity(residual, _content(residual, after, valid, check), valid, check)
        _by_place(residual, valid, grid, check)
    return NoiseScores(residual, valid)


def _content(residual: Planes, after: Planes, valid: NDArray[np.bool_], check: Callable[[], None]) -> Planes:
    """The denoised image without the noise that it still holds.

    By such noise the residual of each pixel would seem to depend on intensity: both hold parts of the same. A
    median keeps edges, which the bias of magnitude images follows.
    """
    middle = len(after) // 2
    fine = [np.diff(image[middle], 2, axis=-1)[valid[middle, :, 2:]] for image in (residual, after)]
    removed, left = (float(np.median(np.abs(values))) if values.size else 0.0 for values in fine)
    if left <= NOISE_LEFT * removed:
        return after
    content = np.empty_like(after)
    for plane, filtered in zip(after, content, strict=True):
        check()
        ndimage.median_filter(plane, MEDIAN, output=filtered)
    return content


def _by_intensity(
    residual: Planes, after: Planes, valid: NDArray[np.bool_], check: Callable[[], None]
) -> None:
    """Take off the mean and divide by the SD that the residual has at the denoised pixel's intensity."""
    voxels = int(np.count_nonzero(valid))
    every = max(1, after.size // _SAMPLED) | 1
    sample = after.ravel()[::every][valid.ravel()[::every]]
    sample = sample if sample.size else after[valid]
    count = int(np.clip(voxels // CLASS_VOXELS, 1, CLASSES))
    edges = np.unique(np.quantile(sample, np.linspace(0, 1, count + 1)[1:-1]))
    sums = np.zeros((3, len(edges) + 1))
    for plane, content, inside in zip(residual, after, valid, strict=True):
        check()
        group = np.searchsorted(edges, content[inside], side="right")
        values = plane[inside].astype(np.float64)
        for row, weights in zip(sums, (np.ones_like(values), values, values**2), strict=True):
            row += np.bincount(group, weights, minlength=len(row))
    number = np.maximum(sums[0], 1)
    mean = sums[1] / number
    sd = np.sqrt(np.maximum(sums[2] / number - mean**2, 0))
    sd[sd == 0] = 1.0
    for plane, content, inside in zip(residual, after, valid, strict=True):
        check()
        group = np.searchsorted(edges, content, side="right")
        plane[...] = np.where(inside, (plane - mean[group]) / sd[group], 0)


def _by_place(residual: Planes, valid: NDArray[np.bool_], grid: TileGrid, check: Callable[[], None]) -> None:
    """Divide by the SD of the surroundings: the median over tiles, which an erased structure hardly moves."""
    energy = np.full((len(residual), *grid.shape), np.nan, np.float32)
    for z, (plane, inside) in enumerate(zip(residual, valid, strict=True)):
        check()
        pixels = grid.sum(inside)
        enough = pixels > 0.25 * grid.side**2
        energy[z][enough] = grid.sum(plane * plane)[enough] / pixels[enough]
    if not np.isfinite(energy).any():
        return
    local = neighbourhood_median(energy)
    local = np.where(np.isfinite(local), local, np.nanmedian(energy))
    for plane, tiles in zip(residual, np.sqrt(np.maximum(local, 1e-6)), strict=True):
        check()
        plane /= grid.interpolate(tiles)
