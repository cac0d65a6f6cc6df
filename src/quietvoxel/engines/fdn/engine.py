"""FDN at work: to the latent, the noise part replaced, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F

from quietvoxel.engines.contract import EngineContext, EngineOutput
from quietvoxel.engines.fdn.network import FDNNetwork, build_fdn, negative_log_likelihood
from quietvoxel.engines.fdn.settings import FDNRecipe, FDNSettings
from quietvoxel.engines.progress import part_of
from quietvoxel.engines.relative_flow.training import network_conditions
from quietvoxel.networks.weights import load_network

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from torch import Tensor

    from quietvoxel.networks.flow import FlowShape

SHIFTS = ((0, 0), (2, 2), (0, 2), (2, 0))
"""Pixels down and right, in the order in which they are taken: the first two are half a block apart either way."""


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
        """Passes through the flow: for each shift one there, and one back for each image."""
        return settings.shifts * (1 + (settings.samples if settings.noise_latent == "sampled" else 1))

    @torch.inference_mode()
    def denoise(self, noisy: Tensor, settings: FDNSettings, context: EngineContext) -> EngineOutput:
        """Denoise the centre slices; see `Engine.denoise`.

        z_N becomes (1 - a) z_N + a z_N', where a is the strength and z_N' what the setting `noise_latent` says; the
        noise left in z_C goes to the same share. The result is the mean over shifts of the image against the grid of
        blocks, to which a flow, unlike a convolution, is tied.
        """
        halo = self.recipe.halo
        finest = self.network.sigma_range[0]
        # As in RelativeFlow: noise below the finest level trained on is removed in proportion to its variance.
        amount = settings.strength * min(1.0, (context.sigma / finest) ** 2)
        if amount == 0:
            return EngineOutput(noisy[:, halo : halo + 1].clone())
        slab = noisy.to(context.device, torch.float32)
        with torch.autocast(context.device.type, context.dtype, enabled=context.dtype != torch.float32):
            runs = [
                self._shifted(slab, shift, amount, settings, part_of(context, part, settings.shifts))
                for part, shift in enumerate(SHIFTS[: settings.shifts])
            ]
        image = torch.stack([run.image for run in runs]).mean(dim=0)
        if self.recipe.modality == "MR":
            image = image.clamp(min=context.lowest)
        spreads = [run.uncertainty for run in runs if run.uncertainty is not None]
        # In float64: squares of what wild images give end beyond float32.
        spread = torch.stack(spreads).cpu().double().square().mean(dim=0).sqrt().float() if spreads else None
        # How typical an image is was learned without any shift.
        unlikeness = runs[0].unlikeness
        return EngineOutput(image.cpu(), spread, None if unlikeness is None else unlikeness.cpu())

    def _shifted(
        self,
        slab: Tensor,
        shift: tuple[int, int],
        amount: float,
        settings: FDNSettings,
        context: EngineContext,
    ) -> EngineOutput:
        """One run, with the image moved down and right by `shift` pixels."""
        halo, (down, right), (height, width) = self.recipe.halo, shift, slab.shape[-2:]
        slab = padded(slab, self.network.shape.multiple, shift)
        if context.extent is not None:
            context = replace(context, extent=(context.extent[0] + down, context.extent[1] + right))
        finest, coarsest = self.network.sigma_range
        sigma = torch.full((len(slab),), min(max(context.sigma, finest), coarsest), device=context.device)
        ratio = torch.full_like(sigma, context.spacing_ratio)
        context.stop_if_cancelled()
        condition = self.network.condition(slab, network_conditions(sigma, sigma, sigma, ratio))
        z, log_det = self.network.flow(slab[:, halo : halo + 1], condition)
        unlikeness = self.network.unlikeness(negative_log_likelihood(z, log_det), sigma)
        content, noise = self.network.split(z)
        cleaned, predicted = self.network.cleaned(content, condition)
        content = torch.lerp(content, cleaned, amount)
        replacements: Iterable[Tensor]
        match settings.noise_latent:
            case "zero":
                replacements = [torch.zeros_like(noise)]
            case "predicted":
                replacements = [predicted]
            case "sampled":
                replacements = prior_samples(noise, self.network.shape, settings, context)
        total = self.evaluations(settings, context) // settings.shifts
        context.progress(1, total)
        images = []
        for replacement in replacements:
            context.stop_if_cancelled()
            mixed = torch.lerp(noise, replacement, amount)
            images.append(self.network.restored(content, mixed, condition))
            context.progress(1 + len(images), total)
        found = torch.stack(images)[..., down : down + height, right : right + width].float()
        spread = found.std(dim=0) if len(found) > 1 else None
        return EngineOutput(found.mean(dim=0), spread, unlikeness.float())


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


def padded(image: Tensor, multiple: int, shift: tuple[int, int] = (0, 0)) -> Tensor:
    """Pad (B, C, H, W) at the top and the left by a shift, at the bottom and the right to a multiple.

    By reflection where the image is large enough, else by its edge.
    """
    (top, left), (height, width) = shift, image.shape[-2:]
    bottom, right = -(height + top) % multiple, -(width + left) % multiple
    if not (top or left or bottom or right):
        return image
    mode = "reflect" if max(top, bottom) < height and max(left, right) < width else "replicate"
    return F.pad(image, (left, right, top, bottom), mode=mode)


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
