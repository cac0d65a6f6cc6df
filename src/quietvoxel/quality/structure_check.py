"""The structure check: what a denoiser took away, judged as noise or not, with the places to look at.

How often it is wrong, and what it finds, is in docs/tables/structure_check.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from quietvoxel.errors import BadInputError, CancelledError
from quietvoxel.quality.structure_search import KINDS, SMALLEST_TILE, TileStrengths, tile_strengths

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

#: Above this share of flagged tiles the residual is not noise alone: an oracle stays below it.
AMBER_SHARE = 0.01
RED_SHARE = 0.05
#: A single place this strong counts by itself: pure noise stayed below 1.4 in 30 000 tiles.
AMBER_STRENGTH = 1.5
RED_STRENGTH = 3.0


class Verdict(StrEnum):
    """What the check says."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True)
class Place:
    """Neighbouring flagged tiles, as one place to look at.

    Attributes
    ----------
    index : voxel (z, y, x) where the residual is least like noise.
    strength : 1 is the limit of what noise gives.
    kind : "spot", "line" or "edge".
    tiles : how many tiles belong to it.
    """

    index: tuple[int, int, int]
    strength: float
    kind: str
    tiles: int


@dataclass(frozen=True)
class StructureCheck:
    """The result.

    Attributes
    ----------
    verdict : green, amber or red.
    share : of the checked tiles that are flagged, 0 to 1.
    places : strongest first.
    strengths : of all tiles.
    """

    verdict: Verdict
    share: float
    places: tuple[Place, ...]
    strengths: TileStrengths

    @property
    def sentence(self) -> str:
        """The verdict in words, with the share of flagged tiles."""
        if not self.strengths.checked.any():
            return "Nothing was removed, so there is nothing to check."
        if self.verdict is Verdict.GREEN:
            return f"residual looks like noise ({self.share:.3f})"
        strongest = self.places[0].strength
        return f"structure was removed in places ({self.share:.3f}, strongest {strongest:.1f})"

    def overlay(self) -> NDArray[np.float32]:
        """(z, y, x) strength of each voxel's tile where it is flagged, 0 elsewhere."""
        strength = self.strengths.strength
        flagged = np.where(strength > 1, strength, 0).astype(np.float32)
        return np.asarray(self.strengths.grid.to_pixels(flagged), dtype=np.float32)


def check_structure(
    before: NDArray[Any],
    after: NDArray[Any],
    spacing_zyx: Sequence[float],
    mask: NDArray[np.bool_] | None = None,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> StructureCheck:
    """Check whether `before - after` is noise.

    Parameters
    ----------
    before, after : (z, y, x), one unit.
    spacing_zyx : mm.
    mask : where the patient is; everything that changed is checked when None.
    progress : told how many slices of how many are done.
    cancelled : asked for each slice.

    Raises
    ------
    BadInputError
        When the volumes differ in shape or are too small.
    CancelledError
        When `cancelled` said so.
    """
    if before.shape != after.shape or before.ndim != 3:
        msg = f"Before {before.shape} and after {after.shape} are not two volumes of one size; choose two that are."
        raise BadInputError(msg)
    if min(before.shape[1:]) < 2 * SMALLEST_TILE:
        msg = f"Slices of {before.shape[1]} x {before.shape[2]} pixels are too small for the structure check."
        raise BadInputError(msg)

    def check() -> None:
        if cancelled():
            msg = "The structure check was cancelled."
            raise CancelledError(msg)

    found = tile_strengths(before, after, spacing_zyx, mask, progress, check)
    number = int(np.count_nonzero(found.checked))
    flagged = found.strength > 1
    share = float(np.count_nonzero(flagged)) / number if number else 0.0
    places = _places(found, flagged)
    return StructureCheck(_verdict(share, places), share, places, found)


def _verdict(share: float, places: tuple[Place, ...]) -> Verdict:
    strongest = places[0].strength if places else 0.0
    if share > RED_SHARE or strongest >= RED_STRENGTH:
        return Verdict.RED
    if share > AMBER_SHARE or strongest >= AMBER_STRENGTH:
        return Verdict.AMBER
    return Verdict.GREEN


def _places(found: TileStrengths, flagged: NDArray[np.bool_]) -> tuple[Place, ...]:
    labels, count = ndimage.label(flagged, np.ones((3, 3, 3)))
    if count == 0:
        return ()
    numbers = np.arange(1, count + 1)
    tiles = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    side = found.grid.side
    places = []
    for (z, row, column), number in zip(
        ndimage.maximum_position(found.strength, labels, numbers), tiles, strict=True
    ):
        down, across = divmod(int(found.at[z, row, column]), side)
        y = min(row * side + down, found.grid.height - 1)
        x = min(column * side + across, found.grid.width - 1)
        kind = KINDS[found.kind[z, row, column]]
        strength = float(found.strength[z, row, column])
        places.append(Place((int(z), int(y), int(x)), strength, kind, int(number)))
    return tuple(sorted(places, key=lambda place: -place.strength))
