"""Mean, SD, SNR and CNR of regions that a user has drawn, before and after denoising."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.errors import BadInputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class RegionStatistics:
    """What a region holds.

    Attributes
    ----------
    mean, sd : in the image's unit; the SD is the sample's (n - 1).
    snr : |mean| / sd; infinite where the region is constant and not zero. Of little meaning for CT, where the
        zero of the scale is water.
    voxels : how many were measured.
    """

    mean: float
    sd: float
    snr: float
    voxels: int


def region_statistics(image: NDArray[Any], mask: NDArray[np.bool_]) -> RegionStatistics:
    """Mean, SD and signal-to-noise ratio of the voxels in a mask.

    Parameters
    ----------
    image, mask : arrays of one shape.

    Raises
    ------
    BadInputError
        When fewer than two voxels lie in the mask, or one of them is not a number.
    """
    values = np.asarray(image)[mask].astype(np.float64)
    if values.size < 2:
        msg = "The region holds fewer than two voxels; draw a larger one inside the image."
        raise BadInputError(msg)
    if not np.isfinite(values).all():
        msg = "The region holds values that are not numbers; draw it elsewhere."
        raise BadInputError(msg)
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    return RegionStatistics(mean, sd, _ratio(abs(mean), sd), values.size)


def contrast_to_noise(region: RegionStatistics, background: RegionStatistics) -> float:
    """Contrast-to-noise ratio |mean - mean of the background| / SD of the background.

    The background's SD alone is the noise: inside a lesion the tissue itself may vary.
    """
    return _ratio(abs(region.mean - background.mean), background.sd)


def _ratio(signal: float, noise: float) -> float:
    if noise > 0:
        return signal / noise
    return math.inf if signal > 0 else 0.0
