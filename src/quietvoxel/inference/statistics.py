"""What is known of a whole volume before its first slice is denoised: never measured on a tile or a slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from quietvoxel.degradation.noise_level import estimate_noise
from quietvoxel.errors import BadInputError
from quietvoxel.inference.slabs import slice_axis
from quietvoxel.intensity import Intensity, intensity_for
from quietvoxel.padding import padding_mask
from quietvoxel.volume import Modality, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quietvoxel.degradation.noise_estimate import NoiseEstimate


@dataclass(frozen=True)
class VolumeStatistics:
    """Measured once, good for every preview and every run of the same volume.

    Attributes
    ----------
    intensity : transform to network units.
    padding : (z, y, x) voxels outside the field of view, or None.
    sigma : noise standard deviation in the volume's units.
    lowest : no denoised voxel falls below it: 0 for a magnitude; None where the scale has no end (HU).
    notes : sentences to say.
    interpolated : whether k-space was found filled up with zeros; unknown, and False, where the noise was told.
    """

    intensity: Intensity
    padding: NDArray[np.bool_] | None
    sigma: float
    lowest: float | None
    notes: tuple[str, ...] = ()
    interpolated: bool = False


def measure(volume: Volume, sigma: float | None = None) -> VolumeStatistics:
    """Find padding, intensity scale and noise level of a volume.

    Parameters
    ----------
    volume : what will be denoised.
    sigma : noise standard deviation in the volume's units, where it is known; estimated when not given.

    Raises
    ------
    BadInputError
        If voxels are not finite, or the volume holds nothing but zeros.
    """
    if volume.data.dtype.kind == "f":
        bad = sum(int(image.size - np.count_nonzero(np.isfinite(image))) for image in volume.data)
        if bad:
            msg = f"{bad} voxels are NaN or infinite; replace them first (--fill-nonfinite does on reading)."
            raise BadInputError(msg)
    padding = padding_mask(volume)
    intensity = intensity_for(volume.data, volume.modality, padding)
    # A signed image (a phase, a difference) may go as low as it already does.
    lowest = None if volume.modality == Modality.CT else min(0.0, float(volume.data.min()))
    if sigma is not None:
        return VolumeStatistics(intensity, padding, sigma, lowest)
    estimate = estimated_noise(volume, padding)
    notes = list(estimate.notes)
    if estimate.sigma == 0 and not estimate.reliable:
        notes.append("So nothing will be removed; give the noise level yourself (--sigma).")
    interpolated = min(estimate.zero_filled) < 1
    return VolumeStatistics(intensity, padding, estimate.sigma, lowest, tuple(notes), interpolated)


def estimated_noise(volume: Volume, padding: NDArray[np.bool_] | None) -> NoiseEstimate:
    """Estimate the noise within the slices of a volume, padding left out."""
    axis = slice_axis(volume)
    inside = None if padding is None else ~np.moveaxis(padding, axis, 0)
    return estimate_noise(np.moveaxis(volume.data, axis, 0), str(volume.modality), inside)
