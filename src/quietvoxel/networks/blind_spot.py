"""A blind-spot network: every pixel is predicted from its surroundings, and never sees itself, at any depth.

How the blind spot holds (after Wu et al., D-BSN, ECCV 2020; Lee et al., AP-BSN, CVPR 2022). The first convolution
has no weight inside the spot, a square of 2 r + 1 pixels, nor at its copies d pixels apart. Every later layer is
dilated by d, so that it joins features of pixels p and p + d k only, and p + d k never saw the spot of p.

How it stays fast: layers dilated by d never mix the d^2 interleaved images of every d-th pixel. These images go
through an ordinary network as a batch, so that the backbone that all engines share (`residual_unet`) serves here
too, with its wide convolutions and at its price, where dilated full-resolution layers of the same width would cost
four times as much. With d = 2 (r + 1), the least that works, the first layer sees whole lines of pixels just
outside the spot.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from quietvoxel.networks.residual_unet import NEIGHBOUR_GAIN, UNetShape, build_unet
from quietvoxel.networks.weights import channels_last


@dataclass(frozen=True)
class BlindSpotShape:
    """Everything needed to build the network again: it is written into the model card.

    Attributes
    ----------
    slices : number of input channels; the middle one is predicted.
    conditions : number of constant channels.
    radius : pixels on each side of a pixel that are hidden as well; 0 for noise without correlation.
    dilation : d, at least 2 (radius + 1).
    features : channels of the first layer.
    open_neighbours : the slices beside the middle one are seen whole. Right where their noise is independent of the
        middle slice's; otherwise they have the same blind spot.
    widths, blocks : of the backbone.
    """

    slices: int = 1
    conditions: int = 1
    radius: int = 0
    dilation: int = 2
    features: int = 16
    open_neighbours: bool = True
    widths: tuple[int, ...] = (64, 96, 192)
    blocks: tuple[int, ...] = (2, 2, 2)

    def __post_init__(self) -> None:
        """Refuse a dilation at which a pixel would see itself."""
        if self.radius < 0 or self.dilation < 2 * (self.radius + 1):
            msg = f"A blind spot of radius {self.radius} needs a dilation of {2 * (self.radius + 1)} or more."
            raise ValueError(msg)

    @property
    def reach(self) -> int:
        """Pixels that the first layer looks at on each side: up to the next copy of the spot."""
        return self.dilation - 1 - self.radius


def visible(radius: int, dilation: int) -> Tensor:
    """Which pixels around it (K, K) the first layer may see: 1 or 0; none inside the spot or its copies."""
    reach = dilation - 1 - radius
    offset = torch.arange(-reach, reach + 1).remainder(dilation)
    near = (offset <= radius) | (offset >= dilation - radius)
    return (~(near[:, None] & near[None, :])).float()


class BlindSpotNetwork(nn.Module):
    """Predicts the middle slice's pixels from their surroundings; see the module's text.

    Bias-free like the backbone, and so homogeneous: f(a x, a conditions) = a f(x, conditions) for a > 0.

    Parameters
    ----------
    shape : the architecture.
    """

    mask: Tensor
    gain: Tensor

    def __init__(self, shape: BlindSpotShape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or BlindSpotShape()
        middle = shape.slices // 2
        seen = visible(shape.radius, shape.dilation)
        mask = seen.expand(1, shape.slices, -1, -1).clone()
        if shape.open_neighbours:
            mask[:, :middle] = mask[:, middle + 1 :] = 1.0
        self.register_buffer("mask", mask, persistent=False)
        gain = torch.full((shape.slices, 1, 1), NEIGHBOUR_GAIN)
        gain[middle] = 1.0
        self.register_buffer("gain", gain, persistent=False)
        weight = torch.zeros(shape.features, shape.slices, *seen.shape)
        # Neighbours start without weight, as in the backbone; the middle slice starts with unit energy.
        nn.init.normal_(weight[:, middle], std=1.0 / math.sqrt(float(seen.sum())))
        self.weight = nn.Parameter(weight)
        self.body = build_unet(
            UNetShape(
                slices=shape.features,
                conditions=shape.conditions,
                widths=shape.widths,
                blocks=shape.blocks,
                quiet_neighbours=False,
            )
        )

    def forward(self, x: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Run the network.

        Parameters
        ----------
        x : (B, slices, H, W), any H and W.
        conditions : (B, conditions) numbers, each shown to the network as a constant channel.

        Returns
        -------
        Tensor
            (B, 1, H, W) in float32: the mean of the nearest visible pixels and what the network adds to it.
        """
        shape, (height, width) = self.shape, x.shape[-2:]
        middle = x[:, shape.slices // 2 : shape.slices // 2 + 1]
        # Zeros beyond the edge: a mirrored or repeated edge would show a pixel its own value.
        features = F.conv2d(x * self.gain, self.weight * self.mask, padding=shape.reach)
        phases = interleaved(features, shape.dilation)
        if conditions is not None:
            conditions = conditions.repeat_interleave(shape.dilation**2, dim=0)
        added = joined(self.body(phases, conditions), shape.dilation)[..., :height, :width]
        return nearest_mean(middle, shape.radius + 1) + added


def interleaved(image: Tensor, pitch: int) -> Tensor:
    """Split (B, C, H, W) into its images of every `pitch`-th pixel (B pitch^2, C, H', W'), zeros at the end."""
    image = F.pad(image, (0, -image.shape[-1] % pitch, 0, -image.shape[-2] % pitch))
    batch, channels, height, width = image.shape
    split = image.reshape(batch, channels, height // pitch, pitch, width // pitch, pitch)
    return split.permute(0, 3, 5, 1, 2, 4).reshape(-1, channels, height // pitch, width // pitch)


def joined(phases: Tensor, pitch: int) -> Tensor:
    """Undo `interleaved`, but for the padding: (B pitch^2, C, h, w) to (B, C, h pitch, w pitch)."""
    channels, height, width = phases.shape[1:]
    split = phases.reshape(-1, pitch, pitch, channels, height, width)
    return split.permute(0, 3, 4, 1, 5, 2).reshape(-1, channels, height * pitch, width * pitch)


def nearest_mean(image: Tensor, distance: int) -> Tensor:
    """Mean of the four pixels `distance` above, below, left and right of each, of those that the image has."""
    height, width = image.shape[-2:]
    padded = F.pad(image, (distance,) * 4)
    there = F.pad(torch.ones_like(image[:1, :1]), (distance,) * 4)
    places = ((0, distance), (2 * distance, distance), (distance, 0), (distance, 2 * distance))

    def total(of: Tensor) -> Tensor:
        return torch.stack([of[..., y : y + height, x : x + width] for y, x in places]).sum(dim=0)

    return total(padded) / total(there).clamp(min=1.0)


def build_blind_spot(shape: BlindSpotShape) -> BlindSpotNetwork:
    """Build the network in the memory format in which it runs fastest."""
    return channels_last(BlindSpotNetwork(shape))
