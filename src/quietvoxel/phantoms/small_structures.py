"""Lesions of 5 mm and vessels of 3 mm at known places: what a denoiser must not erase."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LESION_MM = 5.0
VESSEL_MM = 3.0
VESSEL_LENGTH_MM = 20.0

Kind = Literal["lesion", "vessel", "vessel through the slices"]


def scatter_structures(
    kind: Kind,
    where: NDArray[np.bool_],
    spacing_mm: tuple[float, float, float],
    seed: int = 0,
    *,
    count: int = 20,
    apart_mm: float = 18.0,
) -> tuple[NDArray[np.float32], list[NDArray[np.bool_]]]:
    """Draw structures of one kind at random places, each away from the others.

    Parameters
    ----------
    kind : spheres of 5 mm; tubes of 3 mm and 20 mm long, up to 30 degrees out of the slice or across all slices.
    where : (z, y, x); centres lie where it is True.
    spacing_mm : (z, y, x).
    seed : of the places and directions.
    count : how many; fewer come back where there is no room.
    apart_mm : distance of the centres in plane.

    Returns
    -------
    picture : (z, y, x) float32, 0 to 1, the share of each voxel that is filled; times a contrast, add it.
    each : for each structure the voxels that it fills by more than a quarter.
    """
    rng = np.random.default_rng(seed)
    picture = np.zeros(where.shape, np.float32)
    each: list[NDArray[np.bool_]] = []
    centres: list[tuple[int, int]] = []
    candidates = np.argwhere(where[1:-1].any(axis=0))
    for _ in range(4000):
        if len(each) == count:
            break
        y, x = candidates[rng.integers(len(candidates))]
        z = rng.uniform(1.5, where.shape[0] - 2.5)
        near = [np.hypot((y - a) * spacing_mm[1], (x - b) * spacing_mm[2]) < apart_mm for a, b in centres]
        if any(near) or not where[round(z), y, x]:
            continue
        centre = (z, y + rng.uniform(-0.5, 0.5), x + rng.uniform(-0.5, 0.5))
        turn = rng.uniform(0, np.pi)
        rise = np.pi / 2 if kind == "vessel through the slices" else rng.uniform(-0.5, 0.5)
        direction = (np.sin(rise), np.cos(rise) * np.sin(turn), np.cos(rise) * np.cos(turn))
        one = _draw(where.shape, spacing_mm, centre, None if kind == "lesion" else direction)
        picture = np.maximum(picture, one)
        each.append(one > 0.25)
        centres.append((int(y), int(x)))
    return picture, each


def _draw(
    shape: tuple[int, ...],
    spacing_mm: Sequence[float],
    centre: Sequence[float],
    direction: Sequence[float] | None,
) -> NDArray[np.float32]:
    """Share of each voxel that a lesion fills, or a vessel where there is a direction (z, y, x)."""
    out = np.zeros(shape, np.float32)
    radius = (LESION_MM if direction is None else VESSEL_MM) / 2
    pixel = spacing_mm[2]
    for shift in (-0.4, -0.2, 0.0, 0.2, 0.4):  # through the thickness of a slice
        z, y, x = np.meshgrid(
            *(
                (np.arange(n) - c + (shift if axis == 0 else 0.0)) * mm
                for axis, (n, c, mm) in enumerate(zip(shape, centre, spacing_mm, strict=True))
            ),
            indexing="ij",
            sparse=True,
        )
        squared = z**2 + y**2 + x**2
        ends = np.float64(1.0)
        if direction is not None:
            along = z * direction[0] + y * direction[1] + x * direction[2]
            squared = np.maximum(squared - along**2, 0)
            ends = np.clip((VESSEL_LENGTH_MM / 2 - np.abs(along)) / pixel + 0.5, 0, 1)
        out += (np.clip((radius - np.sqrt(squared)) / pixel + 0.5, 0, 1) * ends / 5).astype(np.float32)
    return out
