"""DiffDenoise's first two training stages, on noisy images alone: the blind-spot network and the diffusion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor, nn

from quietvoxel.engines.diff_denoise.network import (
    DiffusionNetwork,
    blind_spot_shape,
    tissue,
)
from quietvoxel.engines.relative_flow.settings import RelativeFlowRecipe
from quietvoxel.engines.relative_flow.training import RelativeFlowStage
from quietvoxel.networks.blind_spot import BlindSpotNetwork, build_blind_spot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from quietvoxel.engines.contract import Slabs
    from quietvoxel.engines.diff_denoise.settings import DiffDenoiseRecipe

    ImageSource = Callable[[DiffDenoiseRecipe, int], "NoisyImages"]
    """From a recipe and a halo to what makes noisy slabs."""

LEAST_ERROR = 0.1
"""Added to a squared error in units of the noise before its logarithm: it is never below 1 by much."""

LEAK_TIMES = 0.9
"""From this share of the schedule on an image at time t shows nothing of x_0 any more."""


class NoisyImages(Protocol):
    """Where noisy slabs come from."""

    def prepare(self, slabs: Slabs, progress: float, generator: torch.Generator, /) -> dict[str, Tensor]:
        """A batch from slabs cut out of references.

        Returns
        -------
        "slab" (B, C, H, W), the noise known to be in its middle slice "noise" (B, H, W) and its level "sigma" (B,),
        and what networks are told, "conditions" (B, 4) of `network_conditions`.
        """
        ...


def noisy_images(recipe: DiffDenoiseRecipe, halo: int) -> NoisyImages:
    """Noisy slabs of several levels out of references, which are noisy themselves: RelativeFlow's way."""
    return RelativeFlowStage(
        RelativeFlowRecipe(
            modality=recipe.modality,
            halo=halo,
            delta_min=recipe.delta_min,
            delta_max=recipe.delta_max,
            curriculum=False,
            degrade_references=False,
        )
    )


class BlindSpotStage:
    """Predict the pixels of noisy images from their surroundings; the target is the noisy image itself.

    Noise that is independent outside the spot cannot be predicted, so that the best prediction is the mean of the
    clean image given its noisy surroundings (Noise2Self, Batson and Royer, ICML 2019).

    Parameters
    ----------
    recipe : of all stages.
    images : where noisy slabs come from.
    """

    name = "blind_spot"

    def __init__(self, recipe: DiffDenoiseRecipe, images: ImageSource = noisy_images) -> None:
        self.recipe = recipe
        self.halo = recipe.halo
        self.images = images(recipe, recipe.halo)

    def build(self) -> BlindSpotNetwork:
        """A new blind-spot network."""
        return build_blind_spot(blind_spot_shape(self.recipe))

    def prepare(self, slabs: Slabs, progress: float, generator: torch.Generator) -> dict[str, Tensor]:
        """Degrade slabs to random noise levels."""
        return self.images.prepare(slabs, progress, generator)

    def loss(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """The error of the prediction in units of the noise, as the recipe says."""
        target = batch["slab"][:, self.halo : self.halo + 1]
        error: Tensor = network(batch["slab"], batch["conditions"]) - target
        error = error / batch["sigma"][:, None, None, None]
        if self.recipe.blind_loss == "l1":
            return error.abs().mean()
        return torch.log(error.square().mean(dim=(1, 2, 3)) + LEAST_ERROR).mean()


class DiffusionStage:
    """Diffusion of the noisy image, given nothing but the blind-spot prediction c of it.

    x_0 is the noisy image y, written as (y - c) / s: subtracting what is given and dividing by a known scale changes
    nothing in its law. The network sees c with noise added, because an exact c tells everything: noise of the
    neighbours is in it, and a network that undoes the blind-spot network finds y in c. How far it has come with that
    is measured (`DiffusionNetwork.leak`), and training ends early where it has come too far.

    Parameters
    ----------
    recipe : of all stages.
    blind_spot : the network of the first stage, which stays as it is.
    images : where noisy slabs come from.
    """

    name = "diffusion"

    def __init__(
        self, recipe: DiffDenoiseRecipe, blind_spot: nn.Module, images: ImageSource = noisy_images
    ) -> None:
        self.recipe = recipe
        self.halo = recipe.halo
        self.images = images(recipe, recipe.halo)
        self.blind_spot = blind_spot.eval().requires_grad_(False)

    def build(self) -> DiffusionNetwork:
        """A new diffusion network."""
        return DiffusionNetwork(self.recipe)

    def prepare(self, slabs: Slabs, progress: float, generator: torch.Generator) -> dict[str, Tensor]:
        """Degrade slabs, and draw the time, the noise of the diffusion and that of the condition."""
        batch = self.images.prepare(slabs, progress, generator)
        count, _, height, width = batch["slab"].shape
        # Stratified over the batch: every batch shows all parts of the schedule.
        place = (torch.randperm(count, generator=generator) + torch.rand(count, generator=generator)) / count
        drawn = torch.randn(2, count, 1, height, width, generator=generator)
        time = (1 + (place * self.recipe.times).long()).clamp(max=self.recipe.times)
        return {**batch, "time": time, "eps": drawn[0], "shake": drawn[1]}

    def loss(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """Error of the predicted v or eps, on a unit scale."""
        if not isinstance(network, DiffusionNetwork):
            msg = f"This stage trains a DiffusionNetwork, not a {type(network).__name__}."
            raise TypeError(msg)
        slab, conditions = batch["slab"], batch["conditions"]
        noisy, noise = slab[:, self.halo : self.halo + 1], batch["noise"][:, None]
        sigma = conditions[:, 2]
        with torch.no_grad():
            guide = self.blind_spot.to(slab.device)(slab, conditions)
        scale = network.scale(sigma)[:, None, None, None]
        clean = (noisy - guide) / scale
        a, b = (level[:, None, None, None] for level in network.levels(batch["time"]))
        x = a * clean + b * batch["eps"]
        shaken = guide + network.shake(sigma)[:, None, None, None] * batch["shake"]
        predicted = network(x, shaken, a, b, sigma)
        if network.training:
            inside = tissue(guide, sigma, self.recipe.modality)
            network.record((noisy - guide).detach(), inside, sigma)
            hidden = batch["time"] >= LEAK_TIMES * self.recipe.times
            found = network.clean(x, predicted, a, b).detach() * scale
            network.record_leak(found[hidden], noise[hidden])
        target = batch["eps"] if self.recipe.prediction == "epsilon" else a * batch["eps"] - b * clean
        error: Tensor = predicted - target
        return error.abs().mean() if self.recipe.diffusion_loss == "l1" else error.square().mean()

    def finished(self, network: nn.Module) -> bool:
        """Whether training has to end because the condition gives away the noise."""
        return isinstance(network, DiffusionNetwork) and float(network.leak) > self.recipe.leak_limit
