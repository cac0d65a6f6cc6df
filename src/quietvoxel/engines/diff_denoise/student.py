"""The student's training stage: give in one pass what sampling gave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from quietvoxel.engines.diff_denoise.network import student_shape
from quietvoxel.engines.relative_flow.training import network_conditions
from quietvoxel.networks.residual_unet import ResidualUNet, build_unet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quietvoxel.engines.contract import Slabs
    from quietvoxel.engines.diff_denoise.settings import DiffDenoiseRecipe

REMOVED, SIGMA, POWER = range(3)
"""What the three noise images of a slab hold here: what the teacher removed, and two numbers, the same everywhere."""


def student_conditions(sigma: Tensor, spacing_ratio: Tensor, power: Tensor) -> Tensor:
    """What the student is told (B, 5): the noise level, and how much of it to remove, as a noise level too.

    `power` is `recipe.start_power` times the strength.
    """
    told = network_conditions(sigma, sigma, sigma, spacing_ratio)
    return torch.cat([told, (power.sqrt() * sigma)[:, None]], dim=1)


class StudentStage:
    """Supervised by the sampled images (Demir et al., DiffDenoise, the third stage).

    The slabs are the teacher's noisy images; their `noise` holds what it removed, the noise level and the
    power of the start.
    """

    name = "student"

    def __init__(self, recipe: DiffDenoiseRecipe) -> None:
        self.recipe = recipe
        self.halo = recipe.halo

    def build(self) -> ResidualUNet:
        """A new student."""
        return build_unet(student_shape(self.recipe))

    def prepare(self, slabs: Slabs, _progress: float, _generator: torch.Generator) -> dict[str, Tensor]:
        """Unpack what the teacher left."""
        if slabs.noise is None:
            msg = "The student learns from slabs that hold what the teacher removed."
            raise ValueError(msg)
        sigma, power = (slabs.noise[:, k, self.halo].mean(dim=(1, 2)) for k in (SIGMA, POWER))
        return {
            "slab": slabs.image,
            "removed": slabs.noise[:, REMOVED, self.halo : self.halo + 1],
            "sigma": sigma,
            "conditions": student_conditions(sigma, slabs.spacing_ratio, power),
        }

    def loss(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Mean squared difference from the teacher's, in units of the noise."""
        error: Tensor = network(batch["slab"], batch["conditions"]) - batch["removed"]
        return (error / batch["sigma"][:, None, None, None]).square().mean()
