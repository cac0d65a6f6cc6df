"""Running an engine on slabs too large for the memory: overlapping tiles, of which the inner part is kept.

MONAI's sliding windows blend overlapping windows, hold a count map as large as the image, and start windows
at any pixel; here tiles start at multiples of the network's 8-pixel grid and their rims are cut off, so that
tiled and untiled results agree, and every solver step can be cancelled.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import torch

from quietvoxel.engines.contract import EngineOutput
from quietvoxel.engines.progress import part_of
from quietvoxel.errors import OutOfMemoryError
from quietvoxel.inference.devices import is_out_of_memory, release_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from quietvoxel.engines.contract import Engine, EngineContext

GRID = 32
"""Tiles start at multiples of this many pixels, a multiple of every network's down-scaling."""

RIM = 64
"""Pixels of a tile that are thrown away on every side that has a neighbour."""

SMALLEST_TILE = 192
"""Smaller tiles would be nearly all rim."""


def spans(length: int, tile: int) -> list[tuple[int, int, int, int]]:
    """Cover a length with tiles: (start, end, keep_start, keep_end) for each, the kept parts touching.

    Starts lie on the grid; a tile of 0 or one that is long enough gives a single span.
    """
    if tile <= 0 or tile >= length:
        return [(0, length, 0, length)]
    tile = max(tile, 2 * RIM + GRID) // GRID * GRID
    found = []
    kept = 0
    while kept < length:
        start = max(0, kept - RIM) // GRID * GRID
        end = min(length, start + tile)
        keep_end = length if end == length else end - RIM
        found.append((start, end, kept, keep_end))
        kept = keep_end
    return found


def denoise_tiled(
    engine: Engine, slab: Tensor, settings: Any, context: EngineContext, tile: int
) -> EngineOutput:
    """Run an engine on a slab in tiles of `tile` pixels; 0 for no tiles."""
    height, width = slab.shape[-2:]
    rows, columns = spans(height, tile), spans(width, tile)
    if len(rows) == len(columns) == 1:
        return engine.denoise(slab, settings, context)
    image = torch.empty(len(slab), 1, height, width)
    uncertainty: Tensor | None = None
    unlikeness: list[Tensor] = []
    pairs = list(product(rows, columns))
    for number, ((top, bottom, keep_top, keep_bottom), (left, right, keep_left, keep_right)) in enumerate(
        pairs
    ):
        own = replace(part_of(context, number, len(pairs)), origin=(top, left), extent=(height, width))
        part = engine.denoise(slab[..., top:bottom, left:right], settings, own)
        inner = (..., slice(keep_top - top, keep_bottom - top), slice(keep_left - left, keep_right - left))
        place = (..., slice(keep_top, keep_bottom), slice(keep_left, keep_right))
        image[place] = part.image[inner]
        if part.uncertainty is not None:
            uncertainty = torch.zeros_like(image) if uncertainty is None else uncertainty
            uncertainty[place] = part.uncertainty[inner]
        if part.unlikeness is not None:
            unlikeness.append(part.unlikeness)
    return EngineOutput(image, uncertainty, torch.stack(unlikeness).mean(0) if unlikeness else None)


class TileFitter:
    """Runs slabs and remembers the tile size that fits the memory.

    Parameters
    ----------
    tile : side in pixels to start with, at least `SMALLEST_TILE`; 0 tries whole slices first.
    say : told one sentence when tiles had to become smaller.
    """

    def __init__(self, tile: int, say: Callable[[str], None]) -> None:
        self.tile = max(tile, SMALLEST_TILE) if tile else 0
        self.say = say

    def run(self, engine: Engine, slab: Tensor, settings: Any, context: EngineContext) -> EngineOutput:
        """Denoise a slab; when memory runs out, halve the tile and try again.

        Raises
        ------
        OutOfMemoryError
            If not even the smallest tile fits.
        """
        # A second attempt draws the first one's random numbers: a slice does not depend on the memory left.
        states = [generator.get_state() for generator in context.generators]
        while True:
            try:
                return denoise_tiled(engine, slab, settings, context, self.tile)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
            # Outside the handler: the exception's traceback holds the very tensors that have to go.
            release_memory(context.device)
            side = min(self.tile or max(slab.shape[-2:]), max(slab.shape[-2:]))
            if side <= SMALLEST_TILE:
                remedy = "close other programs"
                if context.device.type != "cpu":
                    remedy += " or use --device cpu"
                msg = f"The memory of {context.device} does not hold even a {side}-pixel tile; {remedy}."
                raise OutOfMemoryError(msg)
            self.tile = max(SMALLEST_TILE, side // 2 // GRID * GRID)
            self.say(f"Memory ran short, so slices are now processed in tiles of {self.tile} pixels.")
            for generator, state in zip(context.generators, states, strict=True):
                generator.set_state(state)
