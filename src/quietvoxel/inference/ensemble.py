"""Best quality: the average over the eight flips and rotations of a slice, for any engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from quietvoxel.engines.contract import EngineContext, EngineOutput
from quietvoxel.engines.progress import part_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

TRANSFORMS = tuple((turn, flip) for turn in range(4) for flip in (False, True))


def turned(image: Tensor, turn: int, flip: bool) -> Tensor:
    """Rotate (B, C, H, W) by `turn` quarter turns, then mirror it."""
    image = torch.rot90(image, turn, (-2, -1))
    return image.flip(-1) if flip else image


def turned_back(image: Tensor, turn: int, flip: bool) -> Tensor:
    """Undo `turned`."""
    image = image.flip(-1) if flip else image
    return torch.rot90(image, -turn, (-2, -1))


def averaged(
    run: Callable[[Tensor, EngineContext], EngineOutput], slab: Tensor, context: EngineContext
) -> EngineOutput:
    """Run all eight and average them; so are uncertainty and unlikeness where an engine gives any."""
    outputs = []
    for part, (turn, flip) in enumerate(TRANSFORMS):
        output = run(turned(slab, turn, flip).contiguous(), part_of(context, part, len(TRANSFORMS)))
        spread = None if output.uncertainty is None else turned_back(output.uncertainty, turn, flip)
        outputs.append(EngineOutput(turned_back(output.image, turn, flip), spread, output.unlikeness))
    image = torch.stack([o.image for o in outputs]).mean(0)
    spreads = [o.uncertainty for o in outputs if o.uncertainty is not None]
    unlike = [o.unlikeness for o in outputs if o.unlikeness is not None]
    return EngineOutput(
        image,
        torch.stack(spreads).mean(0) if spreads else None,
        torch.stack(unlike).mean(0) if unlike else None,
    )
