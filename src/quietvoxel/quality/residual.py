"""What a denoiser took away: size, bias, shape and structure of the residual `noisy - denoised`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.quality.spectrum import lag_correlation

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ResidualStatistics:
    """Numbers that tell noise from anatomy in a residual.

    Attributes
    ----------
    mean : bias, in the image's unit.
    sd : standard deviation, in the image's unit.
    sd_robust : 1.4826 times the median absolute deviation; well below `sd` when a few edges dominate.
    lag_x, lag_y : correlation with the next pixel along x and y; compare with that of the noise itself.
    structure : correlation of the residual with the denoised image, -1 to 1; 0 when only noise was removed.
    voxels : how many were measured.
    """

    mean: float
    sd: float
    sd_robust: float
    lag_x: float
    lag_y: float
    structure: float
    voxels: int


def residual_statistics(
    noisy: NDArray[Any], denoised: NDArray[Any], mask: NDArray[np.bool_] | None = None
) -> ResidualStatistics:
    """Measure `noisy - denoised` over the mask.

    Parameters
    ----------
    noisy, denoised : (z, y, x) or (y, x), same unit.
    mask : where to measure; everywhere when None.

    Returns
    -------
    ResidualStatistics
        All zero, but for `voxels`, when the two images are equal.
    """
    clean = np.asarray(denoised, dtype=np.float64)
    residual = np.asarray(noisy, dtype=np.float64) - clean
    inside = np.ones(residual.shape, dtype=np.bool_) if mask is None else mask
    values = residual[inside]
    if values.size == 0:
        msg = "The mask is empty: there is nothing to measure."
        raise ValueError(msg)
    sd = float(values.std())
    if sd == 0:
        return ResidualStatistics(float(values.mean()), 0.0, 0.0, 0.0, 0.0, 0.0, values.size)
    centre = float(np.median(values))
    lag_x, lag_y = lag_correlation(residual, ((0, 1), (1, 0)), inside)
    content = clean[inside]
    spread = float(content.std())
    structure = 0.0
    if spread > 0:
        structure = float(((values - values.mean()) * (content - content.mean())).mean() / (sd * spread))
    robust = 1.4826 * float(np.median(np.abs(values - centre)))
    return ResidualStatistics(float(values.mean()), sd, robust, lag_x, lag_y, structure, values.size)
