"""RelativeFlow at work: a few Euler steps from the noisy slice towards the clean one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from quietvoxel.degradation.noise_time import NoiseTime, noise_time_for
from quietvoxel.engines.contract import EngineContext, EngineOutput
from quietvoxel.engines.relative_flow.settings import RelativeFlowRecipe, RelativeFlowSettings
from quietvoxel.engines.relative_flow.training import network_conditions, unet_shape
from quietvoxel.engines.relative_flow.transport import matched_share, step_factor, step_schedule
from quietvoxel.networks.residual_unet import build_unet
from quietvoxel.networks.weights import load_network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn


LONGEST_WALK = 12
"""No image is walked further than this many of the longest trained steps."""


class RelativeFlowEngine:
    """Integrates the velocity network over the degradation time that the noise level stands for.

    Parameters
    ----------
    network : (B, 2 * halo + 1, H, W), conditions (B, 4) -> (B, 1, H, W), the noise to remove; see `training`.
    recipe : how it was trained.
    """

    name = "relativeflow"

    def __init__(self, network: nn.Module, recipe: RelativeFlowRecipe) -> None:
        self.network = network.eval()
        self.recipe = recipe
        self.noise_time: NoiseTime = noise_time_for(recipe.modality)

    def halo(self, _settings: RelativeFlowSettings) -> int:
        """Neighbours stay as they came in all steps, so several steps need no more of them than one."""
        return self.recipe.halo

    def schedule(self, settings: RelativeFlowSettings, sigma: float) -> tuple[float, ...]:
        """Step lengths for this noise level: the matched time x strength, in the ratio 2^(n-1) : ... : 1."""
        total = settings.strength * self.noise_time.time(matched_share(settings.steps) * sigma**2)
        # A noise level beyond all sense (a slip in --sigma) must not turn into thousands of steps.
        total = min(total, LONGEST_WALK * self.recipe.delta_max)
        return step_schedule(total, settings.steps, self.recipe.delta_max)

    def evaluations(self, settings: RelativeFlowSettings, context: EngineContext) -> int:
        """Network evaluations for one slab."""
        return len(self.schedule(settings, context.sigma))

    @torch.inference_mode()
    def denoise(self, noisy: Tensor, settings: RelativeFlowSettings, context: EngineContext) -> EngineOutput:
        """Denoise the centre slices; see `Engine.denoise`.

        Each step subtracts `(e^delta - 1) N`, for which the network predicts the noise f = -(e^delta - 1) N itself
        (rule `expm1`); the rule `identity` takes `delta / (e^delta - 1)` of it.
        """
        halo = self.recipe.halo
        slab = noisy.to(context.device, torch.float32, copy=True)
        image = slab[:, halo : halo + 1]
        deltas = self.schedule(settings, context.sigma)
        ratio = torch.full((len(slab),), context.spacing_ratio, device=context.device)
        t = total = sum(deltas)
        finest = self.noise_time.sigma_between(0.0, self.recipe.delta_min)
        for done, delta in enumerate(deltas):
            context.stop_if_cancelled()
            sigma = self.noise_time.sigma_between(max(t - delta, 0.0), t)
            # The network never met a step below `finest`. What is removed is s^2 times the score of the image
            # (Tweedie), so a smaller step removes that share of what the finest one does.
            share = min(1.0, (sigma / finest) ** 2)
            levels = [max(sigma, finest), 0.0, 0.0]
            if self.recipe.tell_totals:
                levels[1:] = (max(self.noise_time.sigma_between(0.0, time), finest) for time in (t, total))
            step, centre, neighbours = (torch.full_like(ratio, level) for level in levels)
            conditions = network_conditions(step, centre, neighbours, ratio)
            with torch.autocast(context.device.type, context.dtype, enabled=context.dtype != torch.float32):
                removed = self.network(slab, conditions)
            image -= removed * (
                share * step_factor(delta, settings.update_rule) / step_factor(delta, "expm1")
            )
            t -= delta
            context.progress(done + 1, len(deltas))
        if self.recipe.modality == "MR":
            image = image.clamp(min=context.lowest)
        return EngineOutput(image.cpu())


def load_relative_flow(
    architecture: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device
) -> RelativeFlowEngine:
    """Build the engine from a model file.

    Raises
    ------
    ModelError
        If the weights do not fit the architecture named in the card.
    """
    recipe = RelativeFlowRecipe.model_validate(architecture)
    network = build_unet(unet_shape(recipe))
    load_network(network, tensors, "velocity")
    return RelativeFlowEngine(network.to(device), recipe)
