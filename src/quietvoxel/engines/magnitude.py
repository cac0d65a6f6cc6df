"""The bias that Rician noise gives to magnitudes, undone where a network has learned it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietvoxel.degradation.rician import invert_rician_mean

if TYPE_CHECKING:
    from torch import Tensor

SIGNED = -0.5
"""A volume with values below this is no magnitude. One that was resampled undershoots beside its brightest edges, by a
tenth of them; a phase goes down to -1."""


def without_rician_bias(image: Tensor, sigma: float, lowest: float = 0.0) -> Tensor:
    """Find the magnitudes whose mean under Rician noise is this image (Koay and Basser, J Magn Reson 179:317, 2006).

    For networks that have learned the mean of noisy images, which Rician noise has raised. A signed image (a phase)
    has no such bias and stays.

    Parameters
    ----------
    image : (B, 1, H, W) denoised.
    sigma : SD of the real and imaginary part of the noise, in image units.
    lowest : value of the volume that this is a part of: parts must not differ in what they are taken for.
    """
    return image if lowest < SIGNED else invert_rician_mean(image.clamp(min=0.0), sigma)
