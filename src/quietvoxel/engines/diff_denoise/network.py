"""DiffDenoise's networks: shapes, and the diffusion network with what it remembers of its training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from quietvoxel.engines.diff_denoise.schedule import Schedule
from quietvoxel.engines.noise_range import log_place, trained_sigmas
from quietvoxel.networks.blind_spot import BlindSpotShape
from quietvoxel.networks.residual_unet import UNetShape, build_unet, slab_shape

if TYPE_CHECKING:
    from quietvoxel.engines.diff_denoise.settings import DiffDenoiseRecipe

LEVELS = 8
"""Noise levels, equally spaced on a log scale, at which the variance of y - c is kept."""

MEMORY = 0.02
"""Weight of a new image, or of a new batch, in a running mean."""


class DiffusionNetwork(nn.Module):
    """The shared backbone as a diffusion network, and two measurements made while it was trained.

    Parameters
    ----------
    recipe : the architecture.

    Attributes
    ----------
    ratio : (LEVELS,) variance of noisy image minus blind-spot prediction, over that of the noise, in tissue.
    leak : share of the noise that comes back out of the condition alone.
    """

    ratio: Tensor
    seen: Tensor
    leak: Tensor

    def __init__(self, recipe: DiffDenoiseRecipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.schedule = Schedule(recipe.schedule, recipe.times)
        self.sigma_range = trained_sigmas(recipe)
        self.unet = build_unet(
            UNetShape(
                slices=2,
                conditions=3,
                widths=recipe.diffusion_widths,
                blocks=recipe.diffusion_blocks,
                quiet_neighbours=False,
            )
        )
        self.register_buffer("ratio", torch.full((LEVELS,), 1.2))
        self.register_buffer("seen", torch.zeros(LEVELS))
        self.register_buffer("leak", torch.zeros(()))
        pairs = torch.tensor([self.schedule.levels(t) for t in range(recipe.times + 1)])
        self.register_buffer("table", pairs, persistent=False)

    def forward(self, x: Tensor, guide: Tensor, a: Tensor, b: Tensor, sigma: Tensor) -> Tensor:
        """Predict v or eps, as the recipe says.

        Parameters
        ----------
        x : (B, 1, H, W), the image at its time, on the unit scale of x_0.
        guide : (B, 1, H, W), the condition, in image units.
        a, b : (B, 1, 1, 1), signal and noise at that time.
        sigma : (B,), noise of the image.
        """
        # The backbone is homogeneous, so that everything is shown in image units and the result divided by the unit.
        scale = self.scale(sigma)
        unit = scale[:, None, None, None]
        told = torch.stack([scale * a.flatten(), scale * b.flatten(), sigma], dim=1)
        out: Tensor = self.unet(torch.cat([unit * x, guide], dim=1), told)
        return out / unit

    def clean(self, x: Tensor, predicted: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """The expected x_0 that a prediction stands for (v-prediction: Salimans and Ho, ICLR 2022)."""
        if self.recipe.prediction == "epsilon":
            return (x - b * predicted) / a
        return a * x - b * predicted

    def levels(self, time: Tensor) -> tuple[Tensor, Tensor]:
        """Signal and noise (B,) at whole times (B,)."""
        a, b = self.get_buffer("table")[time].unbind(dim=1)
        return a, b

    def scale(self, sigma: Tensor) -> Tensor:
        """The unit (B,) of x_0: about the standard deviation of y - c."""
        return (sigma.square() + self.recipe.detail**2).sqrt()

    def shake(self, sigma: Tensor) -> Tensor:
        """Standard deviation (B,) of the noise on the condition."""
        return self.recipe.condition_noise * sigma

    def _level(self, sigma: Tensor) -> Tensor:
        return log_place(sigma, self.sigma_range) * (LEVELS - 1)

    @torch.no_grad()
    def record(self, residual: Tensor, inside: Tensor, sigma: Tensor) -> None:
        """Take y - c of training images (B, 1, H, W), where `inside`, into the running variance of their levels."""
        counts = inside.flatten(1).sum(1)
        squares = (residual.square() * inside).flatten(1).sum(1) / counts.clamp(min=1) / sigma.square()
        for value, count, level in zip(
            squares.tolist(), counts.tolist(), self._level(sigma).round().long().tolist(), strict=True
        ):
            if count > 0.05 * inside[0].numel():
                self.seen[level] += 1
                weight = max(MEMORY, 1.0 / float(self.seen[level]))
                self.ratio[level] += weight * (value - float(self.ratio[level]))
        # Saved as float16, which ends at 65 504; no more than this is needed to know that a level was met.
        self.seen.clamp_(max=1000.0)
        self.ratio.clamp_(max=1e4)

    @torch.no_grad()
    def record_leak(self, found: Tensor, noise: Tensor) -> None:
        """Take into the running mean how much of the noise (B, 1, H, W) is in what was found without seeing y."""
        if len(found):
            noise = noise - noise.mean(dim=(1, 2, 3), keepdim=True)
            share = (found * noise).sum() / noise.square().sum().clamp(min=1e-12)
            self.leak.lerp_(share.to(self.leak), MEMORY)

    def residual_variance(self, sigma: float) -> float:
        """Variance of y - c in tissue for noise of this level, in network units, between the levels that were met."""
        met = [level for level in range(LEVELS) if self.seen[level] > 0] or [0]
        place = float(self._level(torch.tensor(sigma)))
        return float(np.interp(place, met, self.ratio[met].tolist())) * sigma**2


def tissue(guide: Tensor, sigma: Tensor, modality: str) -> Tensor:
    """Where the noise is what its level says: soft tissue in CT, signal well above the noise in MR."""
    if modality == "CT":
        return guide.abs() < 0.2
    return guide > 3.0 * sigma[:, None, None, None]


def blind_spot_shape(recipe: DiffDenoiseRecipe) -> BlindSpotShape:
    """The blind-spot network of a recipe, told the four numbers of `network_conditions`."""
    return BlindSpotShape(
        slices=2 * recipe.halo + 1,
        conditions=4,
        radius=recipe.radius,
        dilation=recipe.dilation,
        features=recipe.features,
        open_neighbours=recipe.open_neighbours,
        widths=recipe.blind_widths,
        blocks=recipe.blind_blocks,
    )


def student_shape(recipe: DiffDenoiseRecipe) -> UNetShape:
    """The student: the backbone of RelativeFlow, told the noise level in four numbers and the noise to remove."""
    return slab_shape(recipe.halo, 5, recipe.student_widths, recipe.student_blocks)
