"""`quietvoxel evaluate --reference REF NOISY DENOISED…`: figures against a reference."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from quietvoxel.volume import Volume


def evaluate(
    *images: Annotated[Path, Parameter(help="Volumes to score, for example the noisy and the denoised one.")],
    reference: Annotated[Path, Parameter(help="The volume that is taken as right.")],
    modality: Annotated[str | None, Parameter(help="CT or MR, where the file does not say.")] = None,
    as_json: Annotated[bool, Parameter(name="--json", help="Print JSON for programs.", negative="")] = False,
) -> int:
    """Score volumes against a reference: PSNR and SSIM with their range, RMSE."""
    from quietvoxel.errors import BadInputError
    from quietvoxel.io import read
    from quietvoxel.quality.report import quality_figures

    if not images:
        msg = "There is nothing to score; name one or more volumes after --reference REF."
        raise BadInputError(msg)
    truth = read(reference, modality=modality)
    rows = {}
    for path in images:
        volume = read(path, modality=str(truth.modality))
        if volume.shape != truth.shape:
            ours, theirs = (" x ".join(map(str, v.shape)) for v in (volume, truth))
            msg = f"{path} has {ours} voxels (z, y, x), the reference {theirs}; give volumes of one grid."
            raise BadInputError(msg)
        if not _same_place(volume, truth):
            print(
                f"{path} lies elsewhere than the reference; voxels were compared by number.", file=sys.stderr
            )
        rows[str(path)] = dict(quality_figures(volume.data, truth.data, str(truth.modality)))
    if as_json:
        print(json.dumps({"modality": str(truth.modality), "figures": rows}, indent=2))
        return 0
    for name_of_file, figures in rows.items():
        print(f"{name_of_file}: " + ", ".join(f"{name} {value:.4g}" for name, value in figures.items()))
    return 0


def _same_place(a: "Volume", b: "Volume") -> bool:
    def numbers(volume: "Volume") -> list[float]:
        place = volume.geometry
        return [*place.spacing, *place.origin, *place.direction]

    return all(abs(p - q) < 0.01 for p, q in zip(numbers(a), numbers(b), strict=True))
