"""FDN's network: a flow, a network that reads its content, and what likelihood the training images had."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from quietvoxel.engines.fdn.latent_net import LatentNet
from quietvoxel.engines.noise_range import log_place, trained_sigmas
from quietvoxel.networks.flow import Flow, FlowShape
from quietvoxel.networks.invertible import haar_matrix
from quietvoxel.networks.weights import channels_last

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quietvoxel.engines.fdn.settings import FDNRecipe

LEVELS = 12
"""Noise levels, equally spaced on a log scale, at which the likelihood of the training images is kept."""

MEMORY = 0.02
"""Weight of a new training image in the running mean of its noise level."""

TYPICAL_SIGMA = 0.03
"""In the middle of the noise levels trained on; the level that a flow is told of as 0 on the log scale."""


class FDNNetwork(nn.Module):
    """Flow, latent network and likelihood record.

    Parameters
    ----------
    recipe : the architecture.
    """

    nll_mean: Tensor
    nll_variance: Tensor
    nll_seen: Tensor

    def __init__(self, recipe: FDNRecipe) -> None:
        super().__init__()
        self.shape = shape = flow_shape(recipe)
        self.halo = recipe.halo
        self.sigma_range = trained_sigmas(recipe)
        self.flow = Flow(shape)
        shown = shape.neighbours * shape.multiple**2
        self.latent_net = LatentNet(
            shape.content_channels,
            shape.channels,
            shape.conditions + shown,
            quiet=shown,
            fold=shape.multiple // 2**shape.blocks,
            widths=recipe.latent_widths,
            blocks=recipe.latent_blocks,
        )
        self.shrink_content = recipe.shrink_content
        self.register_buffer("nll_mean", torch.zeros(LEVELS))
        self.register_buffer("nll_variance", torch.ones(LEVELS))
        self.register_buffer("nll_seen", torch.zeros(LEVELS))

    def condition(self, slab: Tensor, told: Tensor) -> list[Tensor]:
        """What the flow is told: the slab (B, 2 halo + 1, H, W) without its middle slice, and the noise levels.

        `told` are the (B, 4) numbers of `network_conditions`: noise levels in image units.
        """
        neighbours = torch.cat([slab[:, : self.halo], slab[:, self.halo + 1 :]], dim=1)
        level = torch.log2(told[:, :1].clamp(min=1e-6) / TYPICAL_SIGMA) / 2.0
        return self.flow.condition(neighbours, torch.cat([10.0 * told, level], dim=1))

    def split(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """The latent's content z_C and noise z_N."""
        return z[:, : self.shape.content_channels], z[:, self.shape.content_channels :]

    def cleaned(self, content: Tensor, condition: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """The content without the noise that is left in it, and the z_N that goes with it."""
        change, noise = self.split(self.latent_net(content, condition[-1]))
        return (content + change if self.shrink_content else content), noise

    def restored(self, content: Tensor, noise: Tensor, condition: Sequence[Tensor]) -> Tensor:
        """The image (B, 1, H, W) with this content and this noise latent."""
        return self.flow.inverse(torch.cat([content, noise], dim=1), condition)

    def _level(self, sigma: Tensor) -> Tensor:
        return (log_place(sigma, self.sigma_range) * (LEVELS - 1)).round().long()

    @torch.no_grad()
    def record(self, nll: Tensor, sigma: Tensor) -> None:
        """Take the (B,) negative log-likelihoods of training images into the running mean and variance."""
        for value, level in zip(nll.detach().tolist(), self._level(sigma).tolist(), strict=True):
            self.nll_seen[level] += 1
            weight = max(MEMORY, 1.0 / float(self.nll_seen[level]))
            difference = value - float(self.nll_mean[level])
            self.nll_mean[level] += weight * difference
            if self.nll_seen[level] > 1:
                spread = weight * (difference**2 - float(self.nll_variance[level]))
                self.nll_variance[level] += spread
        # Saved as float16, which ends at 65 504; no more than this is needed to know that a level was met.
        self.nll_seen.clamp_(max=1000.0)

    @torch.no_grad()
    def unlikeness(self, nll: Tensor, sigma: Tensor) -> Tensor:
        """How many standard deviations (B,) of the training images' likelihoods away this one is, either way.

        An image may also be too likely: a constant one is, to any model that has learned noise.
        """
        level = self._level(sigma)
        return (nll - self.nll_mean[level]).abs() / self.nll_variance[level].clamp(min=1e-4).sqrt()


def flow_shape(recipe: FDNRecipe) -> FlowShape:
    """The flow of a recipe; it is told the four numbers of `network_conditions` and the log noise level."""
    return FlowShape(
        blocks=recipe.blocks,
        steps=recipe.steps,
        widths=recipe.widths,
        grid=recipe.grid,
        conditions=5,
        neighbours=2 * recipe.halo,
        content=recipe.content,
        clamp=recipe.clamp,
        masks=recipe.masks,
    )


def build_fdn(recipe: FDNRecipe) -> FDNNetwork:
    """Build the network in the memory format in which it runs fastest."""
    return channels_last(FDNNetwork(recipe))


def negative_log_likelihood(z: Tensor, log_det: Tensor) -> Tensor:
    """-log p(x) per pixel (B,) in nats, by change of variables, with a standard normal prior of the latent."""
    squares = z.square().flatten(1).mean(dim=1)
    return 0.5 * (squares + math.log(2 * math.pi)) - log_det / z[0].numel()


def finest_differences(noise: Tensor, shape: FlowShape) -> Tensor:
    """The channels of a noise image's Haar wavelet packets that lie where z_N does: orthonormal, so as white as it is.

    z_N has fewer dimensions than the noise; these are the ones that a new flow begins with.
    """
    for _ in range(shape.blocks):
        noise = torch.nn.functional.pixel_unshuffle(noise, 2)
        matrix = haar_matrix(noise.shape[1]).to(noise)
        noise = torch.einsum("ij,bjhw->bihw", matrix, noise)
    return noise[:, shape.content_channels :]
