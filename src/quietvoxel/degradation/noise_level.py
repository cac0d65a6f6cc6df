"""How noisy is this volume? One question for every modality, answered by `noise_level_ct` and `_mr`.

In pixels, not millimetres: that is how far noise is correlated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.degradation.noise_estimate import NoiseEstimate, sampled_slices, unknown
from quietvoxel.degradation.noise_level_ct import ct_noise_level
from quietvoxel.degradation.noise_level_mr import gaussian_noise_level, mr_noise_level

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NoiseEstimate", "estimate_noise"]

SMALLEST = 16


def estimate_noise(
    data: NDArray[Any],
    modality: str,
    mask: NDArray[np.bool_] | None = None,
) -> NoiseEstimate:
    """Estimate the noise of a volume from a few of its slices, in about a second.

    Parameters
    ----------
    data : (z, y, x), CT in HU or MR magnitude in any unit.
    modality : "CT", "MR" or anything else, which is taken as an image with Gaussian noise.
    mask : (z, y, x), voxels that may be used; padding should be left out. Everywhere when None.

    Returns
    -------
    NoiseEstimate
        With `reliable` False and the reason in `notes` when the noise cannot be known.

    Raises
    ------
    ValueError
        When data and mask differ in shape or data has not three axes.
    """
    data = np.asarray(data)
    if data.ndim != 3 or (mask is not None and mask.shape != data.shape):
        msg = f"Noise is estimated on (z, y, x), with a mask of the same shape; not on {data.shape}."
        raise ValueError(msg)
    if min(data.shape[1:]) < SMALLEST:
        return unknown(f"The slices are too small to estimate their noise (under {SMALLEST} pixels).")
    slices, allowed = sampled_slices(data, mask)
    values = slices[allowed]
    if values.size == 0:
        return unknown("No voxel is left to estimate the noise from.")
    if values.min() == values.max():
        return unknown("The image is constant, so it shows no noise.")
    if modality == "CT":
        return ct_noise_level(slices, allowed)
    if modality == "MR":
        return mr_noise_level(slices, allowed)
    return gaussian_noise_level(slices, allowed)
