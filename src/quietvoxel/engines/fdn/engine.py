"""FDN at work: to the latent, the noise part replaced, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F

from quietvoxel.engines.contract import EngineContext, EngineOutput
from quietvoxel.engines.fdn.network import FDNNetwork, build_fdn, negative_log_likelihood
from quietvoxel.engines.fdn.settings import FDNRecipe, FDNSettings
from quietvoxel.engines.relative_flow.training import network_conditions
from quietvoxel.networks.weights import load_network

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from torch import Tensor

    from quietvoxel.networks.flow import FlowShape


class FDNEngine:
    """Restores slices from their content alone.

    Parameters
    ----------
    network : of this recipe.
    recipe : how it was trained.
    """

    name = "fdn"

    def __init__(self, network: FDNNetwork, recipe: FDNRecipe) -> None:
        self.network = network.eval()
        self.recipe = recipe

    def halo(self, _settings: FDNSettings) -> int:
        """Neighbours condition the couplings; they are not inverted."""
        return self.recipe.halo

    def evaluations(self, settings: FDNSettings, _context: EngineContext) -> int:
        """Passes through the flow: one there, and one back for each image."""
        return 1 + (settings.samples if settings.noise_latent == "sampled" else 1)

    @torch.inference_mode()
    def denoise(self, noisy: Tensor, settings: FDNSettings, context: EngineContext) -> EngineOutput:
        """Denoise the centre slices; see `Engine.denoise`.

        z_N becomes (1 - a) z_N + a z_N', where a is the strength and z_N' what the setting `noise_latent` says; the
        noise left in z_C goes to the same share.
        """
        halo = self.recipe.halo
        finest, coarsest = self.network.sigma_range
        # As in RelativeFlow: noise below the finest level trained on is removed in proportion to its variance.
        amount = settings.strength * min(1.0, (context.sigma / finest) ** 2)
        if amount == 0:
            return EngineOutput(noisy[:, halo : halo + 1].clone())
        slab = padded(noisy.to(context.device, torch.float32), self.network.shape.multiple)
        sigma = torch.full((len(slab),), min(max(context.sigma, finest), coarsest), device=context.device)
        ratio = torch.full_like(sigma, context.spacing_ratio)
        total = self.evaluations(settings, context)
        with torch.autocast(context.device.type, context.dtype, enabled=context.dtype != torch.float32):
            context.stop_if_cancelled()
            condition = self.network.condition(slab, network_conditions(sigma, sigma, sigma, ratio))
            z, log_det = self.network.flow(slab[:, halo : halo + 1], condition)
            unlikeness = self.network.unlikeness(negative_log_likelihood(z, log_det), sigma)
            content, noise = self.network.split(z)
            cleaned, predicted = self.network.cleaned(content, condition)
            content = torch.lerp(content, cleaned, amount)
            context.progress(1, total)
            images = []
            replacements: Iterable[Tensor]
            match settings.noise_latent:
                case "zero":
                    replacements = [torch.zeros_like(noise)]
                case "predicted":
                    replacements = [predicted]
                case "sampled":
                    replacements = prior_samples(noise, self.network.shape, settings, context)
            for replacement in replacements:
                context.stop_if_cancelled()
                mixed = torch.lerp(noise, replacement, amount)
                images.append(self.network.restored(content, mixed, condition))
                context.progress(1 + len(images), total)
        height, width = noisy.shape[-2:]
        found = torch.stack(images)[..., :height, :width].float()
        image = found.mean(dim=0)
        if self.recipe.modality == "MR":
            image = image.clamp(min=context.lowest)
        spread = found.std(dim=0).cpu() if len(found) > 1 else None
        return EngineOutput(image.cpu(), spread, unlikeness.float().cpu())


def prior_samples(
    noise: Tensor, shape: FlowShape, settings: FDNSettings, context: EngineContext
) -> Iterator[Tensor]:
    """Standard normal noise latents, drawn for the whole slice and cut for this tile, so that tiles have no seams.

    Each image's noise depends on its generator's seed alone, not on what was drawn from it before.

    Parameters
    ----------
    noise : (B, C, h, w) the latent to replace, of a tile or of a whole slice.
    """
    shrink = 2**shape.blocks
    rows, columns = noise.shape[-2:]
    top, left = (start // shrink for start in context.origin)
    height, width = top + rows, left + columns
    if context.extent is not None:
        height, width = (-(-side // shape.multiple) * shape.multiple // shrink for side in context.extent)
    seeds = [generator.initial_seed() for generator in context.generators] or [settings.seed]
    generators = [torch.Generator().manual_seed(seeds[image % len(seeds)]) for image in range(len(noise))]
    for _ in range(settings.samples):
        drawn = [torch.randn(noise.shape[1], height, width, generator=g) for g in generators]
        yield torch.stack(drawn)[..., top : top + rows, left : left + columns].to(noise)


def padded(image: Tensor, multiple: int) -> Tensor:
    """Pad (B, C, H, W) at the bottom and the right to a multiple, by reflection where the image is large enough."""
    height, width = image.shape[-2:]
    bottom, right = -height % multiple, -width % multiple
    if not bottom and not right:
        return image
    mode = "reflect" if bottom < height and right < width else "replicate"
    return F.pad(image, (0, right, 0, bottom), mode=mode)


def load_fdn(
    architecture: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device
) -> FDNEngine:
    """Build the engine from a model file.

    Raises
    ------
    ModelError
        If the weights do not fit the architecture named in the card.
    """
    recipe = FDNRecipe.model_validate(architecture)
    network = build_fdn(recipe)
    load_network(network, tensors, "fdn")
    return FDNEngine(network.to(device), recipe)
