"""The backbone that all engines share: a bias-free residual U-Net on 2 x 2 pixel blocks.

Why it looks like this:

* A 2 x 2 block of pixels becomes four channels before the first layer, so the widest images in the network have a
  quarter of the pixels and four times the channels. The arithmetic is that of a full-resolution network with half
  the channels, but it runs about 1.7 times faster on processors with matrix units, which need long channel vectors.
* There is no normalisation layer and no bias: the network is homogeneous, f(a x, a sigma) = a f(x, sigma) for a > 0,
  so an image in other units or a noise level outside training scales instead of breaking (Mohan et al., "Robust and
  interpretable blind image denoising via bias-free CNNs", ICLR 2020; Zhang et al., DRUNet, TPAMI 2021).
* What it is told (a noise level, the slice spacing) enters as constant channels, which cost next to nothing.
* Only convolutions, ReLU and additions: nothing falls back to a slow path in bfloat16 `channels_last`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from quietvoxel.networks.weights import channels_last

NEIGHBOUR_GAIN = 0.1
"""Scale of the neighbouring slices at the input, where they start quietly."""


@dataclass(frozen=True)
class UNetShape:
    """Everything needed to build the network again: it is written into the model card.

    Attributes
    ----------
    slices : number of input channels, neighbouring slices included.
    conditions : number of constant channels.
    outputs : number of output channels.
    widths : channels at 1/2, 1/4, 1/8, ... of the resolution.
    blocks : residual blocks at each of these; the last one counts the bottom once, the others twice.
    quiet_neighbours : start with no weight on the slices beside the middle one, and scale them by
        `NEIGHBOUR_GAIN`, so that the weight grows slowly. A network that starts with all slices alike spends most of a
        short training on forgetting the noise that the neighbours bring, and so does one whose optimizer moves
        all weights alike.
    """

    slices: int = 1
    conditions: int = 1
    outputs: int = 1
    widths: tuple[int, ...] = (64, 128, 256)
    blocks: tuple[int, ...] = (3, 2, 2)
    quiet_neighbours: bool = True

    @property
    def multiple(self) -> int:
        """Image sides are padded to a multiple of this many pixels."""
        return int(2 ** len(self.widths))


def slab_shape(
    halo: int,
    conditions: int,
    widths: tuple[int, ...],
    blocks: tuple[int, ...],
    *,
    quiet_neighbours: bool = True,
) -> UNetShape:
    """The backbone for a slab: a slice and `halo` neighbours on each side."""
    return UNetShape(2 * halo + 1, conditions, 1, widths, blocks, quiet_neighbours)


class ResidualBlock(nn.Module):
    """x + conv(relu(conv(x))), bias-free."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        # Not in place, which takes two to three times as long in bfloat16 on a CPU.
        out: Tensor = x + self.second(F.relu(self.first(x)))
        return out


class ResidualUNet(nn.Module):
    """Bias-free residual U-Net; see the module's text.

    Parameters
    ----------
    shape : the architecture.
    """

    gain: Tensor

    def __init__(self, shape: UNetShape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or UNetShape()
        gain = torch.full((shape.slices, 1, 1), NEIGHBOUR_GAIN)
        gain[shape.slices // 2] = 1.0
        self.register_buffer("gain", gain, persistent=False)
        widths, blocks = shape.widths, shape.blocks

        def stage(level: int) -> nn.Sequential:
            return nn.Sequential(*[ResidualBlock(widths[level]) for _ in range(blocks[level])])

        lower = range(len(widths) - 1)
        self.head = nn.Conv2d(4 * shape.slices + shape.conditions, widths[0], 3, padding=1, bias=False)
        self.encoder = nn.ModuleList([stage(level) for level in range(len(widths))])
        self.down = nn.ModuleList(
            [nn.Conv2d(widths[i], widths[i + 1], 2, stride=2, bias=False) for i in lower]
        )
        self.up = nn.ModuleList(
            [nn.ConvTranspose2d(widths[i + 1], widths[i], 2, stride=2, bias=False) for i in lower]
        )
        self.decoder = nn.ModuleList([stage(level) for level in lower])
        self.tail = nn.Conv2d(widths[0], 4 * shape.outputs, 3, padding=1, bias=False)
        self._initialise()

    def _initialise(self) -> None:
        """Start every residual block as the identity and the output at zero, so that deep stacks start calm."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.orthogonal_(module.weight)
            if isinstance(module, ResidualBlock):
                nn.init.orthogonal_(module.second.weight, gain=0.2)
        nn.init.zeros_(self.tail.weight)
        if self.shape.quiet_neighbours:
            # Pixel blocks keep the four pixels of a slice together, slice after slice.
            middle = 4 * (self.shape.slices // 2)
            with torch.no_grad():
                self.head.weight[:, :middle] = 0.0
                self.head.weight[:, middle + 4 : 4 * self.shape.slices] = 0.0

    def forward(self, x: Tensor, conditions: Tensor | None = None) -> Tensor:
        """Run the network.

        Parameters
        ----------
        x : (B, slices, H, W) image, any H and W.
        conditions : (B, conditions) numbers, each shown to the network as a constant channel.

        Returns
        -------
        Tensor
            (B, outputs, H, W) in float32.
        """
        height, width = x.shape[-2:]
        multiple = self.shape.multiple
        bottom, right = -height % multiple, -width % multiple
        if bottom or right:
            # "reflect" cannot pad by more than the image has; tiny images are repeated at the edge instead.
            mode = "reflect" if bottom < height and right < width else "replicate"
            x = F.pad(x, (0, right, 0, bottom), mode=mode)
        if self.shape.quiet_neighbours and self.shape.slices > 1:
            x = x * self.gain
        x = F.pixel_unshuffle(x, 2)
        if conditions is not None:
            maps = conditions[:, :, None, None].to(x.dtype).expand(-1, -1, x.shape[-2], x.shape[-1])
            x = torch.cat([x, maps], dim=1)
        x = self.head(x.contiguous(memory_format=torch.channels_last))
        first = x
        skips: list[Tensor] = []
        for level, encode in enumerate(self.encoder):
            x = encode(x)
            if level < len(self.down):
                skips.append(x)
                x = self.down[level](x)
        for level in reversed(range(len(self.up))):
            x = self.decoder[level](self.up[level](x) + skips[level])
        x = F.pixel_shuffle(self.tail(x + first).float(), 2)
        return x[..., :height, :width]


def build_unet(shape: UNetShape) -> ResidualUNet:
    """Build the network in the memory format in which it runs fastest."""
    return channels_last(ResidualUNet(shape))
