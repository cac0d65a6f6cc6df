"""Rician noise of magnitude MR images: adding it, its mean, and the magnitude that a mean belongs to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from quietvoxel.degradation.noise_time import RICIAN_VARIANCE_PER_TIME

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["K_RICIAN", "add_rician", "invert_rician_mean", "rician", "rician_mean"]

K_RICIAN = RICIAN_VARIANCE_PER_TIME

_RAYLEIGH_MEAN = math.sqrt(math.pi / 2)
_TABLE_END = 12.0  # signal-to-noise ratio beyond which the mean is A + sigma^2 / 2A to 1e-4 sigma


def add_rician(
    magnitude: Tensor, sigma: Tensor | float, generator: torch.Generator, acquired: Tensor | None = None
) -> Tensor:
    """Take the magnitude of the image with complex Gaussian noise on it.

    Parameters
    ----------
    magnitude : (B, C, H, W), not negative, in any unit.
    sigma : SD of the real and of the imaginary part in the same unit, one number or (B,).
    generator : on the device of `magnitude`; the real part is drawn before the imaginary.
    acquired : (B, 2) shares of k-space, along rows and columns, that were measured; the rest was filled with zeros
        (interpolation), so that the noise is the same in strength but correlated. All of it when not given.

    Returns
    -------
    (B, C, H, W), not negative. Where sigma is 0 the image comes back bit for bit.
    """
    sd = torch.as_tensor(sigma, dtype=magnitude.dtype, device=magnitude.device)
    sd = sd.reshape(-1, *(1,) * (magnitude.ndim - 1))
    real = torch.randn(magnitude.shape, generator=generator, dtype=magnitude.dtype, device=magnitude.device)
    imaginary = torch.randn(
        magnitude.shape, generator=generator, dtype=magnitude.dtype, device=magnitude.device
    )
    if acquired is not None:
        real, imaginary = (_zero_filled(noise, acquired) for noise in (real, imaginary))
    noisy = torch.hypot(magnitude + sd * real, sd * imaginary)
    return torch.where(sd == 0, magnitude, noisy)


def _zero_filled(noise: Tensor, acquired: Tensor) -> Tensor:
    """White noise without the frequencies that were not measured, at its old strength."""
    height, width = noise.shape[-2:]
    rows = torch.fft.fftfreq(height, device=noise.device).abs()[None] <= 0.5 * acquired[:, :1]
    columns = torch.fft.rfftfreq(width, device=noise.device)[None] <= 0.5 * acquired[:, 1:]
    whole = torch.fft.fftfreq(width, device=noise.device).abs()[None] <= 0.5 * acquired[:, 1:]
    share = rows.float().mean(1) * whole.float().mean(1)
    kept = (rows[:, :, None] & columns[:, None, :]).to(noise.dtype) / share.sqrt()[:, None, None]
    band_limited: Tensor = torch.fft.irfft2(torch.fft.rfft2(noise) * kept[:, None], s=(height, width))
    return band_limited


def rician(magnitude: Tensor, delta: Tensor | float, generator: torch.Generator) -> Tensor:
    """Degrade a normalised magnitude image by the time `delta`: Rician noise of variance 0.005 delta.

    An exact semi-group: degrading by a and then by b has the law of degrading by a + b, as circular noise
    acts on a magnitude whatever its phase (operator of Liu et al., RelativeFlow, 2026).

    Parameters
    ----------
    magnitude : (B, C, H, W), 0 to 1.
    delta : time, one number or (B,).
    generator : on the device of `magnitude`; the real part is drawn before the imaginary.
    """
    time = torch.as_tensor(delta, dtype=magnitude.dtype, device=magnitude.device)
    return add_rician(magnitude, torch.sqrt(K_RICIAN * time), generator)


def rician_mean(amplitude: Tensor, sigma: Tensor | float) -> Tensor:
    """Mean of a Rician magnitude.

    sigma sqrt(pi/2) L(-A^2 / 2 sigma^2), where the Laguerre function of order 1/2 is
    L(-x) = e^{-x/2} ((1 + x) I0(x/2) + x I1(x/2)) (Koay and Basser, J Magn Reson 179:317, 2006).

    Parameters
    ----------
    amplitude : true magnitude A, any shape, not negative.
    sigma : SD of the real and imaginary part, in the unit of `amplitude`; broadcast against it.

    Returns
    -------
    The mean, in the shape of `amplitude`; never below A nor below sigma sqrt(pi/2).
    """
    sd = torch.as_tensor(sigma, dtype=amplitude.dtype, device=amplitude.device)
    half = 0.25 * torch.square(amplitude / sd.clamp(min=torch.finfo(amplitude.dtype).tiny ** 0.25))
    laguerre = (1 + 2 * half) * torch.special.i0e(half) + 2 * half * torch.special.i1e(half)
    # For a vanishing sigma the series overflows; the mean is then the amplitude.
    return torch.where(half < 1e6, sd * _RAYLEIGH_MEAN * laguerre, amplitude + 0.5 * sd * sd / amplitude)


def invert_rician_mean(mean: Tensor, sigma: Tensor | float) -> Tensor:
    """Find the magnitude whose Rician mean this is.

    For denoised images, which estimate the mean: the second moment, sqrt(m^2 - 2 sigma^2), corrects too much.

    Parameters
    ----------
    mean : any shape, not negative.
    sigma : SD of the real and imaginary part, in the unit of `mean`; broadcast against it.

    Returns
    -------
    A with `rician_mean(A, sigma) == mean`; 0 where the mean is at or below that of pure noise.
    """
    sd = torch.as_tensor(sigma, dtype=mean.dtype, device=mean.device)
    ratio = mean / sd.clamp(min=torch.finfo(mean.dtype).tiny)
    # Tabulated as the square of A/sigma: that is smooth at the bottom, where A has a vertical tangent.
    amplitudes = torch.linspace(0, _TABLE_END, 4097, dtype=torch.float64, device="cpu")
    means = rician_mean(amplitudes, 1.0)
    squares = torch.square(amplitudes).to(mean.dtype).to(mean.device)
    means = means.to(mean.dtype).to(mean.device)
    right = torch.searchsorted(means, ratio.contiguous()).clamp(1, len(means) - 1)
    fraction = (ratio - means[right - 1]) / (means[right] - means[right - 1])
    table = squares[right - 1] + fraction * (squares[right] - squares[right - 1])
    high = 0.5 * (ratio + torch.sqrt((ratio * ratio - 2).clamp(min=0)))
    amplitude = torch.where(ratio > means[-1], high, torch.sqrt(table.clamp(min=0)))
    return torch.where(
        sd == 0, mean, sd * torch.where(ratio <= _RAYLEIGH_MEAN, torch.zeros_like(ratio), amplitude)
    )
