"""Make a lower-dose CT or a noisier MR of a volume, to try the engines against a known reference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from quietvoxel.degradation.ct_noise import unit_noise
from quietvoxel.degradation.ct_tissue import soft_tissue_mask
from quietvoxel.degradation.noise_time import DOSE_EXPONENT, RICIAN_TIME
from quietvoxel.degradation.rician import rician
from quietvoxel.errors import BadInputError
from quietvoxel.inference.statistics import estimated_noise
from quietvoxel.intensity import intensity_for
from quietvoxel.padding import padding_mask
from quietvoxel.volume import Modality, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

SLICES_AT_ONCE = 4


@dataclass(frozen=True)
class Simulated:
    """A degraded volume, the noise that was added (SD, in the volume's units) and what has to be said."""

    volume: Volume
    sigma_added: float
    notes: tuple[str, ...]


def simulate(
    volume: Volume,
    *,
    dose: float | None = None,
    snr: float | None = None,
    delta: float | None = None,
    sigma: float | None = None,
    seed: int = 0,
) -> Simulated:
    """Degrade a volume by exactly one of four measures.

    Parameters
    ----------
    volume : CT (noise of a lower dose, by insertion) or MR (Rician noise).
    dose : CT: fraction of the dose, 0.005 to 1; the scan itself counts as 1.
    snr : MR: signal-to-noise ratio to reach, the mean signal over the noise.
    delta : degradation time: dose fraction exp(-5 delta) for CT, variance 0.005 delta for MR.
    sigma : SD of the added noise in the volume's units.
    seed : of the noise.

    Raises
    ------
    BadInputError
        If not exactly one measure is given, or it does not fit the modality or the volume.
    """
    given = [
        name
        for name, value in (("dose", dose), ("snr", snr), ("delta", delta), ("sigma", sigma))
        if value is not None
    ]
    if len(given) != 1:
        msg = (
            "Say how much noisier the volume shall be with exactly one of --dose, --snr, --delta and --sigma."
        )
        raise BadInputError(msg)
    if delta is not None and not 0 <= delta < math.inf:
        msg = f"--delta is {delta:g} but must be 0 or more; 0 leaves the volume as it is."
        raise BadInputError(msg)
    if sigma is not None and not 0 <= sigma < math.inf:
        msg = f"--sigma is {sigma:g} but must be 0 or more; 0 leaves the volume as it is."
        raise BadInputError(msg)
    if volume.modality == Modality.CT:
        return _lower_dose(volume, dose, snr, delta, sigma, seed)
    return _more_rician(volume, dose, snr, delta, sigma, seed)


def _lower_dose(
    volume: Volume, dose: float | None, snr: float | None, delta: float | None, sigma: float | None, seed: int
) -> Simulated:
    if snr is not None:
        msg = "--snr is for MR; for CT give --dose, --delta or --sigma."
        raise BadInputError(msg)
    notes: list[str] = []
    if sigma is None:
        fraction = dose if dose is not None else math.exp(-DOSE_EXPONENT * (delta or 0.0))
        if not 0.005 <= fraction <= 1.0:
            msg = f"The dose fraction is {fraction:.3g} but must lie between 0.005 and 1."
            raise BadInputError(msg)
        if fraction == 1.0:
            return Simulated(volume, 0.0, ())
        own = estimated_noise(volume, padding_mask(volume))
        if own.sigma == 0:
            msg = "A dose fraction needs the scan's own noise, which could not be estimated; give --sigma instead."
            raise BadInputError(msg)
        notes += own.notes
        sigma = own.sigma * math.sqrt(1.0 / fraction - 1.0)
        notes.append(f"The scan's own noise is {own.sigma:.1f} HU (estimated); {sigma:.1f} HU were added.")
    if sigma == 0:
        return Simulated(volume, 0.0, ())
    padding = padding_mask(volume)
    generator = torch.Generator().manual_seed(seed)
    hu = volume.as_float32()
    _, y, x = volume.geometry.spacing_zyx
    noise = np.empty_like(hu)
    tissue = np.empty(hu.shape, dtype=bool)
    for start in range(0, len(hu), SLICES_AT_ONCE):
        part = torch.from_numpy(hu[start : start + SLICES_AT_ONCE])[:, None]
        unit = unit_noise(part, (y, x), generator=generator).at(0.5)
        noise[start : start + SLICES_AT_ONCE] = unit[:, 0].numpy()
        tissue[start : start + SLICES_AT_ONCE] = soft_tissue_mask(part)[:, 0].numpy()
    region = tissue if np.count_nonzero(tissue) >= 200 else hu > -500.0
    if not region.any():
        msg = "The volume holds no tissue to set the noise by; give a CT of a body."
        raise BadInputError(msg)
    noise *= np.float32(sigma / float(noise[region].std()))
    return Simulated(_with_added(volume, hu + noise, padding), sigma, tuple(notes))


def _more_rician(
    volume: Volume, dose: float | None, snr: float | None, delta: float | None, sigma: float | None, seed: int
) -> Simulated:
    if dose is not None:
        msg = "--dose is for CT; for MR give --snr, --delta or --sigma."
        raise BadInputError(msg)
    padding = padding_mask(volume)
    unit = intensity_for(volume.data, volume.modality, padding).unit
    values = volume.as_float32()
    if values.min() < 0:
        msg = "Rician noise needs magnitudes, but the volume has negative values; give a magnitude image."
        raise BadInputError(msg)
    notes: tuple[str, ...] = ()
    if snr is not None:
        signal = float(values[values > 0.1 * unit].mean())
        own = estimated_noise(volume, padding)
        wanted = signal / snr if snr > 0 else math.inf
        if wanted <= own.sigma or not math.isfinite(wanted):
            own_snr = signal / own.sigma if own.sigma > 0 else math.inf
            msg = f"--snr is {snr:g} but must be above 0 and below the volume's own, about {own_snr:.0f}."
            raise BadInputError(msg)
        sigma = math.sqrt(wanted**2 - own.sigma**2)
        notes = own.notes
    elif delta is not None:
        sigma = unit * math.sqrt(RICIAN_TIME.variance(delta))
    assert sigma is not None
    if sigma == 0:
        return Simulated(volume, 0.0, ())
    generator = torch.Generator().manual_seed(seed)
    noisy = np.empty_like(values)
    time = RICIAN_TIME.time((sigma / unit) ** 2)
    for index, image in enumerate(values):
        noisy[index] = rician(torch.from_numpy(image / unit), time, generator).numpy() * unit
    return Simulated(_with_added(volume, noisy, padding), sigma, notes)


def _with_added(volume: Volume, noisy: NDArray[np.float32], padding: NDArray[np.bool_] | None) -> Volume:
    """The noisy voxels in the volume's type; padding stays as it was."""
    if padding is not None:
        noisy[padding] = volume.data[padding]
    dtype = volume.data.dtype
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        return volume.with_data(np.clip(np.rint(noisy), limits.min, limits.max).astype(dtype))
    return volume.with_data(noisy)
