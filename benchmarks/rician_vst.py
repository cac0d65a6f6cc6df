"""Make Rician noise Gaussian: a variance-stabilising transform and its exact unbiased inverse, for peers.

BM4D and its like expect noise of one strength. After Foi, "Noise estimation and removal in MR imaging: the
variance-stabilization approach", ISBI 2011; the transform is integrated numerically instead of taken from its
tables.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ive

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Above this signal-to-noise ratio Rician noise is Gaussian and the transform a straight line.
TOP = 40.0


@cache
def _tables() -> tuple[NDArray[np.float64], ...]:
    """Magnitude, transform of it, true signal, mean transform at it; everything in units of sigma."""
    magnitude = np.linspace(0.0, TOP + 8.0, 4801)
    signal = np.concatenate([np.linspace(0.0, 6.0, 241), np.linspace(6.1, TOP, 340)])
    # Rice density; ive carries exp(-m nu), which keeps it finite.
    bessel = ive(0, magnitude * signal[:, None])
    density = magnitude * np.exp(-0.5 * (magnitude - signal[:, None]) ** 2) * bessel
    density /= density.sum(axis=1, keepdims=True)

    def sd(values: NDArray[np.float64]) -> NDArray[np.float64]:
        mean = density @ values
        return np.sqrt(np.maximum(density @ values**2 - mean**2, 1e-12))

    transform = magnitude
    # Each round divides the slope by the standard deviation that is left where the magnitude is the mean.
    slope = np.ones_like(magnitude)
    mean_magnitude = density @ magnitude
    for _ in range(12):
        slope = slope / np.interp(magnitude, mean_magnitude, sd(transform))
        transform = np.concatenate([[0.0], np.cumsum(0.5 * (slope[1:] + slope[:-1]) * np.diff(magnitude))])
    return magnitude, transform, signal, density @ transform


def stabilise(magnitude: NDArray[np.float32], sigma: float) -> NDArray[np.float64]:
    """Transform a magnitude image so that its noise has a standard deviation of about 1 everywhere."""
    grid, transform, _, _ = _tables()
    m = np.asarray(magnitude, dtype=np.float64) / sigma
    return np.where(m > grid[-1], transform[-1] + (m - grid[-1]), np.interp(m, grid, transform))


def unbiased_inverse(stabilised: NDArray[np.float64], sigma: float) -> NDArray[np.float32]:
    """Return the signal whose noisy magnitude has this mean after `stabilise`; undoes the Rician bias too."""
    _, _, signal, mean = _tables()
    s = np.asarray(stabilised, dtype=np.float64)
    nu = np.where(s > mean[-1], signal[-1] + (s - mean[-1]), np.interp(s, mean, signal))
    return (nu * sigma).astype(np.float32)
