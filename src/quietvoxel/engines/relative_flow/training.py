"""RelativeFlow's training stage: noisy references, made noisier, and the relative velocity between the two."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from quietvoxel.degradation.noise_time import NoiseTime, noise_time_for
from quietvoxel.degradation.rician import add_rician
from quietvoxel.networks.residual_unet import ResidualUNet, UNetShape, build_unet, slab_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from quietvoxel.engines.contract import Slabs
    from quietvoxel.engines.relative_flow.settings import RelativeFlowRecipe

    _Add = Callable[[Tensor, Tensor, torch.Generator], Tensor]


def network_conditions(step: Tensor, centre: Tensor, neighbours: Tensor, spacing_ratio: Tensor) -> Tensor:
    """The constant channels (B, 4): what the network is told beside the pixels.

    Everything is a noise level or scaled by one, so that the network stays homogeneous: scaling the image and all
    noise levels scales its output.

    Parameters
    ----------
    step : (B,) standard deviation of the noise to remove in this step.
    centre, neighbours : (B,) of all the noise in the middle slice now, and in its neighbours.
    spacing_ratio : (B,) slice spacing over pixel spacing, told on a log scale.
    """
    ratio = torch.log2(spacing_ratio.clamp(0.25, 8.0)) / 2.0
    return torch.stack([step, step * ratio, centre, neighbours], dim=1)


def unet_shape(recipe: RelativeFlowRecipe) -> UNetShape:
    """The backbone for a slab of `2 * halo + 1` slices."""
    return slab_shape(recipe.halo, 4, recipe.widths, recipe.blocks, quiet_neighbours=recipe.quiet_neighbours)


class RelativeFlowStage:
    """Predict, in image units, the noise that lies between a reference and its degraded copy.

    With s the standard deviation of that noise and delta the time between the two, the prediction f stands for the
    velocity N = -f / (e^delta - 1) of the paper's target; the loss is the mean of ((f - noise) / s)^2, which weighs all
    delta alike, where the plain loss on N is ruled by the smallest (docs/relativeflow.md).

    The centre slice is a reference at time t0, degraded to t0 + delta; the neighbours stay at the time t0 + delta +
    extra of the input as it was before any step, because at inference the centre alone moves (a flow conditioned on
    its noisy neighbours).
    """

    name = "velocity"

    def __init__(self, recipe: RelativeFlowRecipe) -> None:
        self.recipe = recipe
        self.halo = recipe.halo
        self.noise_time: NoiseTime = noise_time_for(recipe.modality)

    def build(self) -> ResidualUNet:
        """A new velocity network."""
        return build_unet(unet_shape(self.recipe))

    def delta_range(self, progress: float) -> tuple[float, float]:
        """The curriculum: the range of delta at this point of the training (0 to 1)."""
        recipe = self.recipe
        if not recipe.curriculum:
            return recipe.delta_min, recipe.delta_max
        widest = max(recipe.delta_max / recipe.delta_start, recipe.delta_start / recipe.delta_min)
        epochs = math.ceil(math.log(widest) / -math.log(recipe.curriculum_alpha))
        epoch = int(epochs * progress / recipe.curriculum_share) if recipe.curriculum_share > 0 else epochs
        factor = recipe.curriculum_alpha ** min(epoch, epochs)
        return max(recipe.delta_start * factor, recipe.delta_min), min(
            recipe.delta_start / factor, recipe.delta_max
        )

    def prepare(self, slabs: Slabs, progress: float, generator: torch.Generator) -> dict[str, Tensor]:
        """Degrade slabs: see the class."""
        recipe, time = self.recipe, self.noise_time
        count = slabs.image.shape[0]
        uniform = torch.rand(7, count, generator=generator)
        if not recipe.delta_per_sample:
            uniform[0] = uniform[0, 0]
        low, high = self.delta_range(progress)
        delta = low * (high / low) ** uniform[0]
        # Half of the references are first degraded by up to twice delta, neighbours by up to eight times more: these
        # are the totals met when three steps in the ratio 4 : 2 : 1 walk down from the input.
        start = torch.where(uniform[1] < 0.5, 2.0 * delta * uniform[2], torch.zeros(count))
        extra = torch.where(uniform[3] < 0.5, 8.0 * delta * uniform[4], torch.zeros(count))
        if not recipe.degrade_references:
            start, extra = torch.zeros(count), torch.zeros(count)
        limit = torch.full((count,), recipe.delta_max)
        start = torch.minimum(start, (limit - delta).clamp(min=0))
        extra = torch.minimum(extra, (limit - delta - start).clamp(min=0))
        variance = torch.tensor(
            [
                [time.variance(a), time.variance(a + d), time.variance(a + d + e)]
                for a, d, e in zip(start.tolist(), delta.tolist(), extra.tolist(), strict=True)
            ]
        )
        image = (
            slabs.image * (0.75 + 0.5 * uniform[5])[:, None, None, None]
            if slabs.noise is None
            else slabs.image
        )
        centre = image[:, self.halo]
        sigma = (variance[:, 1] - variance[:, 0]).sqrt()
        if slabs.noise is not None and recipe.operator == "modality":
            reference, degraded, slab = _insert(image, slabs.noise, variance, self.halo, generator)
        else:
            add = self._rician(count, generator) if recipe.modality == "MR" else _add_gaussian
            reference = add(centre[:, None], variance[:, 0].sqrt(), generator)[:, 0]
            degraded = add(reference[:, None], sigma, generator)[:, 0]
            slab = add(image, variance[:, 2].sqrt(), generator)
        missing = image.flatten(2).abs().amax(2) == 0
        slab[missing] = 0.0
        if recipe.modality == "MR":
            masked = torch.rand(count, generator=generator) < recipe.masked_background
            air = torch.zeros_like(image, dtype=torch.bool)
            air[masked] = _background(image[masked])
            slab[air] = 0.0
            reference[air[:, self.halo]] = degraded[air[:, self.halo]] = 0.0
        slab[:, self.halo] = degraded
        expected = (sigma.square() / variance[:, 1])[:, None, None] * (degraded - centre)
        if recipe.modality == "MR":
            expected[air[:, self.halo]] = 0.0
        # At inference the totals come from an estimate; training tells them with an error of some 10 %.
        told = variance.sqrt() * torch.exp(0.4 * (uniform[6] - 0.5))[:, None]
        if not recipe.tell_totals:
            told = torch.zeros_like(told)
        return {
            "slab": slab,
            "noise": degraded - reference,
            "expected": expected,
            "sigma": sigma,
            "delta": delta,
            "conditions": network_conditions(sigma, told[:, 1], told[:, 2], slabs.spacing_ratio),
        }

    def _rician(self, count: int, generator: torch.Generator) -> _Add:
        """Noise of magnitude images, of white or of zero-filled k-space, or Gaussian noise if the recipe says so."""
        recipe = self.recipe
        if recipe.operator == "gaussian":
            return _add_gaussian
        if recipe.interpolated == 0:
            return add_rician
        draw = torch.rand(3, count, generator=generator)
        share = recipe.least_acquired + (1 - recipe.least_acquired) * draw[1:].T
        share = torch.where((draw[0] < recipe.interpolated)[:, None], share, torch.ones_like(share))
        return partial(add_rician, acquired=share)

    def loss(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Mean squared error of what the recipe names: unit noise, its logarithm, bare velocity, or image."""
        sigma = batch["sigma"]
        predicted: Tensor = network(batch["slab"], batch["conditions"])[:, 0]
        target = batch["expected" if self.recipe.target == "expected" else "noise"]
        error = (predicted - target).square().mean(dim=(1, 2))
        match self.recipe.loss:
            case "log":
                return (error / sigma.square()).clamp(min=1e-6).log().mean()
            case "noise":
                return (error / sigma.square()).mean()
            case "velocity":
                return (error / torch.expm1(batch["delta"]).square()).mean()
            case "image":
                return error.mean()


