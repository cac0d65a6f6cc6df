"""Progress of work that is done in several equal parts: tiles, passes of an ensemble, shifts of the image."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quietvoxel.engines.contract import EngineContext


def part_of(context: EngineContext, part: int, parts: int) -> EngineContext:
    """The context for one of `parts` equal parts: its steps count on from those of the parts before."""
    whole = context.progress

    def progress(step: int, steps: int) -> None:
        whole(part * steps + step, parts * steps)

    return replace(context, progress=progress)
