"""Faint structures drawn into what a network learns from: anatomy has few, and what is rare is smoothed away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHARE = 0.5
"""Of the slabs that have some."""

AT_MOST = 8
"""Structures in a slab."""

RADII = (1.5, 10.0)
"""Semi-axes in pixels: from what a few pixels show to a large lesion."""

CONTRASTS = (0.01, 0.15)
"""In network units, brighter or darker: 10 to 150 HU, or as many thousandths of an MR's brightest tissue."""

TISSUE = 0.1
"""Magnitudes below this are air, in which nothing is added: its noise would not be Rician any more."""


def add_faint_structures(slab: NDArray[np.float32], spacing_ratio: float, rng: np.random.Generator) -> None:
    """Add soft-edged ellipsoids of low contrast to some slabs, in place.

    A slab without a value below zero is taken for a magnitude: it gets none, and exact zeros stay.

    Parameters
    ----------
    slab : (slices, height, width) in network units; slices that are all zeros are missing and stay so.
    spacing_ratio : slice spacing over pixel spacing: the ellipsoids have their shape in space.
    """
    if rng.random() >= SHARE:
        return
    there = np.asarray(slab.any(axis=(1, 2)))
    zero = slab == 0
    magnitude = bool(slab.min() >= 0)
    for _ in range(int(rng.integers(1, AT_MOST + 1))):
        row, column = (float(rng.uniform(0, length)) for length in slab.shape[1:])
        if not magnitude or slab[len(slab) // 2, int(row), int(column)] > TISSUE:
            _add_one(slab, there, spacing_ratio, (row, column), rng)
    if magnitude:
        np.maximum(slab, 0.0, out=slab)
        slab[zero] = 0.0


def _add_one(
    slab: NDArray[np.float32],
    there: NDArray[np.bool_],
    spacing_ratio: float,
    place: tuple[float, float],
    rng: np.random.Generator,
) -> None:
    depth, height, width = slab.shape
    low, high = np.log(RADII)
    long, short = np.exp(rng.uniform(low, high, 2))
    through = np.sqrt(long * short) * np.exp(rng.uniform(-0.5, 1.0))
    middle = rng.uniform(-0.7, 0.7) * through
    (row, column), angle = place, rng.uniform(0, np.pi)
    contrast = np.exp(rng.uniform(*np.log(CONTRASTS))) * rng.choice((-1.0, 1.0))
    edge = rng.uniform(0.5, 1.5)
    reach = int(max(long, short)) + 3
    top, left = max(0, int(row) - reach), max(0, int(column) - reach)
    part = (slice(top, int(row) + reach + 1), slice(left, int(column) + reach + 1))
    rows, columns = np.ogrid[top : min(height, part[0].stop), left : min(width, part[1].stop)]
    down, across = rows - row, columns - column
    u = (np.cos(angle) * down + np.sin(angle) * across) / long
    v = (np.cos(angle) * across - np.sin(angle) * down) / short
    flat = u * u + v * v
    for k in range(depth):
        away = ((k - depth // 2) * spacing_ratio - middle) / through
        if there[k] and abs(away) < 1:
            inside = 1.0 - np.sqrt(flat + away * away)
            slab[k][part] += contrast * np.clip(inside * min(long, short) / edge + 0.5, 0.0, 1.0)
