"""Where noise is measured on CT slices: soft tissue away from its edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["lag_one_correlation", "soft_tissue_mask", "soft_tissue_sd"]


def soft_tissue_mask(hu: Tensor, low: float = 0.0, high: float = 120.0, erosion: int = 1) -> Tensor:
    """Pixels between `low` and `high` HU whose neighbours are as well.

    Parameters
    ----------
    hu : (B, 1, H, W).
    low, high : range in HU.
    erosion : pixels that are taken off at every edge.

    Returns
    -------
    (B, 1, H, W) of bool.
    """
    outside = ((hu < low) | (hu > high)).to(hu.dtype)
    size = 2 * erosion + 1
    return functional.max_pool2d(outside, size, stride=1, padding=erosion) == 0


def soft_tissue_sd(noise: Tensor, hu: Tensor, minimum: int = 50) -> float:
    """SD of a noise image in eroded soft tissue, over the whole batch.

    Parameters
    ----------
    noise, hu : (B, 1, H, W) noise in HU and the slices that it belongs to.
    minimum : with fewer pixels of soft tissue, all above -500 HU count; with fewer of those, all pixels.

    Returns
    -------
    SD in HU.
    """
    for mask in (soft_tissue_mask(hu), hu > -500):
        if int(mask.sum()) >= minimum:
            return float(noise[mask].std())
    return float(noise.std())


def lag_one_correlation(noise: Tensor, mask: Tensor) -> float:
    """Correlation of neighbouring pixels inside a mask, mean of both in-plane axes.

    Parameters
    ----------
    noise : (B, 1, H, W) without trend.
    mask : (B, 1, H, W) of bool; a pair counts where both of its pixels are inside.
    """
    correlations = []
    for axis in (-1, -2):
        n = noise.shape[axis] - 1
        both = mask.narrow(axis, 0, n) & mask.narrow(axis, 1, n)
        pair = torch.stack([noise.narrow(axis, 0, n)[both], noise.narrow(axis, 1, n)[both]])
        correlations.append(float(torch.corrcoef(pair)[0, 1]))
    return 0.5 * sum(correlations)
