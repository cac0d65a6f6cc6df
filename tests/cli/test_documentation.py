"""The commands of docs/command-line.md do what the page says: each is run, in the order of the page."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk  # noqa: N813  # its own documentation calls it so

from quietvoxel.io import write
from quietvoxel.volume import Geometry, Modality, Volume

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Path(__file__).resolve().parents[2]


def commands(page: Path) -> list[str]:
    """All lines of the page's console blocks."""
    blocks = re.findall(r"```console\n(.*?)```", page.read_text("utf-8"), flags=re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def write_series(folder: Path) -> None:
    """Write three CT slices as DICOM files."""
    folder.mkdir()
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    rng = np.random.default_rng(0)
    for k in range(3):
        image = sitk.GetImageFromArray(rng.normal(40, 20, (1, 48, 48)).astype(np.int16))
        tags = {
            "0008|0016": "1.2.840.10008.5.1.4.1.1.2",  # CT image
            "0008|0018": f"1.2.826.0.1.99.{k}",
            "0008|0060": "CT",
            "0020|000e": "1.2.826.0.1.99",
            "0020|0013": str(k + 1),
            "0020|0032": f"0\\0\\{2.5 * k}",
            "0020|0037": "1\\0\\0\\0\\1\\0",
            "0018|0050": "2.5",
        }
        for tag, value in tags.items():
            image.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{k}.dcm"))
        writer.Execute(image)


def test_every_documented_command_runs(
    quietvoxel: Callable[..., Any], tmp_path: Path, make: Callable[..., Path]
) -> None:
    make(tmp_path / "scan.nii.gz", (3, 48, 48))
    write_series(tmp_path / "series")
    mr = np.random.default_rng(0).normal(300, 30, (3, 48, 48)).astype(np.float32)
    write(Volume(mr, Geometry((1.0, 1.0, 3.0)), Modality.MR), tmp_path / "mr.nii.gz")

    lines = commands(REPOSITORY / "docs" / "command-line.md")

    assert len(lines) > 15
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "quietvoxel"
        outcome = quietvoxel(*words)
        assert outcome.code == 0, f"{line}: {outcome.err}"
    assert (tmp_path / "removed.nii.gz").exists()
    assert (tmp_path / "quiet.quietvoxel.json").exists()
