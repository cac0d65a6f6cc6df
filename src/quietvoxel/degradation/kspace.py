"""Zero-filled interpolation: how much of k-space holds data, and the image without the interpolation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Power outside the acquired part, relative to that just inside it, below which k-space counts as empty. The
#: magnitude spreads a little power outwards, so that it is never quite empty.
EMPTY = 0.25

#: Shares of k-space above this are no interpolation worth undoing.
FULL = 0.93


def filled_shares(slices: NDArray[np.float32]) -> tuple[float, float]:
    """Find the share of k-space along y and along x that holds data; 1 where it is full.

    Parameters
    ----------
    slices : (z, y, x) magnitude.
    """
    height, width = slices.shape[-2:]
    # A window keeps the edge of the image from drawing a line through all of k-space.
    window = np.hanning(height)[:, None] * np.hanning(width)[None]
    centred = (slices - slices.mean(axis=(1, 2), keepdims=True)) * window.astype(np.float32)
    power = (np.abs(fft.fftshift(fft.fft2(centred), axes=(1, 2))) ** 2).mean(axis=0)
    return _filled(np.median(power, axis=1)), _filled(np.median(power, axis=0))


def _filled(profile: NDArray[np.float64]) -> float:
    """Find the edge of the filled part in the power along one axis, the zero frequency in the middle."""
    half = len(profile) // 2
    folded = 0.5 * (profile[half + 1 : 2 * half] + profile[half - 1 : 0 : -1])
    share = (np.arange(folded.size) + 1.0) / half
    reach = max(2, folded.size // 16)
    best, at = EMPTY, 1.0
    for index in range(folded.size * 2 // 5, folded.size - reach):
        inside = np.median(folded[index - reach : index])
        outside = np.median(folded[index + 1 :])
        step = np.median(folded[index + 1 : index + 1 + reach])
        if inside > 0 and max(outside, step) / inside < best:
            best, at = float(max(outside, step) / inside), float(share[index])
    return at if at < FULL else 1.0


def without_zero_filling(slices: NDArray[np.float32], shares: tuple[float, float]) -> NDArray[np.float32]:
    """Cut k-space down to its filled part: fewer pixels with the same noise, no longer correlated.

    Parameters
    ----------
    slices : (z, y, x) magnitude.
    shares : from `filled_shares`.

    Returns
    -------
    (z, y', x') on the scale of the input. The noise of a voxel keeps its standard deviation.
    """
    height, width = slices.shape[-2:]
    rows, columns = _kept(height, shares[0]), _kept(width, shares[1])
    spectrum = fft.fftshift(fft.fft2(slices), axes=(1, 2))
    top, left = height // 2 - rows // 2, width // 2 - columns // 2
    kept = fft.ifftshift(spectrum[:, top : top + rows, left : left + columns], axes=(1, 2))
    image = fft.ifft2(kept) * (rows * columns / (height * width))
    return np.asarray(image.real, dtype=np.float32)


def _kept(size: int, share: float) -> int:
    """Give the even number of frequencies to keep: one step within the edge, so that no empty one comes along."""
    return size if share >= 1 else max(8, int(size * share) // 2 * 2 - 2)
