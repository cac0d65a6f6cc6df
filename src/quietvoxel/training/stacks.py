"""References on the disk: normalised slices and their unit noise, mapped into memory as they are needed.

A hundred CTs do not fit into memory. Each volume is read once, the slices that are trained on are kept as float16
files of numpy's own kind, and the operating system reads and forgets their pages as memory allows.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from quietvoxel.training.checkpoints import write_whole
from quietvoxel.training.references import Reference, through_plane_views

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

INDEX = "index.json"


@dataclass(frozen=True)
class Stack:
    """Neighbouring slices of a reference, as they lie on the disk.

    Attributes
    ----------
    file : name of the array's file; its unit noise lies beside it, for CT.
    number : of the reference.
    shape : (slices, rows, columns).
    spacing_ratio : slice spacing over pixel spacing.
    sigma : estimated noise, network units; 0 where it cannot be known.
    weight : how often it is drawn, relative to the others.
    held_out : judged on, never trained on.
    noise : whether unit noise lies beside it.
    """

    file: str
    number: int
    shape: tuple[int, int, int]
    spacing_ratio: float
    sigma: float
    weight: float
    held_out: bool
    noise: bool

    def opened(self, folder: Path) -> Reference:
        """The stack as a reference whose pixels stay on the disk until they are looked at."""
        data = np.load(folder / f"{self.file}.npy", mmap_mode="r")
        noise = np.load(folder / f"{self.file}-noise.npy", mmap_mode="r") if self.noise else None
        return Reference(f"reference {self.number}", data, self.spacing_ratio, noise, self.weight)


def keep_arrays(
    folder: Path, name: str, data: NDArray[np.float16], noise: NDArray[np.float16] | None = None
) -> None:
    """Write the pixels of a stack, and its unit noise where there is one.

    Raises
    ------
    QuietVoxelError
        If the disk is full.
    """
    for file, array in ((f"{name}.npy", data), (f"{name}-noise.npy", noise)):
        if array is not None:
            write_whole(folder / file, partial(_save, array))


def _save(array: NDArray[np.float16], path: Path) -> None:
    with path.open("wb") as stream:
        np.save(stream, array)


def keep_index(folder: Path, stacks: list[Stack]) -> None:
    """Write what is known of all stacks; there is a cache when this file is there."""
    text = json.dumps([asdict(stack) for stack in stacks], indent=1)
    write_whole(folder / INDEX, partial(_write, text))


def _write(text: str, path: Path) -> None:
    path.write_text(text, "utf-8")


def read_index(folder: Path) -> list[Stack] | None:
    """What `keep_index` wrote; None where there is no whole cache."""
    path = folder / INDEX
    if not path.exists():
        return None
    return [Stack(**{**one, "shape": tuple(one["shape"])}) for one in json.loads(path.read_text("utf-8"))]


def training_references(folder: Path, stacks: list[Stack]) -> list[Reference]:
    """The stacks that are trained on, nearly cubic ones from the side as well."""
    return [
        view for stack in stacks if not stack.held_out for view in through_plane_views(stack.opened(folder))
    ]


def noise_weight(sigma: float, typical: float) -> float:
    """How often a reference of this noise is drawn, relative to one of the typical noise: between 0 and 2.

    The error of a prediction judged by a noisy reference has that noise's variance in it, so that references count
    by the inverse of variance, with the typical variance added for what all of them share.
    """
    if sigma <= 0 or typical <= 0:
        return 1.0
    return 2.0 * typical**2 / (typical**2 + sigma**2)
