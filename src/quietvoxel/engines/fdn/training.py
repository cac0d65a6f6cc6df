"""FDN's training stage: references and their degraded copies, restored through the flow's content alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from quietvoxel.engines.fdn.network import (
    FDNNetwork,
    build_fdn,
    finest_differences,
    negative_log_likelihood,
)
from quietvoxel.engines.relative_flow.settings import RelativeFlowRecipe
from quietvoxel.engines.relative_flow.training import RelativeFlowStage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quietvoxel.engines.contract import Slabs
    from quietvoxel.engines.fdn.settings import FDNRecipe


LEAST_ERROR = 0.02
"""Added to the squared error before its logarithm: a restored image as good as this needs no further weight."""


class FDNStage:
    """Supervised by references, which may be noisy themselves: the degraded copy has to give the reference back.

    The loss is (docs/fdn.md)

        E(f^-1([z_C, z_N']), x) + a NLL(y) + b |z_N|^2 + c |z_C(y) - z_C(x)| + d (1 - SSIM)

    with y the degraded copy of the reference x, z = f(y), E the error in units of the noise, and z_N' zero for one
    part of the batch and predicted from z_C for the other. Degrading is RelativeFlow's.
    """

    name = "fdn"

    def __init__(self, recipe: FDNRecipe) -> None:
        self.recipe = recipe
        self.halo = recipe.halo
        self.pairs = RelativeFlowStage(
            RelativeFlowRecipe(
                modality=recipe.modality,
                halo=recipe.halo,
                delta_min=recipe.delta_min,
                delta_max=recipe.delta_max,
                curriculum=False,
                degrade_references=recipe.noisier_references,
            )
        )

    def build(self) -> FDNNetwork:
        """A new network."""
        return build_fdn(self.recipe)

    def prepare(self, slabs: Slabs, progress: float, generator: torch.Generator) -> dict[str, Tensor]:
        """Degrade slabs, and draw which of them are restored with the predicted noise latent."""
        batch = self.pairs.prepare(slabs, progress, generator)
        drawn = torch.rand(len(slabs.image), generator=generator)
        return {**batch, "predicted": (drawn < self.recipe.predicted_share).float()}

    def loss(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum of `losses`."""
        terms = self.losses(network, batch)
        return torch.stack(list(terms.values())).sum()

    def losses(self, network: nn.Module, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The weighted terms by name; those of weight zero are neither computed nor named."""
        if not isinstance(network, FDNNetwork):
            msg = f"FDN trains an FDNNetwork, not a {type(network).__name__}."
            raise TypeError(msg)
        recipe, sigma, multiple = self.recipe, batch["sigma"], network.shape.multiple
        # Patches divide by its blocks; of a whole slice that does not, the last rows and columns are left out.
        rows, columns = (side // multiple * multiple for side in batch["slab"].shape[-2:])
        slab, noise = batch["slab"][..., :rows, :columns], batch["noise"][:, None, :rows, :columns]
        noisy = slab[:, self.halo : self.halo + 1]
        reference = noisy - noise
        unit = sigma[:, None, None, None]
        condition = network.condition(slab, batch["conditions"])
        z, log_det = network.flow(noisy, condition)
        content, noise_latent = network.split(z)
        cleaned, predicted = network.cleaned(content, condition)
        replaced = predicted * batch["predicted"][:, None, None, None]
        restored = network.restored(cleaned, replaced, condition)
        terms = {"reconstruction": self._reconstruction((restored - reference) / unit)}
        nll = negative_log_likelihood(z, log_det)
        if network.training:
            network.record(nll, sigma)
        if recipe.weight_likelihood > 0:
            terms["likelihood"] = recipe.weight_likelihood * nll.mean()
        if recipe.weight_noise_latent > 0:
            if recipe.noise_latent_target == "noise":
                noise_latent = noise_latent - finest_differences(noise / unit, network.shape)
            terms["noise latent"] = recipe.weight_noise_latent * noise_latent.square().mean()
        if recipe.weight_consistency > 0:
            wanted, _ = network.split(network.flow(reference, condition)[0])
            terms["consistency"] = recipe.weight_consistency * (cleaned - wanted).abs().mean()
        if recipe.weight_ssim > 0:
            terms["ssim"] = recipe.weight_ssim * _one_minus_ssim(restored, reference)
        return terms

    def _reconstruction(self, error: Tensor) -> Tensor:
        """The mean over the batch of what the recipe names, of errors (B, 1, H, W) in units of the noise."""
        match self.recipe.reconstruction:
            case "l1":
                return error.abs().mean()
            case "l2":
                return error.square().mean()
            case "log":
                return torch.log(error.square().mean(dim=(1, 2, 3)) + LEAST_ERROR).mean()


def _one_minus_ssim(image: Tensor, reference: Tensor) -> Tensor:
    """1 - SSIM (range 1, 11 x 11 Gaussian window) in float32: its variances are differences of near equals."""
    from monai.losses.ssim_loss import SSIMLoss  # only where it is asked for: its import takes a second

    with torch.autocast(image.device.type, enabled=False):
        loss: Tensor = SSIMLoss(spatial_dims=2)(image, reference)
    return loss
