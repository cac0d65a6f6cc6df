"""The invertible network: blocks of a squeeze and several steps of flow, with a latent that splits in two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from quietvoxel.networks.coupling import AffineCoupling, CheckerboardCoupling
from quietvoxel.networks.invertible import ActNorm, Mixing, SoftLimit, Squeeze, haar_matrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quietvoxel.networks.invertible import Invertible


LARGEST = 4.0
"""Beyond this a flow compresses its input, and cuts its neighbours: no CT gets there (3 072 HU), of MR only the
brightest vessels."""

WILD = 3.1
"""Beyond this a flow works in float64. No CT gets there either; what does swings by as much from pixel to pixel."""


@dataclass(frozen=True)
class FlowShape:
    """Everything needed to build the network again.

    Attributes
    ----------
    blocks : down-scale blocks, each with a 2 x 2 squeeze.
    steps : steps of flow (ActNorm, 1 x 1 mixing, coupling) in each block.
    widths : channels of the couplings' sub-networks, block by block; the last holds for all further ones.
    grid : pixels a side of the blocks that the sub-networks work on, at the least; see `CouplingNet`.
    conditions : numbers that every coupling is told.
    neighbours : neighbouring slices that every coupling is shown.
    content : share of the latent channels that are content, z_C; the others are noise, z_N.
    clamp : bound of a coupling's log-scale.
    masks : "channels" after squeezes, or "checkerboard" for couplings at full resolution.
    """

    blocks: int = 2
    steps: int = 8
    widths: tuple[int, ...] = (96,)
    grid: int = 4
    conditions: int = 4
    neighbours: int = 2
    content: float = 0.75
    clamp: float = 0.5
    masks: Literal["channels", "checkerboard"] = "channels"

    @property
    def multiple(self) -> int:
        """Image sides must be a multiple of this many pixels."""
        return int(max(self.grid, 2**self.blocks))

    @property
    def channels(self) -> int:
        """Of the latent."""
        return int(4**self.blocks)

    @property
    def sides(self) -> list[int]:
        """Pixels a side of the blocks on whose grid the sub-networks of each level work: level 0, 1, ..."""
        if self.masks == "checkerboard":
            return [self.multiple]
        return [max(self.grid, 2**level) for level in range(self.blocks + 1)]

    @property
    def content_channels(self) -> int:
        """Of z_C, at least one fewer than all and at least one."""
        return min(max(round(self.content * self.channels), 1), self.channels - 1)


class Flow(nn.Module):
    """f: image (B, 1, H, W) <-> latent (B, 4^blocks, H / 2^blocks, W / 2^blocks), z_C first, z_N last.

    A new flow is the orthonormal Haar wavelet-packet transform: the 1 x 1 mixing of each block's first step starts
    as the Haar transform, every other as the identity, and couplings start without effect. z_N then holds the finest
    diagonal differences, the part of an image in which noise outweighs content most.

    Parameters
    ----------
    shape : the architecture.
    """

    def __init__(self, shape: FlowShape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or FlowShape()
        checkerboard = shape.masks == "checkerboard"
        layers: list[nn.Module] = [SoftLimit(LARGEST)]
        #: squeezes done before each layer, which say the condition that it takes
        self.levels: list[int] = [0]
        for block in range(shape.blocks):
            if not checkerboard:
                layers.append(Squeeze())
                self.levels.append(block)
            level = 0 if checkerboard else block + 1
            for step in range(shape.steps):
                layers += self._step(level, step, shape.widths[min(block, len(shape.widths) - 1)])
                self.levels += [level] * (len(layers) - len(self.levels))
        if checkerboard:
            # The same latent as with squeezes: z_N is one pixel of four, spread evenly.
            layers += [Squeeze() for _ in range(shape.blocks)]
            self.levels += [0] * shape.blocks
        self.layers = nn.ModuleList(layers)

    def _step(self, level: int, step: int, width: int) -> list[nn.Module]:
        shape, channels = self.shape, 4**level
        fold = shape.sides[level] // 2**level
        quiet = shape.neighbours * channels * fold**2
        coupling = CheckerboardCoupling if level == 0 else AffineCoupling
        layers: list[nn.Module] = [ActNorm(channels)]
        if level > 0:
            layers.append(Mixing(haar_matrix(channels) if step == 0 else torch.eye(channels)))
        layers.append(
            coupling(
                channels,
                shape.conditions + quiet,
                width,
                quiet=quiet,
                fold=fold,
                flip=step % 2 == 1,
                clamp=shape.clamp,
            )
        )
        return layers

    def condition(self, neighbours: Tensor, told: Tensor) -> list[Tensor]:
        """What the couplings are told, at each level: made once, used in both directions.

        Parameters
        ----------
        neighbours : (B, shape.neighbours, H, W) neighbouring slices.
        told : (B, shape.conditions) numbers, each shown as a constant channel.

        Returns
        -------
        list of (B, conditions + neighbours * side^2, H / side, W / side)
            For each level, on the grid of its sub-networks (`FlowShape.sides`), in the layout and precision in which
            convolutions read them.
        """
        kind = neighbours.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else neighbours.dtype
        found: dict[int, Tensor] = {}
        for side in set(self.shape.sides):
            height, width = (length // side for length in neighbours.shape[-2:])
            maps = told[:, :, None, None].to(neighbours.dtype).expand(-1, -1, height, width)
            if self.shape.neighbours:
                # Unbounded, a wild neighbour would make couplings explode as wild pixels of the slice itself would.
                shown = neighbours.clamp(-LARGEST, LARGEST)
                maps = torch.cat([maps, F.pixel_unshuffle(shown, side)], dim=1)
            found[side] = maps.to(dtype).contiguous(memory_format=torch.channels_last)
        return [found[side] for side in self.shape.sides]

    def forward(self, x: Tensor, condition: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Image to latent, and (B,) log |det dz/dx|.

        Where an image is wild, both come in float64 (not while training, and not on MPS, which has none): a million
        beside a thousandth leaves float32 too few bits for the way back.
        """
        if not self.training and x.device.type != "mps" and x.abs().amax() > WILD:
            x = x.double()
        log_det = x.new_zeros(len(x))
        for layer, level in zip(self._invertible(), self.levels, strict=True):
            x, added = layer.forward(x, condition[level])
            log_det = log_det + added
        return x, log_det

    def inverse(self, z: Tensor, condition: Sequence[Tensor]) -> Tensor:
        """Latent to image, in the latent's precision."""
        for layer, level in zip(reversed(self._invertible()), reversed(self.levels), strict=True):
            z = layer.inverse(z, condition[level])
        return z

    def _invertible(self) -> list[Invertible]:
        return list(self.layers)  # type: ignore[arg-type]  # a ModuleList knows only that it holds modules
