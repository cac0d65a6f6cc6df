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
CLASSES = 2048
CLASS_VOXELS = 400
_SAMPLED = 200_000
#: Noise left in the denoised image, as a share of that removed, below which it is taken as it is.
NOISE_LEFT = 0.02
MEDIAN = 5  # pixels
#: In SDs of the noise removed: where the median changed a pixel by so much, the pixel weighs half.
NEAR = 0.25
#: In SDs of what the median changes: by more than this it is a line and not noise that was left.
LINE = 3.0
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
        _by_intensity(residual, _content(residual, after, valid, check), after, valid, check)
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
    residual: Planes, content: Planes, after: Planes, valid: NDArray[np.bool_], check: Callable[[], None]
) -> None:
    """Take off the mean and divide by the SD that the residual has at the denoised pixel's intensity.

    A median has lost the thin dark lines, where bias is largest: pixels that it changed tell little of the intensity
    that it gave them and weigh less, and what it changed by more than noise is put back before the bias is taken off.
    """
    every = max(1, content.size // _SAMPLED) | 1
    inside = valid.ravel()[::every]
    sample = [image.ravel()[::every][inside] for image in (content, after, residual)]
    removed, left = _robust_sd(sample[2]), _robust_sd(sample[1] - sample[0])
    near = max(NEAR * removed, np.finfo(np.float32).tiny)
    count = int(np.clip(np.count_nonzero(valid) // CLASS_VOXELS, 1, CLASSES))
    edges = (
        np.unique(np.quantile(sample[0], np.linspace(0, 1, count + 1)[1:-1]))
        if sample[0].size
        else np.zeros(1)
    )
    sums = np.zeros((3, len(edges) + 1))
    for plane, smooth, image, mask in zip(residual, content, after, valid, strict=True):
        check()
        group = np.searchsorted(edges, smooth[mask], side="right")
        values = plane[mask].astype(np.float64)
        weight = 1 / (1 + np.square((image[mask] - smooth[mask]) / near))
        for row, weights in zip(sums, (weight, weight * values, weight * values**2), strict=True):
            row += np.bincount(group, weights, minlength=len(row))
    number = np.where(sums[0] > 0, sums[0], 1)
    mean = sums[1] / number
    sd = np.sqrt(np.maximum(sums[2] / number - mean**2, 0))
    sd[sd == 0] = 1.0
    for plane, smooth, image, mask in zip(residual, content, after, valid, strict=True):
        check()
        fine = image - smooth
        lines = np.sign(fine) * np.maximum(np.abs(fine) - LINE * left, 0)
        group = np.searchsorted(edges, smooth + lines, side="right")
        plane[...] = np.where(mask, (plane - mean[group]) / sd[group], 0)


def _robust_sd(values: NDArray[np.float32]) -> float:
    return 1.4826 * float(np.median(np.abs(values - np.median(values)))) if values.size else 0.0


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
