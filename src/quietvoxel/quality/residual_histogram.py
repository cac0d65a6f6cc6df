"""How the residual is distributed, beside the Gaussian that noise of its SD would follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.errors import BadInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: From the median absolute deviation to the SD of a Gaussian.
MAD_TO_SD = 1.4826

#: The histogram reaches this many robust SDs to either side.
REACH = 5.0


@dataclass(frozen=True)
class ResidualHistogram:
    """Histogram of `before - after`, symmetric about zero.

    Attributes
    ----------
    edges : (bins + 1,), in the image's unit.
    density : (bins,), share of the voxels per unit.
    gaussian : (bins,), density of the Gaussian with the residual's median and robust SD at the bin centres.
    median, sd_robust : in the image's unit.
    beyond : share of voxels outside the edges; a Gaussian has 6e-7 there.
    """

    edges: NDArray[np.float64]
    density: NDArray[np.float64]
    gaussian: NDArray[np.float64]
    median: float
    sd_robust: float
    beyond: float


def residual_histogram(
    before: NDArray[Any], after: NDArray[Any], mask: NDArray[np.bool_] | None = None, *, bins: int = 101
) -> ResidualHistogram:
    """Distribution of what was taken away.

    Parameters
    ----------
    before, after : arrays of one shape, in one unit.
    mask : where to count; everywhere when None.
    bins : an odd number keeps zero in the middle of a bin.

    Raises
    ------
    BadInputError
        When no voxel is left to count, or before and after differ in shape.
    """
    if before.shape != after.shape:
        msg = f"Before {before.shape} and after {after.shape} differ in shape; choose two of one size."
        raise BadInputError(msg)
    residual = np.asarray(before, dtype=np.float64) - np.asarray(after, dtype=np.float64)
    values = residual[mask] if mask is not None else residual.ravel()
    values = values[np.isfinite(values)]
    if values.size == 0:
        msg = "No voxel lies in the region; draw a larger one inside the image."
        raise BadInputError(msg)
    median = float(np.median(values))
    sd = MAD_TO_SD * float(np.median(np.abs(values - median))) or float(values.std())
    half = abs(median) + REACH * sd or 1.0
    counts, edges = np.histogram(values, bins=bins, range=(-half, half))
    width = edges[1] - edges[0]
    centres = 0.5 * (edges[1:] + edges[:-1])
    gaussian = np.zeros(bins)
    if sd > 0:
        gaussian = np.exp(-0.5 * ((centres - median) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
    beyond = 1.0 - float(counts.sum()) / values.size
    return ResidualHistogram(edges, counts / (values.size * width), gaussian, median, sd, beyond)
