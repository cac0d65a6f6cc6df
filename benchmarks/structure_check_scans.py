"""What the structure check says of RelativeFlow on real scans. Writes docs/tables/structure_check_scans.md.

    OMP_NUM_THREADS=1 python benchmarks/structure_check_scans.py

Three inputs of each validation volume, its middle slices: the scan as it is; noise on the scan; noise on the scan
cleaned, where the check is asked about the truth as well.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from standard_points import points
from volumes import add_data_option, indexed_volumes

from quietvoxel import io
from quietvoxel.inference import InferenceOptions, denoise
from quietvoxel.quality import StructureCheck, check_structure, patient_mask
from quietvoxel.volume import Geometry, Modality, Volume

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

TABLE = Path(__file__).parent.parent / "docs" / "tables" / "structure_check_scans.md"
SLICES = 8
LEVELS = {"MR": 0.03, "CT": 10.0}


def middle(data: NDArray[np.generic]) -> slice:
    """The middle slices."""
    first = max(0, (len(data) - SLICES) // 2)
    return slice(first, first + SLICES)


def checked(volume: Volume, after: NDArray[np.generic]) -> StructureCheck:
    """Ask the check as the Compare dock does."""
    mask = patient_mask(after, volume.modality)
    return check_structure(volume.data, after, volume.geometry.spacing_zyx, mask)


def denoised(volume: Volume, sigma: float | None) -> NDArray[np.generic]:
    """RelativeFlow with its default settings."""
    return denoise(volume, None, None, InferenceOptions(sigma=sigma, axis="0")).volume.data


def row(name: str, check: StructureCheck) -> str:
    """One line of the table, printed as well."""
    strongest = float(check.strengths.strength.max())
    line = f"| {name} | {100 * check.share:.2f} % | {strongest:.2f} | {check.verdict} |"
    print(line, flush=True)
    return line


def rows(data: Path, modality: str) -> Iterator[str]:
    """Every input of every validation volume."""
    for indexed in indexed_volumes(data, f"val/{modality.lower()}"):
        volume = io.read(indexed.path, modality=modality)
        cut = replace(volume, data=np.ascontiguousarray(volume.data[middle(volume.data)]))
        yield row(f"{indexed.name} | as it is | RelativeFlow", checked(cut, denoised(cut, None)))
    for kind, words in (("scan", "noise on the scan"), ("truth", "noise on the cleaned scan")):
        for point in points(data, modality=modality, kinds=(kind,), levels=(LEVELS[modality],)):
            z, y, x = point.spacing_zyx
            part = middle(point.noisy)
            volume = Volume(np.ascontiguousarray(point.noisy[part]), Geometry((x, y, z)), Modality(modality))
            after = denoised(volume, point.sigma_added)
            yield row(f"{point.name} | {words} | RelativeFlow", checked(volume, after))
            if kind == "truth":
                yield row(f"{point.name} | {words} | the truth", checked(volume, point.reference[part]))


def main() -> None:
    """Check and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_option(parser)
    data = parser.parse_args().data
    text = [
        (
            f"Made by `python benchmarks/structure_check_scans.py`: the middle {SLICES} slices, default settings;"
            f" noise of {LEVELS['MR']} (MR, Rician) and {LEVELS['CT']:g} HU (CT) is added and told, the"
            " scans' own is estimated."
        ),
    ]
    for modality in ("MR", "CT"):
        text += [
            "",
            "| volume | input | output | flagged | strongest | verdict |",
            "|---|---|---|---|---|---|",
        ]
        text += rows(data, modality)
    TABLE.write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
