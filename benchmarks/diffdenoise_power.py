"""Where DiffDenoise's sampling is best started: PSNR by the power of the start, of the teacher and of the student.

    OMP_NUM_THREADS=1 python benchmarks/diffdenoise_power.py

Middle slices of two noise-free images, the noise told; range 1. Writes docs/tables/diffdenoise_power.md.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scoring import score
from standard_points import points
from volumes import add_data_option

from quietvoxel.engines.diff_denoise.settings import DiffDenoiseRecipe, DiffDenoiseSettings
from quietvoxel.inference import InferenceOptions, denoise
from quietvoxel.models import find_model
from quietvoxel.volume import Geometry, Modality, Volume

if TYPE_CHECKING:
    from standard_points import StandardPoint

TABLE = Path(__file__).parent.parent / "docs" / "tables" / "diffdenoise_power.md"
NAMES = ("phantom-T2-thick", "cleaned-openms_patient20_study2_T1W")
LEVELS = (0.03, 0.06, 0.1)
POWERS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
SLICES = 3


def middle(point: StandardPoint) -> StandardPoint:
    """The middle slices of a point."""
    first = (len(point.noisy) - SLICES) // 2
    part = slice(first, first + SLICES)
    noisy = np.ascontiguousarray(point.noisy[part])
    return replace(point, noisy=noisy, reference=point.reference[part], mask=point.mask[part])


def psnr_of(point: StandardPoint, settings: DiffDenoiseSettings) -> float:
    """PSNR of a run, dB."""
    z, y, x = point.spacing_zyx
    volume = Volume(point.noisy, Geometry((x, y, z)), Modality.MR)
    options = InferenceOptions(sigma=point.sigma_added, axis="0")
    return score(point, denoise(volume, None, settings, options, engine="diffdenoise").volume.data)["psnr"]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_option(parser)
    data = parser.parse_args().data
    card = find_model(engine="diffdenoise", modality="MR")
    unit = DiffDenoiseRecipe.model_validate(card.architecture).start_power
    lines = [
        (
            f"Made by `python benchmarks/diffdenoise_power.py`: {SLICES} slices, PSNR in dB with range 1; the teacher"
            f" with 20 DDIM steps and SRDS. Strength 1 is the power {unit:g}."
        ),
        "",
        "| volume | σ | network | " + " | ".join(f"power {p:g}" for p in POWERS) + " |",
        "|---|---|---|" + "---|" * len(POWERS),
    ]
    for point in points(data, modality="MR", kinds=("truth",), levels=LEVELS):
        if point.name not in NAMES:
            continue
        for student in (False, True):
            found = [
                psnr_of(middle(point), DiffDenoiseSettings(student=student, strength=p / unit))
                for p in POWERS
            ]
            cells = " | ".join(f"{value:.2f}" for value in found)
            lines.append(
                f"| {point.name} | {point.level:g} | {'student' if student else 'teacher'} | {cells} |"
            )
            print(lines[-1], flush=True)
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