def _background(image: Tensor, level: float = 0.05) -> Tensor:
    """Where MR slices (B, C, H, W) hold no signal: the mean over 9 x 9 pixels is below `level`."""
    return nn.functional.avg_pool2d(image, 9, stride=1, padding=4, count_include_pad=False) < level


def _add_gaussian(image: Tensor, sigma: Tensor, generator: torch.Generator) -> Tensor:
    """Gaussian noise of one standard deviation (B,) for each image."""
    shape = (-1,) + (1,) * (image.ndim - 1)
    return image + sigma.view(shape) * torch.randn(image.shape, generator=generator)


def _insert(
    image: Tensor, noise: Tensor, variance: Tensor, halo: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """CT: add unit noise images; two realisations, turned by a random angle, give two independent ones."""
    angle = 2 * math.pi * torch.rand(image.shape[0], generator=generator)
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    first, second = noise[:, 0, halo], noise[:, 1, halo]
    sigma = [(variance[:, 0]).sqrt(), (variance[:, 1] - variance[:, 0]).sqrt(), variance[:, 2].sqrt()]
    reference = image[:, halo] + sigma[0][:, None, None] * (cos * first + sin * second)
    degraded = reference + sigma[1][:, None, None] * (cos * second - sin * first)
    turned = cos[:, None] * noise[:, 0] + sin[:, None] * noise[:, 1]
    return reference, degraded, image + sigma[2][:, None, None, None] * turned
