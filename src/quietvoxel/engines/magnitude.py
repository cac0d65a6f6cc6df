"""What MR magnitudes ask of every engine: no value below zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

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
