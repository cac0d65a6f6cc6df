"""Noise of a CT: the standard deviation, in HU, that a region of uniform soft tissue would give.

Filtered back-projection correlates noise in plane (0.25 to 0.55 at one pixel), so that everything built on
differences between neighbours reads 25 to 50 % too little. Here small patches of soft tissue are freed of
their trend and read as a radiologist reads a region of interest.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from quietvoxel.degradation.noise_estimate import NoiseEstimate, unknown
from quietvoxel.degradation.patch_sd import Patches, detrended_patches, lower_mode, tile_levels, variation

if TYPE_CHECKING:
    from numpy.typing import NDArray

SOFT_TISSUE_HU = (-20.0, 140.0)
BODY_HU = (-500.0, 3000.0)

#: Side of a patch, pixels: wide enough for the low frequencies of FBP noise, small enough to fit into muscle.
PATCH = 7

LEAST_PATCHES = 150

#: From this ratio between the quartiles of the tiles on the user is told.
VARIES_FROM = 1.4

#: Patches that read more than this many times what pixel differences read hold structure.
STRUCTURE_FROM = 1.0

#: More spread (of the log) than this is structure, not noise that is stronger here than there.
WIDEST = 0.22

#: Spread (of the log) of the patches above which structure outweighs the noise.
STRUCTURED = 0.5


def _patches_between(
    slices: NDArray[np.float32],
    smooth: NDArray[np.float32],
    allowed: NDArray[np.bool_],
    hu: tuple[float, float],
) -> Patches:
    stride = 3 if max(slices.shape[-2:]) <= 320 else 4
    return detrended_patches(slices, allowed & (smooth > hu[0]) & (smooth < hu[1]), PATCH, stride)


def _lagged_noise(slices: NDArray[np.float32], region: NDArray[np.bool_]) -> float:
    """Noise from the median difference of pixels two and three apart, where FBP noise hardly correlates any more.

    The median does not see the minority of pairs that lie across an edge, while in lean muscle, between ribs or
    in bowel nearly every patch holds some structure.
    """
    differences = []
    for axis in (1, 2):
        for lag in (2, 3):
            first, second = [slice(None)] * 3, [slice(None)] * 3
            first[axis], second[axis] = slice(lag, None), slice(None, -lag)
            both = region[tuple(first)] & region[tuple(second)]
            differences.append(np.abs(slices[tuple(first)][both] - slices[tuple(second)][both]))
    every = np.concatenate(differences)
    return float(np.median(every)) / (0.6745 * math.sqrt(2.0)) if every.size else 0.0


def ct_noise_level(slices: NDArray[np.float32], allowed: NDArray[np.bool_]) -> NoiseEstimate:
    """Estimate the noise of CT slices.

    Parameters
    ----------
    slices : (z, y, x) in HU.
    allowed : (z, y, x), False for padding.

    Returns
    -------
    NoiseEstimate
        From soft tissue; from all of the body, and said so, where there is too little of it.
    """
    # The range is asked of the smoothed image, so that noise does not choose its own voxels.
    smooth = ndimage.gaussian_filter(slices, (0.0, 2.0, 2.0))
    notes: list[str] = []
    method, patches = "soft tissue patches", _patches_between(slices, smooth, allowed, SOFT_TISSUE_HU)
    if patches.sd.size < LEAST_PATCHES:
        method, patches = "body patches", _patches_between(slices, smooth, allowed, BODY_HU)
        notes.append("There is too little soft tissue; the noise was read from other tissue and is a guess.")
    if patches.sd.size < LEAST_PATCHES:
        return unknown("There is no region large and uniform enough to read the noise from.")
    mode, spread = lower_mode(patches.sd)
    # Noise is stronger in the middle of a body than near its skin: a region reads the root mean square.
    sigma = mode * math.exp(min(spread, WIDEST) ** 2)
    lagged = _lagged_noise(slices, allowed & (smooth > SOFT_TISSUE_HU[0]) & (smooth < SOFT_TISSUE_HU[1]))
    if 0 < lagged * STRUCTURE_FROM < sigma:
        sigma, method = lagged, "soft tissue differences"
    if sigma == 0:
        return unknown("The tissue is perfectly uniform, so it shows no noise.")
    ratio = variation(tile_levels(patches, slices.shape), sigma)
    if ratio >= VARIES_FROM and spread < 0.5 * STRUCTURED:
        notes.append(f"The noise varies over the image (quartiles {ratio:.1f} : 1); this is its usual level.")
    reliable = method != "body patches" and spread < STRUCTURED
    return NoiseEstimate(sigma, method, tuple(notes), reliable, ratio)
