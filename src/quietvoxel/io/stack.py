"""Put slices in order and find the grid they lie on, with everything that is irregular about it said.

Positions and orientations of the slices decide, never file names, instance numbers or the stated distance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from quietvoxel.errors import BadInputError
from quietvoxel.io.checks import pick_frame
from quietvoxel.io.dicom_headers import are_parallel
from quietvoxel.io.orthogonality import TOLERANCE_DEGREES
from quietvoxel.volume import Geometry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from quietvoxel.io.dicom_headers import Slice

SAME_PLACE_MM = 0.01
UNEVEN = 0.01
"""Share of the mean slice distance by which distances may differ before it is said."""


@dataclass(frozen=True)
class Stack:
    """Slices of one volume, ordered along the third axis, and their grid.

    Attributes
    ----------
    slices : in order.
    geometry : the regular grid; its third axis leads from the first slice's origin to the last one's.
    positions : (n, 3) mm LPS, where each slice really lies, or None if the files do not say.
    notes : sentences about tilt, uneven distances and copies.
    """

    slices: tuple[Slice, ...]
    geometry: Geometry
    positions: NDArray[np.float64] | None
    notes: tuple[str, ...]


def arrange(slices: Sequence[Slice], path: Path, frame: int | None = None, *, cine: bool = False) -> Stack:
    """Order slices of one orientation and size into a volume.

    Parameters
    ----------
    slices : in any order; may contain copies, and several images of each position.
    path : what the user gave, for messages.
    frame : which image of each position, from 0 in the order of time, echo, diffusion and acquisition.
    cine : without positions, frames are points in time and not slices.

    Raises
    ------
    BadInputError
        If positions hold several images and no frame was picked, or not equally many.
    """
    notes = []
    unique = _without_copies(slices)
    if len(unique) < len(slices):
        notes.append(f"{len(slices) - len(unique)} files are copies of others and were used once.")
    if any(s.position is None or s.orientation is None for s in unique):
        return _without_positions(unique, path, frame, notes, cine=cine)
    if not all(are_parallel(unique[0], other) for other in unique):
        msg = f"{path} has slices of several orientations, which form no volume; separate them first."
        raise BadInputError(msg)
    row, column, normal = axes_of(unique[0])
    places = np.array([s.position for s in unique], np.float64)
    depth = places @ normal
    order = np.argsort(depth, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(depth[order]) > SAME_PLACE_MM) + 1)
    counts = sorted({len(g) for g in groups})
    if len(counts) > 1:
        few, many = counts[0], counts[-1]
        msg = (
            f"{path} has {few} images at some slice positions and {many} at others ({len(unique)} images, "
            f"{len(groups)} positions), which is no single volume; separate its acquisitions first."
        )
        raise BadInputError(msg)
    what = (
        f"images at each of its {len(groups)} slice positions"
        if len(groups) > 1
        else "images of one position"
    )
    k = pick_frame(path, counts[0], frame, what)
    chosen = [sorted(group, key=lambda i: unique[i].order)[k] for group in groups]
    ordered = tuple(unique[i] for i in chosen)
    positions = places[chosen]
    step, step_notes = _step(positions, normal, unique[0].step)
    direction = np.stack([row, column, step / np.linalg.norm(step)], axis=1)
    rows, columns = unique[0].spacing
    origin = positions[0]
    geometry = Geometry(
        (columns, rows, float(np.linalg.norm(step))),
        (float(origin[0]), float(origin[1]), float(origin[2])),
        tuple(float(v) for v in direction.ravel()),
    )
    return Stack(ordered, geometry, positions, (*notes, *step_notes))


def axes_of(one: Slice) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Find unit vectors along a row and down a column and their normal, without the rounding of the file."""
    vectors = np.reshape(one.orientation or (1, 0, 0, 0, 1, 0), (2, 3)).astype(np.float64)
    row = vectors[0] / (np.linalg.norm(vectors[0]) or 1.0)
    column = vectors[1] - row * (row @ vectors[1])
    column /= np.linalg.norm(column) or 1.0
    return row, column, np.cross(row, column)


def _without_copies(slices: Sequence[Slice]) -> list[Slice]:
    """Drop files that repeat an instance that is already there, as exports to one folder twice leave them."""
    seen = set()
    unique = []
    for one in slices:
        key = (one.uid or str(one.path), one.frame, one.position, one.order)
        if key not in seen:
            seen.add(key)
            unique.append(one)
    return unique


def _without_positions(
    slices: list[Slice], path: Path, frame: int | None, notes: list[str], *, cine: bool
) -> Stack:
    ordered = sorted(slices, key=lambda s: s.order)
    if cine and len(ordered) > 1:
        ordered = [ordered[pick_frame(path, len(ordered), frame, "frames in time")]]
    else:
        pick_frame(path, 1, frame)
    rows, columns = ordered[0].spacing
    notes = [
        *notes,
        "The file does not say where its slices lie; orientation is unknown, left and right may be swapped.",
    ]
    if len(ordered) > 1:
        notes.append(f"Slices are stacked in the order of the file, {ordered[0].step:g} mm apart.")
    return Stack(tuple(ordered), Geometry((columns, rows, ordered[0].step)), None, tuple(notes))


def _step(
    positions: NDArray[np.float64], normal: NDArray[np.float64], alone: float
) -> tuple[NDArray[np.float64], list[str]]:
    """Find the vector from slice to slice, mm, and what is irregular about it."""
    if len(positions) == 1:
        return normal * alone, []
    step = (positions[-1] - positions[0]) / (len(positions) - 1)
    notes = []
    angle = float(np.degrees(np.arccos(np.clip(step @ normal / np.linalg.norm(step), -1, 1))))
    if angle <= TOLERANCE_DEGREES:
        step = normal * (step @ normal)
    else:
        notes.append(
            f"The slices are tilted by {angle:.1f} degrees against their stacking direction (gantry tilt); "
            "every slice keeps its place, on a sheared grid that some viewers will show upright."
        )
    steps = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    mean = float(np.linalg.norm(step))
    grid = positions[0] + np.arange(len(positions))[:, None] * step
    off = float(np.linalg.norm(positions - grid, axis=1).max())
    if steps.max() - steps.min() > UNEVEN * mean or off > UNEVEN * mean + SAME_PLACE_MM:
        note = (
            f"Slice distances are uneven, {steps.min():.2f} to {steps.max():.2f} mm: the volume has the "
            f"mean, {mean:.2f} mm, so slices lie up to {off:.2f} mm from where they were scanned"
        )
        gaps = np.rint(steps / np.median(steps)).astype(int) - 1
        whole = np.allclose(steps, np.median(steps) * (gaps + 1), rtol=0.05)
        if whole and gaps.min() >= 0 and gaps.sum() > 0:
            note += f"; {gaps.sum()} {'slice seems' if gaps.sum() == 1 else 'slices seem'} to be missing"
        notes.append(note + ".")
    return step, notes
