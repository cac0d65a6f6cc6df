"""Square tiles of a slice: sums, peaks, and the usual value in a tile's neighbourhood."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Tiles along (z, y, x) whose median stands for the noise around a tile.
NEIGHBOURHOOD = (3, 5, 5)


@dataclass(frozen=True)
class TileGrid:
    """Tiles of `side` x `side` pixels over a slice of `height` x `width`; those at the end may stick out."""

    height: int
    width: int
    side: int

    @property
    def shape(self) -> tuple[int, int]:
        """Tiles along y and x."""
        return (-(-self.height // self.side), -(-self.width // self.side))

    def _blocks(self, plane: NDArray[Any]) -> NDArray[Any]:
        """(tiles y, tiles x, side²); 0 where a tile sticks out."""
        rows, columns = self.shape
        padded = np.zeros((rows * self.side, columns * self.side), plane.dtype)
        padded[: self.height, : self.width] = plane
        blocks = padded.reshape(rows, self.side, columns, self.side).swapaxes(1, 2)
        return blocks.reshape(rows, columns, -1)

    def sum(self, plane: NDArray[Any]) -> NDArray[np.float32]:
        """Sum over each tile."""
        return np.asarray(self._blocks(plane).sum(axis=-1, dtype=np.float32))

    def peak(self, plane: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
        """Largest value in each tile, and its place in the tile (row * side + column)."""
        blocks = self._blocks(plane)
        at = blocks.argmax(axis=-1)
        return np.take_along_axis(blocks, at[..., None], -1)[..., 0].astype(np.float32), at

    def median(self, plane: NDArray[Any]) -> NDArray[np.float32]:
        """Median of each tile; what sticks out counts as 0."""
        return np.asarray(np.median(self._blocks(plane), axis=-1), dtype=np.float32)

    def to_pixels(self, tiles: NDArray[Any]) -> NDArray[Any]:
        """Repeat each tile's value in all its pixels; leading axes are kept."""
        repeated = tiles.repeat(self.side, axis=-2).repeat(self.side, axis=-1)
        return repeated[..., : self.height, : self.width]

    def interpolate(self, tiles: NDArray[np.float32]) -> NDArray[np.float32]:
        """Interpolate values at the tiles' centres to all pixels, linearly."""
        rows = (np.arange(self.height, dtype=np.float32) + 0.5) / self.side - 0.5
        columns = (np.arange(self.width, dtype=np.float32) + 0.5) / self.side - 0.5
        places = np.meshgrid(rows, columns, indexing="ij")
        return np.asarray(ndimage.map_coordinates(tiles, places, order=1, mode="nearest"), dtype=np.float32)


def neighbourhood_median(
    tiles: NDArray[np.float32], size: tuple[int, int, int] = NEIGHBOURHOOD
) -> NDArray[np.float32]:
    """Median over the tiles around each tile; NaN are left out, and stay where there is nothing else.

    Parameters
    ----------
    tiles : (z, tiles y, tiles x).
    size : odd numbers of tiles along the axes.
    """
    out = np.empty_like(tiles)
    reach = [n // 2 for n in size]
    padded = np.pad(tiles, [(n, n) for n in reach], constant_values=np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a neighbourhood of nothing but NaN is expected
        for z in range(len(tiles)):
            slab = padded[z : z + size[0]]
            windows = np.lib.stride_tricks.sliding_window_view(slab, size)[0]
            out[z] = np.nanmedian(windows.reshape(*tiles.shape[1:], -1), axis=-1)
    return out
