"""Tile by tile: whether a residual holds what its noise would not give by chance.

Two questions are asked of each tile. Does the residual hold a spot or a piece of vessel? Does it correlate with
the edges of the denoised image? What the noise gives by chance is measured in the residual itself: its
dependence on intensity, its level by place and its power spectrum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.quality.noise_scores import noise_scores
from quietvoxel.quality.noise_whitening import Whitener, radial_power
from quietvoxel.quality.structure_edges import MAPS, edge_products
from quietvoxel.quality.structure_shapes import margin, matched_filters, shapes
from quietvoxel.quality.tile_grid import TileGrid, neighbourhood_median

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from quietvoxel.quality.noise_scores import NoiseScores
    from quietvoxel.quality.structure_edges import EdgeProducts

TILE_MM = 12.0
SMALLEST_TILE = 8  # pixels

#: In SDs. Over the tiles of pure noise about one in a thousand exceeds each; measured in
#: benchmarks/structure_check.py.
SHAPE_LIMIT = 5.5
EDGE_LIMIT = 4.5


@dataclass(frozen=True)
class TileStrengths:
    """What the check found in each tile.

    Attributes
    ----------
    strength : (z, tiles y, tiles x), 1 where the residual is at the limit of what noise gives; 0 in tiles that
        were not checked.
    kind : same shape; 0 spot, 1 line, 2 edge: what gave the strength.
    at : same shape; place of the strongest pixel in the tile, row * side + column.
    checked : same shape; tiles that hold enough that was changed.
    grid : the tiles of a slice.
    """

    strength: NDArray[np.float32]
    kind: NDArray[np.uint8]
    at: NDArray[np.intp]
    checked: NDArray[np.bool_]
    grid: TileGrid


KINDS = ("spot", "line", "edge")


def tile_strengths(
    before: NDArray[Any],
    after: NDArray[Any],
    spacing_zyx: Sequence[float],
    mask: NDArray[np.bool_] | None,
    progress: Callable[[int, int], None],
    check: Callable[[], None],
) -> TileStrengths:
    """Compare the residual of each tile with what noise gives; see `check_structure`, which has looked at the input.

    Tiles with less than a quarter inside the mask are not checked. `check` is called for each slice, and may raise.
    """
    spacing_yx = (float(spacing_zyx[1]), float(spacing_zyx[2]))
    side = max(SMALLEST_TILE, round(TILE_MM / float(np.sqrt(spacing_yx[0] * spacing_yx[1]))))
    grid = TileGrid(before.shape[1], before.shape[2], side)
    first = np.asarray(before, dtype=np.float32)
    second = np.asarray(after, dtype=np.float32)
    noise = noise_scores(first, second, grid, check)
    power = radial_power(noise, check)
    whitener = Whitener.of(power, grid.height, grid.width, margin(spacing_yx))
    pixels = np.stack([grid.sum(plane) for plane in noise.valid])
    checked = pixels > 0.5 * side**2
    if mask is not None:
        checked &= np.stack([grid.sum(plane) for plane in mask]) > 0.25 * side**2
    half = min(2, round(2.5 / float(spacing_zyx[0])), (len(first) - 1) // 2)
    search = _ShapeSearch(noise, whitener, grid, spacing_yx, half)
    edges = _EdgeSearch(len(first), grid)
    for z in range(len(first)):
        check()
        search.look(z)
        white = whitener.whiten(noise.scores[z]) * noise.valid[z]
        edges.add(
            z, edge_products(second[z], first[z] - second[z], white, noise.valid[z], whitener, grid), white
        )
        progress(z + 1, len(first))
    strength, kind, at = search.result(pixels)
    along = edges.result(pixels)
    by_edge = along > strength
    centre = (side // 2) * side + side // 2
    return TileStrengths(
        np.where(checked, np.where(by_edge, along, strength), 0),
        np.where(by_edge, np.uint8(2), kind),
        np.where(by_edge, centre, at),
        checked,
        grid,
    )


class _ShapeSearch:
    """Matched-filter outputs of all slices, tile by tile: energy, peak and its place, one row a filter."""

    def __init__(
        self,
        noise: NoiseScores,
        whitener: Whitener,
        grid: TileGrid,
        spacing_yx: tuple[float, float],
        half: int,
    ) -> None:
        self.noise, self.whitener, self.grid, self.half = noise, whitener, grid, half
        found = shapes(spacing_yx)
        filters = matched_filters(found, whitener)
        # What runs through the slices shows best in the sum of neighbours: spots once more.
        thick = [k for k, shape in enumerate(found) if shape.kind == "spot"] if half else []
        self.thin_filters = filters
        self.thick_filters = [filters[k] for k in thick]
        kinds = [KINDS.index(shape.kind) for shape in found] + [0] * len(thick)
        self.kinds = np.array(kinds, dtype=np.uint8)
        size = (len(kinds), len(noise.scores), *grid.shape)
        self.energy = np.zeros(size, np.float32)
        self.peak = np.zeros(size, np.float32)
        self.at = np.zeros(size, np.uint16)

    def look(self, z: int) -> None:
        transform = self.whitener.forward(self.noise.scores[z])
        for row, transfer in enumerate(self.thin_filters):
            self._keep(row, z, self.whitener.back(transform * transfer))
        if self.half:
            near = self.noise.scores[max(0, z - self.half) : z + self.half + 1]
            transform = self.whitener.forward(near.sum(axis=0) / np.float32(np.sqrt(len(near))))
            for row, transfer in enumerate(self.thick_filters, len(self.thin_filters)):
                self._keep(row, z, self.whitener.back(transform * transfer))

    def _keep(self, row: int, z: int, output: NDArray[np.float32]) -> None:
        output *= self.noise.valid[z]
        self.energy[row, z] = self.grid.sum(output * output)
        self.peak[row, z], self.at[row, z] = self.grid.peak(np.abs(output))

    def result(
        self, pixels: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[Any]]:
        """Strength, kind and place of the strongest filter, each peak in units of the noise around it."""
        strength = np.zeros(self.peak.shape, np.float32)
        for row in range(len(self.peak)):
            scale = _noise_around(self.energy[row], pixels, self.grid.side)
            np.divide(self.peak[row], scale * SHAPE_LIMIT, out=strength[row], where=scale > 0)
        best = strength.argmax(axis=0)
        chosen = (best, *np.indices(best.shape))
        return strength[chosen], self.kinds[best], self.at[chosen].astype(np.intp)


class _EdgeSearch:
    """Correlation of the residual with edges, tile by tile, one row a map."""

    def __init__(self, slices: int, grid: TileGrid) -> None:
        self.side = grid.side
        self.product, self.energy, self.count, self.coupling, self.quiet_energy = (
            np.zeros((MAPS, slices, *grid.shape), np.float32) for _ in range(5)
        )
        self.white = np.zeros((slices, *grid.shape), np.float32)
        self.grid = grid

    def add(self, z: int, products: EdgeProducts, white: NDArray[np.float32]) -> None:
        self.product[:, z], self.energy[:, z] = products.product, products.energy
        self.count[:, z], self.coupling[:, z] = products.edge_pixels, products.coupling
        self.quiet_energy[:, z] = products.quiet_energy
        self.white[z] = self.grid.sum(white * white)

    def result(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Strength of the map with which the residual correlates most.

        A denoiser that leaves noise behind correlates with its residual everywhere. Over the pixels of an edge
        that gives as much as over pixels of flat tissue (Stein's lemma, for Gaussian noise), which is taken off.
        What is taken off scatters as well: a pixel that is just above the threshold may be there by noise alone, so
        that each adds the energy of a pixel of flat tissue to that of the edges.
        """
        scale = _noise_around(self.white, pixels, self.side)
        best = np.zeros(self.white.shape, np.float32)
        for row in range(MAPS):
            excess = np.abs(self.product[row] - _around(self.coupling[row]) * self.count[row])
            energy = self.energy[row] + _around(self.quiet_energy[row]) * self.count[row]
            spread = np.sqrt(energy) * scale * EDGE_LIMIT
            np.maximum(best, np.divide(excess, spread, out=np.zeros_like(best), where=spread > 0), out=best)
        return best


def _around(tiles: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median of the tiles around each; of all tiles where there is none, and 0 where there are none at all."""
    local = neighbourhood_median(tiles, (3, 7, 7))
    usual = np.nanmedian(local) if np.isfinite(local).any() else 0.0
    return np.where(np.isfinite(local), local, np.float32(usual))


def _noise_around(energy: NDArray[np.float32], pixels: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """SD by place: the root of the median energy per pixel of the tiles around; 0 where there are none."""
    per_pixel = np.where(pixels > 0.5 * side**2, energy / np.maximum(pixels, 1), np.float32(np.nan))
    return np.sqrt(np.nan_to_num(neighbourhood_median(per_pixel)))
