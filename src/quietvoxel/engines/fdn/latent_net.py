"""The network that reads a flow's content latent: what noise is left in it, and which z_N belongs to it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from quietvoxel.networks.residual_unet import ResidualBlock
from quietvoxel.networks.weights import silence


class LatentNet(nn.Module):
    """A residual U-Net on the latent's own grid, where a pixel stands for a block of the image.

    Parameters
    ----------
    inputs, outputs, condition : channels; the last `quiet` of the condition start without weight.
    fold : latent pixels a side for one of the condition; the convolutions work on the coarser of the two grids.
    widths, blocks : channels and residual blocks at 1, 1/2, ... of the latent's resolution.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        condition: int,
        *,
        quiet: int,
        fold: int,
        widths: tuple[int, ...],
        blocks: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.fold = fold
        levels = range(len(widths))

        def stage(level: int) -> nn.Sequential:
            return nn.Sequential(*[ResidualBlock(widths[level]) for _ in range(blocks[level])])

        self.head = nn.Conv2d(inputs * fold**2 + condition, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList([stage(level) for level in levels])
        self.decoder = nn.ModuleList([stage(level) for level in levels[:-1]])
        self.down = nn.ModuleList([nn.Conv2d(widths[i], widths[i + 1], 2, stride=2) for i in levels[:-1]])
        self.up = nn.ModuleList(
            [nn.ConvTranspose2d(widths[i + 1], widths[i], 2, stride=2) for i in levels[:-1]]
        )
        self.tail = nn.Conv2d(widths[0], outputs * fold**2, 3, padding=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.orthogonal_(module.weight)
            if isinstance(module, ResidualBlock):
                nn.init.orthogonal_(module.second.weight, gain=0.2)
        silence(self.tail)
        if quiet:
            with torch.no_grad():
                self.head.weight[:, -quiet:] = 0.0

    def forward(self, content: Tensor, condition: Tensor) -> Tensor:
        """Map (B, inputs, h, w) and (B, condition, h / fold, w / fold) to (B, outputs, h, w); zero when new."""
        x = F.pixel_unshuffle(content, self.fold).to(condition.dtype)
        x = torch.cat([x, condition], dim=1)
        first = x = self.head(x.contiguous(memory_format=torch.channels_last))
        skips: list[Tensor] = []
        for level, encode in enumerate(self.encoder):
            x = encode(x)
            if level < len(self.down):
                skips.append(x)
                # Latents have any size; an odd one is halved after repeating its last row and column.
                x = self.down[level](F.pad(x, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2), "replicate"))
        for level in reversed(range(len(self.up))):
            height, width = skips[level].shape[-2:]
            x = self.decoder[level](self.up[level](x)[..., :height, :width] + skips[level])
        out: Tensor = self.tail(x + first)
        return F.pixel_shuffle(out.to(content.dtype), self.fold)
