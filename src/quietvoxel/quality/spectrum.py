"""What noise looks like: its power spectrum in plane (HU² mm²), radially averaged; its lag correlation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class NoisePowerSpectrum:
    """Power of the noise by spatial frequency.

    Attributes
    ----------
    power : (n, n), HU² mm² (or the image's unit² mm²), zero frequency first as numpy's FFT has it.
    frequency_y, frequency_x : (n,), cycles per mm, in the same order.
    regions : how many regions were averaged; the relative error of one value is about `1 / sqrt(regions)`.
    """

    power: NDArray[np.float64]
    frequency_y: NDArray[np.float64]
    frequency_x: NDArray[np.float64]
    regions: int

    @property
    def variance(self) -> float:
        """Integral over all frequencies: the variance of the noise, in the image's unit²."""
        step_y = self.frequency_y[1] - self.frequency_y[0]
        step_x = self.frequency_x[1] - self.frequency_x[0]
        return float(self.power.sum() * step_y * step_x)


def noise_power_spectrum(
    noise: NDArray[Any],
    spacing_yx: tuple[float, float],
    *,
    size: int = 64,
    mask: NDArray[np.bool_] | None = None,
    detrend: bool = True,
) -> NoisePowerSpectrum:
    """In-plane noise power spectrum of a noise-only image, from square regions half overlapping.

    `NPS = dx dy / (Nx Ny) <|FFT(noise)|²>`, ICRU Report 87 (2012), section 4; Siewerdsen et al., Med. Phys.
    29 (2002) 2655.

    Parameters
    ----------
    noise : (z, y, x) or (y, x): a difference of two images, an inserted noise image, or a uniform region.
    spacing_yx : mm.
    size : side of a region, pixels.
    mask : regions wholly inside it are used; everywhere when None.
    detrend : take the mean of each region off. A plane is not fitted: it would eat the low frequencies.

    Raises
    ------
    ValueError
        When no region of that size fits.
    """
    planes = np.asarray(noise, dtype=np.float64).reshape(-1, *noise.shape[-2:])
    inside = None if mask is None else mask.reshape(planes.shape)
    total = np.zeros((size, size))
    regions = 0
    step = max(1, size // 2)
    for z, plane in enumerate(planes):
        for y in range(0, plane.shape[0] - size + 1, step):
            for x in range(0, plane.shape[1] - size + 1, step):
                if inside is not None and not inside[z, y : y + size, x : x + size].all():
                    continue
                region = plane[y : y + size, x : x + size]
                if detrend:
                    region = region - region.mean()
                total += np.abs(np.fft.fft2(region)) ** 2
                regions += 1
    if regions == 0:
        msg = f"No region of {size} x {size} pixels fits into the mask: choose a smaller size."
        raise ValueError(msg)
    dy, dx = spacing_yx
    power = total / regions * dy * dx / size**2
    frequency_y = np.fft.fftfreq(size, dy).astype(np.float64)
    frequency_x = np.fft.fftfreq(size, dx).astype(np.float64)
    return NoisePowerSpectrum(power, frequency_y, frequency_x, regions)


def radial_average(spectrum: NoisePowerSpectrum) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average the spectrum over all directions.

    Returns
    -------
    frequency, power : cycles per mm and HU² mm², in rings one frequency step wide. The first ring is the zero
        frequency, which detrending has emptied; the last is the Nyquist frequency of the coarser axis.
    """
    radius = np.hypot(spectrum.frequency_y[:, None], spectrum.frequency_x[None, :])
    step = max(abs(spectrum.frequency_y[1]), abs(spectrum.frequency_x[1]))
    ring = np.rint(radius / step).astype(int)
    count = np.bincount(ring.ravel())
    power = np.bincount(ring.ravel(), spectrum.power.ravel()) / count
    frequency = np.bincount(ring.ravel(), radius.ravel()) / count
    keep = len(spectrum.frequency_y) // 2 + 1
    return frequency[:keep], power[:keep]


def lag_correlation(
    noise: NDArray[Any],
    lags: Sequence[tuple[int, ...]] = ((0, 1), (1, 0)),
    mask: NDArray[np.bool_] | None = None,
) -> tuple[float, ...]:
    """Correlation between a voxel and its neighbour at each lag, over pairs that lie in the mask.

    Parameters
    ----------
    noise : noise-only image of any dimension; its mean over the mask is taken off.
    lags : offsets along the last axes, in voxels, not negative: (0, 1) is one pixel along x, (1, 0) along y.
    mask : same shape as the noise; everywhere when None.

    Returns
    -------
    One value in -1 to 1 for each lag. Body kernels of CT give 0.25 to 0.55 at one pixel, white noise 0.
    """
    values = np.asarray(noise, dtype=np.float64)
    inside = np.ones(values.shape, dtype=np.bool_) if mask is None else mask
    values = values - values[inside].mean()
    out = []
    for lag in lags:
        full = (0,) * (values.ndim - len(lag)) + tuple(lag)
        first = tuple(slice(0, n - k) for n, k in zip(values.shape, full, strict=True))
        second = tuple(slice(k, n) for n, k in zip(values.shape, full, strict=True))
        both = inside[first] & inside[second]
        a, b = values[first][both], values[second][both]
        out.append(float((a * b).mean() / np.sqrt((a * a).mean() * (b * b).mean())))
    return tuple(out)
