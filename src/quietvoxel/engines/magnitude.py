"""What MR magnitudes ask of engines: no value below zero, and no bias of Rician noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from quietvoxel.degradation.rician import invert_rician_mean

if TYPE_CHECKING:
    from torch import Tensor


def not_below(image: Tensor, noisy: Tensor) -> Tensor:
    """Raise what lies below zero to zero; a signed image (a phase) may stay as low as it was.

    Parameters
    ----------
    image : (B, 1, H, W) denoised.
    noisy : (B, 1, H, W) what was denoised; on any device.
    """
    return torch.maximum(image, noisy.amin().clamp(max=0.0).to(image.device))


def without_rician_bias(image: Tensor, noisy: Tensor, sigma: float) -> Tensor:
    """Find the magnitudes whose mean under Rician noise is this image (Koay and Basser, J Magn Reson 179:317, 2006).

    For networks that have learned the mean of noisy images, which Rician noise has raised. A signed image (a phase)
    has no such bias and stays.

    Parameters
    ----------
    image : (B, 1, H, W) denoised.
    noisy : (B, 1, H, W) what was denoised; on any device.
    sigma : SD of the real and imaginary part of the noise, in image units.
    """
    return image if noisy.amin() < 0 else invert_rician_mean(image.clamp(min=0.0), sigma)
