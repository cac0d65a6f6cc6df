"""From HU or MR magnitude to the numbers a network sees, and back; never by minimum and maximum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from quietvoxel.errors import BadInputError
from quietvoxel.volume import Modality

if TYPE_CHECKING:
    from numpy.typing import NDArray

HU_PER_UNIT = 1000.0
"""CT: one network unit; 0 HU (water) stays 0, so that soft tissue has bfloat16's full precision."""

HU_RANGE = (-1024.0, 3072.0)
"""CT: what the network is shown; values beyond (metal, padding) are clipped for it, never in the result."""

AIR_HU = -1000.0

MR_PERCENTILE = 99.5
"""MR: this percentile of the voxels inside the field of view is 1.0."""


@dataclass(frozen=True)
class Intensity:
    """A linear transform, normalised = value / unit, with the range a network is shown.

    Attributes
    ----------
    unit : size of 1.0 in the volume's units (HU, or MR magnitude).
    low, high : limits in the volume's units.
    outside : what lies outside the field of view, in the volume's units: air, or no signal.
    """

    unit: float
    low: float
    high: float
    outside: float = 0.0

    def normalise(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Volume units to network units, clipped to the network's range."""
        return (np.clip(values, self.low, self.high) / np.float32(self.unit)).astype(np.float32, copy=False)

    def restore_residual(self, residual: NDArray[np.float32]) -> NDArray[np.float32]:
        """A difference in network units back to volume units."""
        return residual * np.float32(self.unit)


def intensity_for(
    data: NDArray[np.generic], modality: Modality, padding: NDArray[np.bool_] | None = None
) -> Intensity:
    """The transform for a volume: fixed HU for CT, a robust percentile for everything else.

    Parameters
    ----------
    data : (z, y, x) voxels in HU or magnitude.
    modality : decides which rule.
    padding : voxels outside the field of view, left out of the statistic.

    Raises
    ------
    BadInputError
        If nothing but zeros is left to take a percentile of.
    """
    if modality == Modality.CT:
        return Intensity(HU_PER_UNIT, *HU_RANGE, outside=AIR_HU)
    # A sample of about two million voxels gives the percentile to 0.1 % in a fraction of the time and memory;
    # an odd stride meets every column of the image.
    stride = data.size // 2_000_000 | 1
    sample = data.reshape(-1)[::stride]
    if padding is not None:
        sample = sample[~padding.reshape(-1)[::stride]]
    sizes = np.abs(
        sample.astype(np.float32)
    )  # as float: the lowest integer has no absolute value of its type
    unit = float(np.percentile(sizes, MR_PERCENTILE, overwrite_input=True)) if sizes.size else 0.0
    if unit <= 0:
        msg = "The volume holds nothing but zeros, so its intensity scale cannot be found; check the file."
        raise BadInputError(msg)
    return Intensity(unit, -4.0 * unit, 16.0 * unit)
