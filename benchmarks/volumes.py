"""The real volumes behind the benchmarks: where they lie, what the index says of them, and reading them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK

if TYPE_CHECKING:
    import argparse

    from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parents[1]
DEFAULT_DATA = REPOSITORY.parent / "shared" / "data"
RUNS = REPOSITORY / "runs"


@dataclass(frozen=True)
class IndexedVolume:
    """One row of the index: a file, and the noise that it brings along.

    Attributes
    ----------
    path : the NIfTI file.
    name : its name without endings.
    modality : "CT" or "MR".
    sd_in_tissue : standard deviation of its own noise in uniform tissue, HU or stored MR units.
    """

    path: Path
    name: str
    modality: str
    sd_in_tissue: float


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """Give a script its `--data DIR`."""
    parser.add_argument(
        "--data", type=Path, default=DEFAULT_DATA, help="folder with INDEX.tsv, train/ and val/ (%(default)s)"
    )


def indexed_volumes(data: Path, folder: str) -> list[IndexedVolume]:
    """List the volumes of a folder such as "val/mr", by name; an empty list when the folder is not there."""
    with (data / "INDEX.tsv").open(newline="") as stream:
        rows = {row["file"]: row for row in csv.DictReader(stream, delimiter="\t")}
    found = []
    for path in sorted((data / folder).glob("*.nii.gz")):
        row = rows[path.relative_to(data).as_posix()]
        name = path.name.removesuffix(".nii.gz")
        found.append(IndexedVolume(path, name, row["modality"], float(row["sd_in_tissue"])))
    return found


def read(path: Path) -> tuple[NDArray[np.float32], tuple[float, float, float]]:
    """Voxels as float32, (z, y, x) or (t, z, y, x), and the spacing (z, y, x) in mm."""
    image = SimpleITK.ReadImage(str(path))
    x, y, z = image.GetSpacing()[:3]
    return SimpleITK.GetArrayFromImage(image).astype(np.float32), (z, y, x)


def middle_slices(count: int, wanted: int = 16) -> slice:
    """Select the middle 16 of `count` slices, or all of them if there are fewer."""
    wanted = min(count, wanted)
    first = (count - wanted) // 2
    return slice(first, first + wanted)
