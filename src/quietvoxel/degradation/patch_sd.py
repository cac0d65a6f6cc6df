"""Standard deviation of small patches, and the value that noise alone gives them.

Structure can only add to the spread of a patch: among many patches those on uniform tissue form the lowest
peak of the histogram, and noise is read from there. A patch sees all frequencies above its own size, so the
reading holds for correlated noise, where differences between neighbours read too little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Least and largest width of the kernel that smooths the histogram, in log of the standard deviation.
KERNEL_WIDTH = (0.05, 0.15)

#: A peak is taken for one from this share of the highest peak on.
LEAST_PEAK = 0.5


@dataclass(frozen=True)
class Patches:
    """Patches of a stack of slices.

    Attributes
    ----------
    sd : (n,) standard deviation about the fitted plane, with the degrees of freedom that the fit leaves.
    mean : (n,).
    z, y, x : (n,) centre of each patch, in slices and pixels.
    """

    sd: NDArray[np.float64]
    mean: NDArray[np.float64]
    z: NDArray[np.int64]
    y: NDArray[np.int64]
    x: NDArray[np.int64]

    def where(self, keep: NDArray[np.bool_]) -> Patches:
        """Return some of the patches only."""
        return Patches(self.sd[keep], self.mean[keep], self.z[keep], self.y[keep], self.x[keep])


def detrended_patches(
    slices: NDArray[np.float32], allowed: NDArray[np.bool_], size: int = 9, stride: int = 3
) -> Patches:
    """Measure every patch that lies wholly in the allowed area, after taking its best plane off.

    Parameters
    ----------
    slices : (z, y, x).
    allowed : (z, y, x), True where a patch may lie.
    size, stride : pixels, in plane.
    """
    empty = np.empty(0)
    none = np.empty(0, dtype=np.int64)
    if min(slices.shape[-2:]) < size:
        return Patches(empty, empty, none, none, none)
    ramp = np.arange(size) - 0.5 * (size - 1)
    count, spread = size * size, size * float((ramp**2).sum())
    found: list[tuple[NDArray[Any], ...]] = []
    for z, (plane, inside) in enumerate(zip(slices, allowed, strict=True)):
        windows = np.lib.stride_tricks.sliding_window_view(plane, (size, size))[::stride, ::stride]
        whole = np.lib.stride_tricks.sliding_window_view(inside, (size, size))[::stride, ::stride]
        rows, columns = np.nonzero(whole.all(axis=(2, 3)))
        if rows.size == 0:
            continue
        patch = windows[rows, columns].astype(np.float64)
        mean = patch.mean(axis=(1, 2))
        patch -= mean[:, None, None]
        slope_y = np.einsum("nyx,y->n", patch, ramp)
        slope_x = np.einsum("nyx,x->n", patch, ramp)
        total = np.einsum("nyx,nyx->n", patch, patch) - (slope_y**2 + slope_x**2) / spread
        sd = np.sqrt(np.maximum(total, 0) / (count - 3))
        half = size // 2
        found.append((sd, mean, np.full(rows.size, z), rows * stride + half, columns * stride + half))
    if not found:
        return Patches(empty, empty, none, none, none)
    sd, mean, z_, y_, x_ = (np.concatenate(part) for part in zip(*found, strict=True))
    return Patches(sd, mean, z_.astype(np.int64), y_.astype(np.int64), x_.astype(np.int64))


def lower_mode(
    values: NDArray[np.float64], overlap: float = 9.0, least_peak: float = LEAST_PEAK
) -> tuple[float, float]:
    """Find the lowest strong peak of positive values and the spread around it that noise alone explains.

    Parameters
    ----------
    values : (n,) standard deviations, or other positive numbers that structure can only raise.
    overlap : how many patches share the same voxels, so that only one in so many counts as independent.
    least_peak : share of the highest peak from which on a lower one counts.

    Returns
    -------
    mode, spread : where the log of the values is densest, which for patches of white noise is its true level,
        and the standard deviation of the log, from the lower flank, which structure does not reach. (0, 0)
        when there are no positive values.
    """
    logs = np.log(values[values > 0])
    if logs.size == 0:
        return 0.0, 0.0
    low, middle, high = np.quantile(logs, (0.25, 0.5, 0.75))
    # Silverman's rule, on the lower half: the upper one is structure.
    width = 0.9 * min(middle - low, high - middle) / 0.674 * (logs.size / overlap) ** -0.2
    width = float(np.clip(width, *KERNEL_WIDTH))
    edges = np.arange(logs.min() - 5 * width, logs.max() + 5 * width, width / 4)
    histogram, edges = np.histogram(logs, edges)
    reach = np.arange(-16, 17) * (width / 4)
    density = np.convolve(histogram, np.exp(-0.5 * (reach / width) ** 2), mode="same")
    centres = 0.5 * (edges[1:] + edges[:-1])
    rising = np.concatenate([[True], density[1:] >= density[:-1]])
    falling = np.concatenate([density[:-1] > density[1:], [True]])
    peaks = np.nonzero(rising & falling & (density >= least_peak * density.max()))[0]
    mode = float(centres[peaks[0]])
    below = mode - logs[logs <= mode]
    # Half a percent of patches may be emptier than noise allows (a clipped value, a filled corner).
    spread = float(np.sqrt(np.mean(np.minimum(below, np.quantile(below, 0.98)) ** 2)))
    return float(np.exp(mode)), spread


def tile_levels(
    patches: Patches, shape: tuple[int, ...], tiles: int = 6, least: int = 60, overlap: float = 9.0
) -> NDArray[np.float64]:
    """Read the noise of each part of the image that has enough patches, all slices together.

    Parameters
    ----------
    patches : of slices of this `shape`.
    shape : (z, y, x).
    tiles : along y and along x.
    least : patches that a tile needs.
    overlap : as in `lower_mode`.

    Returns
    -------
    (n,) levels, one for each tile that has enough patches.
    """
    height, width = shape[-2:]
    label = (patches.y * tiles // height) * tiles + patches.x * tiles // width
    counts = np.bincount(label, minlength=tiles * tiles)
    return np.array([lower_mode(patches.sd[label == t], overlap)[0] for t in np.nonzero(counts >= least)[0]])


def variation(levels: NDArray[np.float64], usual: float) -> float:
    """Give the ratio between the upper and the lower quartile of the tiles; 1 with fewer than five tiles.

    Tiles full of structure read up to any value; those above three times the `usual` level are not counted.
    """
    levels = levels[(levels > 0) & (levels < 3 * usual)]
    if levels.size < 5:
        return 1.0
    low, high = np.quantile(levels, (0.25, 0.75))
    return float(high / low)
