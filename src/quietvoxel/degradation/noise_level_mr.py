"""Noise of a magnitude MR: from the background where there is one, else from the finest detail of tissue."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.special import ive

from quietvoxel.degradation.diagonal_band import OVERLAP, DiagonalBand, diagonal_band
from quietvoxel.degradation.kspace import filled_shares, without_zero_filling
from quietvoxel.degradation.mr_background import Background, background_noise
from quietvoxel.degradation.noise_estimate import NoiseEstimate, unknown
from quietvoxel.degradation.patch_sd import lower_mode, tile_levels, variation

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_PATCHES = 60

#: Share of the patches that is read, the flattest ones, but so many patches if there are.
FLATTEST, ENOUGH_PATCHES = 0.1, 400

#: Share that is read to compare parts of the image, each of which needs patches of its own.
FLAT = 0.3

#: Tissue and background that differ by more than this do not have the same noise.
AGREEMENT = (0.8, 1.25)

#: From this ratio of the axial bands to the diagonal one on, the flattest tissue is structure rather than noise.
STRUCTURED = 1.5

#: A background this much quieter than structured tissue still stands for it; beyond, it was suppressed.
SUPPRESSED = 3.0

VARIES_FROM = 1.3

#: With more structure than this in the flattest tissue a difference between parts is not the noise alone.
NOISE_ONLY = 1.15

#: Magnitude over sigma from which on Rician noise is as good as Gaussian.
STRONG_SIGNAL = 4.0

ZEROED = "The background was set to zero by the scanner or a program, so the noise was read from tissue."
FILTERED = (
    "The background is not plain noise (filtered, or combined from several coils), "
    "so the noise was read from tissue."
)
DIFFERS = "Tissue and background do not have the same noise; the level is that of tissue."
NO_BACKGROUND = "The image shows no background, so the noise was read from tissue."


def rician_factor(ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give sigma over the standard deviation of the magnitude, from the magnitude's mean over its deviation.

    1 where the signal is strong, 1.526 without signal: Koay and Basser, J. Magn. Reson. 179 (2006) 317, eqs.
    18-20.
    """
    theta = np.linspace(0, 20, 2001)
    quarter = theta**2 / 4
    bessel = (2 + theta**2) * ive(0, quarter) + theta**2 * ive(1, quarter)
    xi = 2 + theta**2 - np.pi / 8 * bessel**2
    observed = np.sqrt((2 + theta**2) / xi - 1)
    return np.asarray(np.interp(ratio, observed, 1 / np.sqrt(xi)), dtype=np.float64)


def gaussian_noise_level(slices: NDArray[np.float32], allowed: NDArray[np.bool_]) -> NoiseEstimate:
    """Estimate white Gaussian noise of an image of unknown kind, which is said."""
    reading = _tissue_reading(diagonal_band(slices, allowed), slices.shape)
    if reading.sigma == 0:
        return unknown("There is no region large and uniform enough to read the noise from.")
    note = "The kind of image is not known; its noise was taken as white and Gaussian."
    return NoiseEstimate(reading.sigma, "tissue", (note,), reading.structure < STRUCTURED, reading.variation)


@dataclass(frozen=True)
class _TissueReading:
    sigma: float
    structure: float
    variation: float
    signal: float = 0.0


def _tissue_reading(band: DiagonalBand, shape: tuple[int, ...]) -> _TissueReading:
    """Read the noise of the flattest patches; sigma is 0 where there are too few."""
    count = band.axial.size
    if count < LEAST_PATCHES:
        return _TissueReading(0.0, 0.0, 1.0)
    flat = band.flattest(shape, min(1.0, max(FLATTEST, ENOUGH_PATCHES / count)))
    # The median is the steadier reading of noise; where structure is left, the mode is the lower one.
    sigma = min(lower_mode(flat.patches.sd, OVERLAP)[0], float(np.median(flat.patches.sd)))
    if sigma == 0:
        return _TissueReading(0.0, 0.0, 1.0)
    structure = float(np.median(flat.axial / np.maximum(flat.patches.sd, 1e-30)))
    levels = tile_levels(band.flattest(shape, FLAT).patches, shape, tiles=4, least=40, overlap=OVERLAP)
    return _TissueReading(sigma, structure, variation(levels, sigma), float(np.median(flat.patches.mean)))


def mr_noise_level(slices: NDArray[np.float32], allowed: NDArray[np.bool_]) -> NoiseEstimate:
    """Estimate the noise of magnitude slices.

    Parameters
    ----------
    slices : (z, y, x) magnitude.
    allowed : (z, y, x), where it may be used.

    Returns
    -------
    NoiseEstimate
        From the background when that is plain noise and agrees with tissue, else from tissue, which is said.
    """
    smooth = ndimage.uniform_filter(slices, (0, 5, 5))
    bright = float(np.median(smooth[allowed & (smooth > 0.25 * np.quantile(smooth[allowed], 0.98))]))
    background = background_noise(slices, allowed, bright)
    shares = filled_shares(slices)
    notes: list[str] = []
    work, usable = slices, allowed & (smooth > 0.3 * bright)
    if min(shares) < 1:
        notes.append(
            "The image was interpolated by zero filling, so its noise is correlated: k-space is "
            f"{100 * shares[0]:.0f} % filled along columns and {100 * shares[1]:.0f} % along rows."
        )
        work = without_zero_filling(slices, shares)
        usable = ndimage.uniform_filter(work, (0, 5, 5)) > 0.3 * bright
    band = diagonal_band(work, usable)
    patches = band.patches
    corrected = patches.sd * rician_factor(patches.mean / np.maximum(patches.sd, 1e-30))
    # Dark patches look flat because Rician noise is weaker there: leave them out if there are others.
    strong = patches.mean > STRONG_SIGNAL * float(np.median(corrected)) if corrected.size else corrected > 0
    band = replace(band, patches=replace(patches, sd=corrected))
    tissue = _tissue_reading(band.where(strong) if strong.sum() >= ENOUGH_PATCHES else band, work.shape)
    if tissue.variation >= VARIES_FROM and tissue.structure < NOISE_ONLY:
        notes.append(
            f"The noise varies over the image (quartiles {tissue.variation:.1f} : 1); this is its usual level."
        )
    return _decided(background, tissue, notes, shares)


def _decided(
    background: Background, tissue: _TissueReading, notes: list[str], shares: tuple[float, float]
) -> NoiseEstimate:
    """Choose between the two readings and say why."""
    plain = background.sigma > 0 and background.rayleigh
    if plain:
        ratio = tissue.sigma / background.sigma
        structured = tissue.structure >= STRUCTURED and 1 < ratio < SUPPRESSED
        weak = tissue.signal < STRONG_SIGNAL * background.sigma
        if tissue.sigma == 0 or AGREEMENT[0] <= ratio <= AGREEMENT[1] or structured or weak:
            return NoiseEstimate(background.sigma, "background", tuple(notes), True, tissue.variation, shares)
        notes.append(DIFFERS)
    elif background.zeroed_share > 0.1:
        notes.append(ZEROED)
    elif background.dark_share > 0.1:
        notes.append(FILTERED)
    else:
        notes.append(NO_BACKGROUND)
    if tissue.sigma == 0:
        return unknown(
            "There is neither a background of plain noise nor enough uniform tissue to read the noise from."
        )
    if tissue.structure >= STRUCTURED:
        notes.append("Even the most uniform tissue shows structure; the noise may be weaker than this.")
    reliable = tissue.structure < STRUCTURED
    return NoiseEstimate(tissue.sigma, "tissue", tuple(notes), reliable, tissue.variation, shares)
