"""DiffDenoise at work: the student in one pass, or the diffusion model sampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import torch

from quietvoxel.engines.contract import EngineContext, EngineOutput
from quietvoxel.engines.diff_denoise.network import DiffusionNetwork, blind_spot_shape, student_shape
from quietvoxel.engines.diff_denoise.sampling import ddim, stabilised
from quietvoxel.engines.diff_denoise.schedule import matched_weight
from quietvoxel.engines.diff_denoise.settings import DiffDenoiseRecipe, DiffDenoiseSettings
from quietvoxel.engines.diff_denoise.student import student_conditions
from quietvoxel.engines.magnitude import without_rician_bias
from quietvoxel.engines.noise_range import trained_sigmas
from quietvoxel.engines.relative_flow.training import network_conditions
from quietvoxel.engines.slice_noise import slice_noise
from quietvoxel.networks.blind_spot import build_blind_spot
from quietvoxel.networks.residual_unet import build_unet
from quietvoxel.networks.weights import load_network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from quietvoxel.networks.blind_spot import BlindSpotNetwork


RICIAN_SHARE = 0.9
"""Of the noise's standard deviation. The whole would be right for an image without any noise left; where
the signal is weak the inverse has a steep slope, and raises what is left (`benchmarks/rician_bias.py`)."""


@dataclass(frozen=True)
class DiffDenoiseNetworks:
    """The three networks; without a student everything is sampled."""

    blind_spot: nn.Module
    diffusion: DiffusionNetwork
    student: nn.Module | None = None

    @classmethod
    def named(cls, networks: Mapping[str, nn.Module]) -> Self:
        """Take the networks by their names in a model file; the student may be missing.

        Raises
        ------
        TypeError
            If the diffusion is no `DiffusionNetwork`.
        """
        diffusion = networks["diffusion"]
        if not isinstance(diffusion, DiffusionNetwork):
            msg = f"The diffusion is a DiffusionNetwork, not a {type(diffusion).__name__}."
            raise TypeError(msg)
        return cls(networks["blind_spot"], diffusion, networks.get("student"))


class DiffDenoiseEngine:
    """Denoises slices with the student, or by sampling.

    Parameters
    ----------
    networks : of this recipe.
    recipe : how they were trained.
    rician_share : of the noise's standard deviation; the bias of so much Rician noise is undone (MR).
    """

    name = "diffdenoise"

    def __init__(
        self, networks: DiffDenoiseNetworks, recipe: DiffDenoiseRecipe, rician_share: float = RICIAN_SHARE
    ) -> None:
        self.networks = networks
        self.recipe = recipe
        self.rician_share = rician_share
        for network in (networks.blind_spot, networks.diffusion, networks.student):
            if network is not None:
                network.eval()

    def halo(self, _settings: DiffDenoiseSettings) -> int:
        """Neighbours are seen by the blind-spot network and by the student."""
        return self.recipe.halo

    def evaluations(self, settings: DiffDenoiseSettings, _context: EngineContext) -> int:
        """One for the student; otherwise the blind-spot network and the DDIM steps of every pair."""
        return 1 if self._fast(settings) else 1 + settings.pairs * settings.ddim_steps

    def _fast(self, settings: DiffDenoiseSettings) -> bool:
        return settings.student and self.networks.student is not None

    @torch.inference_mode()
    def denoise(self, noisy: Tensor, settings: DiffDenoiseSettings, context: EngineContext) -> EngineOutput:
        """Denoise the centre slices; see `Engine.denoise`."""
        halo = self.recipe.halo
        image = noisy[:, halo : halo + 1]
        finest, coarsest = trained_sigmas(self.recipe)
        # As in the other engines: noise below the finest level trained on is removed in proportion to its variance.
        amount = min(1.0, (context.sigma / finest) ** 2)
        if settings.strength == 0 or amount == 0:
            return EngineOutput(image.clone())
        slab = noisy.to(context.device, torch.float32)
        sigma = min(max(context.sigma, finest), coarsest)
        run = self._learned if self._fast(settings) else self._sampled
        with torch.autocast(context.device.type, context.dtype, enabled=context.dtype != torch.float32):
            removed, spread = run(slab, sigma, settings, context)
        result = slab[:, halo : halo + 1] - amount * removed
        if self.recipe.modality == "MR":
            # Seeing noisy images alone, the networks have learned their mean, with the bias of Rician noise in it.
            unbiased = without_rician_bias(result, self.rician_share * sigma, context.lowest)
            result = torch.lerp(result, unbiased, amount * min(settings.strength, 1.0))
            result = result.clamp(min=context.lowest)
        return EngineOutput(result.cpu(), None if spread is None else (amount * spread).cpu())

    def _learned(
        self, slab: Tensor, sigma: float, settings: DiffDenoiseSettings, context: EngineContext
    ) -> tuple[Tensor, None]:
        """What the student removes.

        Below the least strength that it was shown it is scaled down; above the greatest it removes no more.
        """
        student = self.networks.student
        assert student is not None
        context.stop_if_cancelled()
        recipe = self.recipe
        strength = min(max(settings.strength, recipe.strength_min), recipe.strength_max)
        level = torch.full((len(slab),), sigma, device=slab.device)
        told = student_conditions(
            level,
            torch.full_like(level, context.spacing_ratio),
            torch.full_like(level, recipe.start_power * strength),
        )
        removed = student(slab, told) * min(settings.strength / strength, 1.0)
        context.progress(1, 1)
        return removed, None

    def _sampled(
        self, slab: Tensor, sigma: float, settings: DiffDenoiseSettings, context: EngineContext
    ) -> tuple[Tensor, Tensor | None]:
        """What sampling removes, and how far samples lie apart."""
        halo, diffusion = self.recipe.halo, self.networks.diffusion
        total, done = self.evaluations(settings, context), 0
        level = torch.full((len(slab),), sigma, device=slab.device)
        scale = float(diffusion.scale(level)[0])

        def count() -> None:
            nonlocal done
            done += 1
            context.progress(done, total)

        context.stop_if_cancelled()
        noisy = slab[:, halo : halo + 1]
        told = network_conditions(level, level, level, torch.full_like(level, context.spacing_ratio))
        guide = self.networks.blind_spot(slab, told)
        count()
        clean = (noisy - guide) / scale
        start = self.start(sigma, settings)
        a, b = diffusion.schedule.levels(start)
        pure = settings.start == "noise"

        def draw(number: int) -> Tensor:
            return slice_noise(context, noisy, number, settings.seed)

        def samples(pair: int) -> tuple[Tensor, Tensor | None]:
            shake = float(diffusion.shake(level)[0]) * draw(2 * pair + 1)

            def sample(x: Tensor, sign: Tensor) -> Tensor:
                copies = len(x) // len(guide)
                # The condition's noise is mirrored with that of the image, so that it cancels as well.
                shown = guide.repeat(copies, 1, 1, 1) + sign * shake.repeat(copies, 1, 1, 1)
                levels = level.repeat(copies)

                def predict(at: Tensor, a: float, b: float) -> Tensor:
                    context.stop_if_cancelled()
                    one = torch.ones_like(sign)
                    predicted = diffusion(at, shown, a * one, b * one, levels)
                    return diffusion.clean(at, predicted, a * one, b * one)

                return ddim(x, predict, diffusion.schedule, start, settings.ddim_steps, count)

            signal = torch.zeros_like(clean) if pure else a * clean
            return stabilised(signal, [draw(2 * pair)], sample, 1.0 if pure else b, mirrored=settings.srds)

        found = [samples(pair) for pair in range(settings.pairs)]
        means = torch.stack([mean for mean, _ in found])
        removed = noisy - (guide + scale * means.mean(dim=0))
        if pure:
            removed = min(settings.strength, 1.0) * removed
        halves = [half for _, half in found if half is not None]
        if halves:
            return removed, scale * torch.stack(halves).square().mean(dim=0).sqrt()
        return removed, scale * means.std(dim=0) if len(means) > 1 else None

    def start(self, sigma: float, settings: DiffDenoiseSettings) -> float:
        """The time at which sampling starts: matched to the noise and the strength, or the end of the schedule."""
        schedule, recipe = self.networks.diffusion.schedule, self.recipe
        if settings.start == "noise":
            return float(schedule.times)
        variance = self.networks.diffusion.residual_variance(sigma)
        weight = matched_weight(sigma, variance, recipe.start_power * settings.strength)
        unit = sigma**2 + recipe.detail**2
        return schedule.matched_start(weight, settings.ddim_steps, variance / unit)


def build_networks(recipe: DiffDenoiseRecipe) -> dict[str, nn.Module]:
    """New networks by their names in a model file."""
    blind_spot: BlindSpotNetwork = build_blind_spot(blind_spot_shape(recipe))
    return {
        "blind_spot": blind_spot,
        "diffusion": DiffusionNetwork(recipe),
        "student": build_unet(student_shape(recipe)),
    }


def load_diff_denoise(
    architecture: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device
) -> DiffDenoiseEngine:
    """Build the engine from a model file; one without a student is a model that is always sampled.

    Raises
    ------
    ModelError
        If the weights do not fit the architecture named in the card.
    """
    recipe = DiffDenoiseRecipe.model_validate(architecture)
    networks = build_networks(recipe)
    if not any(name.startswith("student.") for name in tensors):
        del networks["student"]
    for name, network in networks.items():
        load_network(network, tensors, name)
        network.to(device)
    return DiffDenoiseEngine(DiffDenoiseNetworks.named(networks), recipe)
