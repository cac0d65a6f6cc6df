"""`quietvoxel evaluate --reference REF NOISY DENOISED…`: figures against a reference."""

import json
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


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
            msg = f"{path} has {volume.shape} voxels (z, y, x) and the reference {truth.shape}; give volumes of one grid."
            raise BadInputError(msg)
        rows[str(path)] = dict(quality_figures(volume.data, truth.data, str(truth.modality)))
    if as_json:
        print(json.dumps({"modality": str(truth.modality), "figures": rows}, indent=2))
        return 0
    for path, figures in rows.items():
        print(f"{path}: " + ", ".join(f"{name} {value:.4g}" for name, value in figures.items()))
    return 0
