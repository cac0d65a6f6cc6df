"""White noise from the finest wavelet band, on those patches whose coarser bands show the least structure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.degradation.patch_sd import Patches

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Side and stride of a patch in coefficients; a coefficient is two pixels wide.
PATCH, STRIDE = 6, 2

#: How many patches share a coefficient.
OVERLAP = (PATCH / STRIDE) ** 2

#: Regions along each axis from which the flattest patches are taken.
REGIONS = 3


@dataclass(frozen=True)
class DiagonalBand:
    """Patches of the diagonal band.

    Attributes
    ----------
    patches : with `sd` as the median absolute diagonal coefficient over 0.6745; positions in pixels.
    axial : (n,) the same of the horizontal and vertical bands. Equal to `sd` for white noise, more for
        structure.
    rough : (n,) variance in all other bands, which white noise fills independently of the diagonal one.
    """

    patches: Patches
    axial: NDArray[np.float64]
    rough: NDArray[np.float64]

    def where(self, keep: NDArray[np.bool_]) -> DiagonalBand:
        """Return some of the patches only."""
        return DiagonalBand(self.patches.where(keep), self.axial[keep], self.rough[keep])

    def flattest(self, shape: tuple[int, ...], share: float) -> DiagonalBand:
        """Keep a share of the patches, those with the least structure, in each region of the image.

        The choice asks only bands that are independent of the diagonal one, so that it favours no low
        reading; and it is made region by region, so that it does not favour regions where the noise is weak.
        """
        height, width = shape[-2:]
        region = (self.patches.y * REGIONS // height) * REGIONS + self.patches.x * REGIONS // width
        keep = np.zeros(region.size, dtype=np.bool_)
        for r in np.unique(region):
            here = region == r
            keep |= here & (self.rough <= np.quantile(self.rough[here], share))
        return self.where(keep)


def diagonal_band(slices: NDArray[np.float32], allowed: NDArray[np.bool_]) -> DiagonalBand:
    """Measure all patches of the finest Haar bands that lie in the allowed area.

    Donoho and Johnstone, Biometrika 81 (1994) 425. White noise keeps its standard deviation in this band,
    edges along an axis vanish from it, and the median passes over those that do not.

    Parameters
    ----------
    slices, allowed : (z, y, x).
    """
    rows, columns = (n // 2 * 2 for n in slices.shape[-2:])
    a, b = slices[:, 0:rows:2, 0:columns:2], slices[:, 0:rows:2, 1:columns:2]
    c, d = slices[:, 1:rows:2, 0:columns:2], slices[:, 1:rows:2, 1:columns:2]
    diagonal = np.abs(0.5 * (a - b - c + d))
    horizontal, vertical = np.abs(0.5 * (a - b + c - d)), np.abs(0.5 * (a + b - c - d))
    smooth = 0.5 * (a + b + c + d)
    inside = allowed[:, 0:rows:2, 0:columns:2] & allowed[:, 1:rows:2, 1:columns:2]
    parts: list[tuple[NDArray[Any], ...]] = []
    for z in range(len(slices) if min(diagonal.shape[-2:]) >= PATCH else 0):
        y, x = np.nonzero(_windows(inside[z]).all(axis=(2, 3)))
        count = y.size

        across, along, low, finest = (
            _windows(band[z])[y, x].reshape(-1, PATCH * PATCH).astype(np.float64)
            for band in (horizontal, vertical, smooth, diagonal)
        )
        side = np.concatenate([across, along], axis=1)
        parts.append(
            (
                np.median(finest, axis=1) / 0.6745,
                0.5 * low.mean(axis=1),
                np.median(side, axis=1) / 0.6745,
                2 * (side**2).mean(axis=1) + low.var(axis=1),
                np.full(count, float(z)),
                2.0 * STRIDE * y + PATCH,
                2.0 * STRIDE * x + PATCH,
            )
        )
    sd, mean, axial, rough, z_, y_, x_ = (
        (np.concatenate(part) for part in zip(*parts, strict=True)) if parts else [np.empty(0)] * 7
    )
    return DiagonalBand(Patches(sd, mean, z_.astype(int), y_.astype(int), x_.astype(int)), axial, rough)


def _windows(plane: NDArray[np.generic]) -> NDArray[np.generic]:
    return np.lib.stride_tricks.sliding_window_view(plane, (PATCH, PATCH))[::STRIDE, ::STRIDE]
