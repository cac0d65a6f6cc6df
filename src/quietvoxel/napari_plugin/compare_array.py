"""One picture made of two volumes: curtain, checkerboard, either of them, or their difference. No Qt, no napari."""

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quietvoxel.napari_plugin.pixels import ComputedArray

AXES = 3
CHECKS = 8
"""Squares of the checkerboard along the shorter side of the picture."""


class Picture(StrEnum):
    """What the array shows."""

    A = "a"
    B = "b"
    CURTAIN = "curtain"
    CHECKERBOARD = "checkerboard"
    RESIDUAL = "residual"


class ComparedArray(ComputedArray):
    """A picture composed of A and B when it is looked at.

    Neither volume is copied; both are shown as they are at the moment.

    Parameters
    ----------
    before, after : A and B, (z, y, x) of one shape.

    Attributes
    ----------
    picture : what is shown.
    down, across : array axes that run down and across the screen.
    flipped : whether the first voxel across lies on the right of the screen.
    fraction : of the picture's width, from its left, where the curtain hangs: A left of it, B right.
    line : voxels that the curtain's own line is wide; they are NaN.
    """

    def __init__(self, before: NDArray[Any], after: NDArray[Any]) -> None:
        super().__init__(before.shape)
        self.before, self.after = before, after
        self.picture = Picture.CURTAIN
        self.down, self.across = self.ndim - 2, self.ndim - 1
        self.flipped = False
        self.fraction = 0.5
        self.line = 1

    @property
    def split(self) -> float:
        """Where the curtain hangs, in voxels along `across`, between two voxels."""
        share = 1 - self.fraction if self.flipped else self.fraction
        return share * self.shape[self.across] - 0.5

    def hang_at(self, place: float) -> None:
        """Hang the curtain at a voxel coordinate along `across`."""
        share = float(np.clip((place + 0.5) / self.shape[self.across], 0, 1))
        self.fraction = 1 - share if self.flipped else share

    def __getitem__(self, key: Any) -> NDArray[Any]:
        key = key if isinstance(key, tuple) else (key,)
        key = (*key, *[slice(None)] * (self.ndim - len(key)))
        if self.picture is Picture.A:
            return np.asarray(self.before[key], np.float32)
        if self.picture is Picture.B:
            return np.asarray(self.after[key], np.float32)
        first, second = (np.asarray(data[key], np.float32) for data in (self.before, self.after))
        if self.picture is Picture.RESIDUAL:
            return np.asarray(first - second)
        across = self._places(key, self.across)
        if self.picture is Picture.CHECKERBOARD:
            side = max(1, min(self.shape[self.down], self.shape[self.across]) // CHECKS)
            odd = (across // side + self._places(key, self.down) // side) % 2 == 1
            return np.asarray(np.where(odd, second, first), np.float32)
        on_left = across > self.split if self.flipped else across < self.split
        first_of_line = np.ceil(self.split - self.line / 2)
        on_line = (across >= first_of_line) & (across < first_of_line + self.line)
        return np.asarray(np.where(on_line, np.nan, np.where(on_left, first, second)), np.float32)

    def _places(self, key: tuple[Any, ...], axis: int) -> NDArray[np.intp]:
        """Voxel coordinates along an axis, shaped to go with what `key` picks."""
        one = key[axis]
        if not isinstance(one, slice):
            return np.asarray(int(one) % self.shape[axis])
        kept = [n for n, k in enumerate(key) if isinstance(k, slice)]
        shape = [1] * len(kept)
        shape[kept.index(axis)] = -1
        return np.arange(*one.indices(self.shape[axis])).reshape(shape)


def residual_window(before: NDArray[Any], after: NDArray[Any]) -> float:
    """Half the width of a symmetric window for A minus B: four robust SDs of its middle slices, never 0."""
    middle = len(before) // 2
    near = slice(max(0, middle - 1), middle + 2)
    residual = np.asarray(before[near], np.float32) - np.asarray(after[near], np.float32)
    changed = np.abs(residual[np.isfinite(residual) & (residual != 0)])
    if changed.size == 0:
        return 1.0
    return float(4 * 1.4826 * np.median(changed))
