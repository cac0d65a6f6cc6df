"""The noise levels that a network met in training, in network units."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import torch

from quietvoxel.degradation.noise_time import noise_time_for

if TYPE_CHECKING:
    from torch import Tensor


class TrainedRange(Protocol):
    """What of a recipe says how noisy the training images were.

    Attributes
    ----------
    modality : "CT" or "MR".
    delta_min, delta_max : the least and the greatest degradation time.
    """

    @property
    def modality(self) -> str: ...  # noqa: D102

    @property
    def delta_min(self) -> float: ...  # noqa: D102

    @property
    def delta_max(self) -> float: ...  # noqa: D102


def trained_sigmas(recipe: TrainedRange) -> tuple[float, float]:
    """The least and the greatest noise met in training."""
    noise_time = noise_time_for(recipe.modality)
    low, high = (math.sqrt(noise_time.variance(delta)) for delta in (recipe.delta_min, recipe.delta_max))
    return low, high


def log_place(sigma: Tensor, sigma_range: tuple[float, float]) -> Tensor:
    """Where noise levels (B,) lie between the least, 0, and the greatest, 1, on a log scale."""
    low, high = sigma_range
    return torch.log(sigma.clamp(low, high) / low) / math.log(high / low)
