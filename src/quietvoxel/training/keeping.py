"""Which slices of a volume are kept to train on and to be judged by, as long as there is room on the disk."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from quietvoxel.errors import QuietVoxelError
from quietvoxel.training.prepare import unit_noise
from quietvoxel.training.stacks import Stack, keep_arrays

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from quietvoxel.training.reading import FittingVolume

BLOCK, LEAST_BLOCK = 16, 8
"""Slices that are kept together where a volume is too large to be kept whole; the least where room is scarce."""

SPARE = 500_000_000
"""Bytes that the references leave free on the disk."""


@dataclass
class Keeper:
    """Writes the parts of volumes that are trained on or judged by, as long as there is room."""

    folder: Path
    halo: int
    seed: int
    judged: int
    room: float
    stacks: list[Stack] = field(default_factory=list)

    def judge(self, found: FittingVolume) -> None:
        """Hold a volume out."""
        self.keep(found, judged_parts(len(found.data), self.judged, self.halo), held_out=True)

    def train_on(self, found: FittingVolume, waiting: int) -> None:
        """Keep a volume's share of the room; so many volumes, this one among them, are still waiting for theirs."""
        self.room -= self.keep(found, blocks(found.data.shape, self.room / waiting), held_out=False)

    def keep(self, found: FittingVolume, parts: Sequence[slice], *, held_out: bool) -> float:
        """Write parts of a volume; returns how many pixels they have."""
        total, ct = 0, found.modality == "CT"
        for part, where in enumerate(parts):
            data = found.data[where]
            _check_room(self.folder, data.nbytes * (3 if ct else 1))
            name = f"{found.number:03d}-{part}" + ("-judged" if held_out else "")
            keep_arrays(
                self.folder, name, data, unit_noise(data, found.spacing_yx, seed=self.seed) if ct else None
            )
            depth, rows, columns = data.shape
            self.stacks.append(
                Stack(
                    file=name,
                    number=found.number,
                    shape=(depth, rows, columns),
                    spacing_ratio=found.ratio,
                    sigma=found.sigma,
                    # A large stack is drawn more often than a small one, but not in proportion: variety counts more
                    # than bulk.
                    weight=float(np.sqrt(data.size) / 1000.0),
                    held_out=held_out,
                    noise=ct,
                )
            )
            total += data.size
        return total


def _check_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size + SPARE:
        msg = (
            f"The disk of {folder} has {free / 1e9:.1f} GB left, too little to keep the references there; "
            "free some space or choose a shorter plan."
        )
        raise QuietVoxelError(msg)


def blocks(shape: tuple[int, ...], room: float) -> list[slice]:
    """Evenly spaced blocks of slices that fill the room, or the whole volume where it has room for it."""
    depth, area = shape[0], shape[1] * shape[2]
    wanted = int(room / area)
    if depth <= max(wanted, LEAST_BLOCK):
        return [slice(0, depth)]
    size = BLOCK if wanted >= BLOCK else LEAST_BLOCK
    count = max(1, min(wanted // size, depth // size))
    starts = (
        np.linspace(0, depth - size, count + 2)[1:-1] if count < 3 else np.linspace(0, depth - size, count)
    )
    return [slice(start, start + size) for start in starts.round().astype(int).tolist()]


def judged_parts(depth: int, count: int, halo: int) -> list[slice]:
    """Slabs around evenly spaced slices; the ends of the stack are left out where there is enough between them."""
    margin = depth // 8
    middles = np.unique(np.linspace(margin, depth - 1 - margin, min(count, depth)).round().astype(int))
    return [slice(max(0, z - halo), min(depth, z + halo + 1)) for z in middles.tolist()]
