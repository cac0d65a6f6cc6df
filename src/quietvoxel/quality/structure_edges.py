"""Edges and fine structure of a denoised slice, as templates that a residual must not correlate with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from quietvoxel.quality.tile_grid import NEIGHBOURHOOD, neighbourhood_median

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from quietvoxel.quality.noise_whitening import Whitener
    from quietvoxel.quality.tile_grid import TileGrid

#: Gaussian scales in pixels: of the fine structure (image minus its blur) and of the gradients.
FINE = (1.0, 2.0)
GRADIENT = 1.0
MAPS = len(FINE) + 2
#: Structure below this many SDs of the removed noise is not taken for an edge.
ABOVE_NOISE = 3.0


@dataclass(frozen=True)
class EdgeProducts:
    """Tile sums of one slice, one row for each of the maps.

    Attributes
    ----------
    product : of whitened residual times whitened edges.
    energy : of the whitened edges, squared.
    edge_pixels : how many pixels hold an edge.
    coupling : product per pixel with what is fine but no edge, where a tile has enough of it; NaN in others.
    quiet_energy : of what is fine but no edge, whitened, squared, per pixel; NaN likewise.
    """

    product: NDArray[np.float32]
    energy: NDArray[np.float32]
    edge_pixels: NDArray[np.float32]
    coupling: NDArray[np.float32]
    quiet_energy: NDArray[np.float32]


def edge_products(
    after: NDArray[np.float32],
    residual: NDArray[np.float32],
    whitened: NDArray[np.float32],
    valid: NDArray[np.bool_],
    whitener: Whitener,
    grid: TileGrid,
) -> EdgeProducts:
    """Multiply a whitened residual with the edges of the denoised slice, tile by tile.

    A lost edge leaves its second derivative in the residual, a moved one its gradient.

    Parameters
    ----------
    after, residual : (y, x), one unit.
    whitened : (y, x), the residual in units of its noise, whitened.
    valid : (y, x).
    """
    rows = [np.zeros((MAPS, *grid.shape), np.float32) for _ in range(5)]
    for number, (image, noise) in enumerate(zip(_maps(after), _maps(residual), strict=True)):
        image = image / _spread(image, noise, valid, grid)
        edges = np.sign(image) * np.maximum(np.abs(image) - np.float32(ABOVE_NOISE), 0) * valid
        structure = whitener.whiten(edges) * valid
        quiet = (edges == 0) & valid
        rest = whitener.whiten(image * quiet) * valid
        count = grid.sum(edges != 0)
        rows[0][number] = grid.sum(whitened * structure)
        rows[1][number] = grid.sum(structure * structure)
        rows[2][number] = count
        others = grid.sum(quiet)
        enough = others > 0.3 * grid.side**2
        per_pixel = np.where(enough, 1 / np.maximum(others, 1), np.float32(np.nan))
        rows[3][number] = grid.sum(whitened * rest) * per_pixel
        rows[4][number] = grid.sum(rest * rest) * per_pixel
    return EdgeProducts(*rows)


def _spread(
    image: NDArray[np.float32], noise: NDArray[np.float32], valid: NDArray[np.bool_], grid: TileGrid
) -> NDArray[np.float32] | np.float32:
    """SD of the noise that was removed or that is left, the larger, around each pixel; infinite without noise.

    From the median of the tiles around; of the noise left, which lies among edges, the median within each tile.
    """
    pixels = grid.sum(valid)
    energy = np.where(pixels > 0, grid.sum(noise * noise * valid) / np.maximum(pixels, 1), np.float32(np.nan))
    left = np.square(1.4826 * grid.median(np.abs(image)))
    size = (1, *NEIGHBOURHOOD[1:])
    local = neighbourhood_median(np.maximum(energy, left)[None], size)[0]
    if not np.nanmax(local, initial=0) > 0:
        return np.float32(np.inf)
    local = np.where(local > 0, local, np.nanmedian(local[local > 0]))
    return grid.interpolate(np.sqrt(local))


def _maps(plane: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    for scale in FINE:
        yield plane - ndimage.gaussian_filter(plane, scale)
    for order in ((0, 1), (1, 0)):
        yield ndimage.gaussian_filter(plane, GRADIENT, order=order)
