"""Noise models of the denoising literature for images on [0, 1]; DiffDenoise's experiments as presets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["PRESETS", "correlated_noise", "gamma_noise", "gaussian_noise", "poisson_noise"]

_SIGMA = 6 / 255


def gaussian_noise(image: Tensor, generator: torch.Generator, sigma: float = _SIGMA) -> Tensor:
    """Add white Gaussian noise.

    Parameters
    ----------
    image : (B, C, H, W), 0 to 1.
    generator : source of randomness, on the device of `image`.
    sigma : SD of the noise.

    Returns
    -------
    (B, C, H, W), not clipped.
    """
    return image + sigma * _white(image, generator)


def poisson_noise(image: Tensor, generator: torch.Generator, photons: float = 200.0) -> Tensor:
    """Replace every pixel by counts over their expectation at 1: Poisson(photons x) / photons.

    Parameters
    ----------
    image : (B, C, H, W), 0 to 1; values below 0 count as 0.
    generator : source of randomness, on the device of `image`.
    photons : counts at the value 1; mean x and variance x / photons.

    Returns
    -------
    (B, C, H, W), not negative.
    """
    return torch.poisson(photons * image.clamp(min=0), generator=generator) / photons


def gamma_noise(
    image: Tensor, generator: torch.Generator, shape: float = 100.0, rate: float = 100.0
) -> Tensor:
    """Multiply by Gamma noise, the speckle of coherent imaging.

    Parameters
    ----------
    image : (B, C, H, W), 0 to 1.
    generator : source of randomness, on the device of `image`.
    shape, rate : of the Gamma law: the factor has the mean shape / rate and the variance shape / rate^2.

    Returns
    -------
    (B, C, H, W), not clipped.
    """
    return image * _gamma(image, generator, shape) / rate


def correlated_noise(
    image: Tensor, generator: torch.Generator, blur_px: float = 1.2, sigma: float = _SIGMA
) -> Tensor:
    """Add Gaussian noise that is alike in neighbouring pixels.

    Parameters
    ----------
    image : (B, C, H, W), 0 to 1.
    generator : source of randomness, on the device of `image`.
    blur_px : SD in pixels of the Gaussian that white noise passes through.
    sigma : SD of the noise after it.

    Returns
    -------
    (B, C, H, W), not clipped. Up to the borders the noise has the same strength.
    """
    radius = math.ceil(5 * blur_px)
    offset = torch.arange(-radius, radius + 1, dtype=image.dtype, device=image.device)
    line = torch.exp(-0.5 * torch.square(offset / blur_px))
    line = line / line.square().sum().sqrt()  # unit energy keeps the variance of white noise
    height, width = (n + 2 * radius for n in image.shape[-2:])
    white = _white(image.new_empty(image.shape[0] * image.shape[1], 1, height, width), generator)
    blurred = functional.conv2d(functional.conv2d(white, line[None, None, None]), line[None, None, :, None])
    return image + sigma * blurred.view_as(image)


def _white(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, dtype=like.dtype, device=like.device)


def _gamma(like: Tensor, generator: torch.Generator, shape: float) -> Tensor:
    """Draw Gamma(shape, 1) by Marsaglia and Tsang (ACM TOMS 26:363, 2000); torch's own takes no generator."""
    if shape < 1:
        msg = f"The shape {shape:g} of Gamma noise must be at least 1."
        raise ValueError(msg)
    d = shape - 1 / 3
    c = 1 / math.sqrt(9 * d)
    drawn = torch.full(like.shape, torch.nan, dtype=like.dtype, device=like.device)
    while True:
        missing = drawn.isnan()
        if not bool(missing.any()):
            return drawn
        x = _white(drawn[missing], generator)
        u = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        v = (1 + c * x) ** 3
        accepted = (v > 0) & (torch.log(u) < 0.5 * x * x + d - d * v + d * torch.log(v.clamp(min=1e-30)))
        drawn[missing] = torch.where(accepted, d * v, torch.full_like(v, torch.nan))


PRESETS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "gaussian": gaussian_noise,
    "poisson-200": lambda image, generator: poisson_noise(image, generator, 200.0),
    "poisson-700": lambda image, generator: poisson_noise(image, generator, 700.0),
    "gamma-100": lambda image, generator: gamma_noise(image, generator, 100.0, 100.0),
    "gamma-500": lambda image, generator: gamma_noise(image, generator, 500.0, 500.0),
    "correlated-0.5": lambda image, generator: correlated_noise(image, generator, 0.5),
    "correlated-1.2": lambda image, generator: correlated_noise(image, generator, 1.2),
}
"""The settings of the DiffDenoise experiments by name; each takes (image, generator)."""
