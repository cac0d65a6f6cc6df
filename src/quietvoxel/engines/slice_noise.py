"""Noise that belongs to a slice: the same for its tiles, its preview and a second run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

    from quietvoxel.engines.contract import EngineContext


def slice_noise(context: EngineContext, like: Tensor, draw: int, seed: int = 0) -> Tensor:
    """Standard normal noise, drawn for the whole slice and cut for this tile, so that tiles leave no seams.

    It depends on the seeds of the context's generators and on `draw`, not on what was drawn from them before.

    Parameters
    ----------
    like : (B, C, h, w), whose shape and device the noise has.
    draw : number of the draw; each is independent of the others.
    seed : for a context without generators.
    """
    rows, columns = like.shape[-2:]
    top, left = context.origin
    height, width = context.extent or (top + rows, left + columns)
    seeds = [generator.initial_seed() for generator in context.generators] or [seed]
    drawn = []
    for image in range(len(like)):
        state = np.random.SeedSequence([seeds[image % len(seeds)], image // len(seeds), draw])
        generator = torch.Generator().manual_seed(int(state.generate_state(1, np.uint64)[0] >> 1))
        drawn.append(torch.randn(like.shape[1], height, width, generator=generator))
    return torch.stack(drawn)[..., top : top + rows, left : left + columns].to(like)
