"""Every input that cannot be used ends in one sentence: which file, what is wrong, what to do."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its own documentation calls it so

import quietvoxel.io
from quietvoxel.errors import BadInputError
from quietvoxel.io import read, write
from quietvoxel.volume import Source, Volume

ENDINGS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")


@pytest.fixture
def data() -> np.ndarray:
    """Draw a little noise."""
    return np.random.default_rng(0).integers(-100, 100, (4, 20, 18)).astype(np.int16)


def save(data: np.ndarray, path: Path) -> Path:
    write(Volume(data, source=Source(stored_dtype=data.dtype.name)), path)
    return path


def refused(path: Path, about: str, **options: object) -> str:
    with pytest.raises(BadInputError, match=about) as error:
        read(path, **options)  # type: ignore[arg-type]
    text = str(error.value)
    assert str(path) in text
    assert text.endswith(".")
    assert "\n" not in text
    return text


def test_a_missing_file(tmp_path: Path) -> None:
    refused(tmp_path / "none.nii", "does not exist")


@pytest.mark.parametrize("name", ["empty.nii.gz", "empty.dcm", "empty"])
def test_an_empty_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    refused(tmp_path / name, "empty file")


@pytest.mark.parametrize("name", ["report.pdf", "notes.txt", "image", "fake.dcm"])
def test_a_file_that_is_no_image(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"%PDF-1.7 this is a report about an image, " * 40)
    refused(tmp_path / name, "is no NIfTI, NRRD, MetaImage or DICOM image")


@pytest.mark.parametrize("ending", ENDINGS)
def test_text_under_the_name_of_an_image(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"x{ending}").write_text("not an image at all\n" * 99)
    refused(tmp_path / f"x{ending}", "damaged")


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.98])
def test_a_truncated_file(tmp_path: Path, data: np.ndarray, ending: str, share: float) -> None:
    path = save(data, tmp_path / f"x{ending}")
    files = [p for p in tmp_path.iterdir() if p != path] or [path]  # where the voxels are
    raw = files[0].read_bytes()
    files[0].write_bytes(raw[: int(share * len(raw))])

    refused(path, "damaged")


@pytest.mark.parametrize("ending", [".mhd", ".nhdr"])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.7])
def test_a_truncated_header_file(tmp_path: Path, data: np.ndarray, ending: str, share: float) -> None:
    path = save(data, tmp_path / f"x{ending}")
    raw = path.read_bytes()
    path.write_bytes(raw[: int(share * len(raw))])

    refused(path, "damaged")


@pytest.mark.parametrize("ending", [".mhd", ".nhdr"])
def test_a_header_whose_data_file_is_missing_or_short(tmp_path: Path, data: np.ndarray, ending: str) -> None:
    path = save(data, tmp_path / f"x{ending}")
    other = next(p for p in tmp_path.iterdir() if p != path)
    other.write_bytes(other.read_bytes()[:-200])
    refused(path, "damaged")
    other.unlink()
    refused(path, "missing")


def test_gzip_whose_content_is_corrupt(tmp_path: Path, data: np.ndarray) -> None:
    path = save(data, tmp_path / "x.nii.gz")
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + 40] = b"\xff" * 40
    path.write_bytes(raw)
    refused(path, "damaged")


def test_a_compressed_text(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"hello"))
    refused(tmp_path / "x.gz", "is no NIfTI")


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_colour(tmp_path: Path, ending: str) -> None:
    image = sitk.GetImageFromArray(np.zeros((2, 20, 20, 3), np.uint8), isVector=True)
    sitk.WriteImage(image, str(tmp_path / f"rgb{ending}"))
    refused(tmp_path / f"rgb{ending}", r"colour|vector|4-D")


@pytest.mark.parametrize("ending", [".nii", ".nrrd", ".mha"])
def test_values_that_are_not_finite_are_counted_and_replaced_only_on_demand(
    tmp_path: Path, ending: str
) -> None:
    data = np.random.default_rng(0).normal(size=(2, 20, 20)).astype(np.float32)
    data[0, 3, 3], data[1, 2, 2] = np.nan, np.inf
    path = tmp_path / f"x{ending}"
    sitk.WriteImage(sitk.GetImageFromArray(data), str(path))

    refused(path, r"has 2 of 800 voxels that are NaN or infinite.*--fill-nonfinite")
    volume = read(path, fill_nonfinite=-5)

    assert volume.data[0, 3, 3] == volume.data[1, 2, 2] == -5
    assert "2 voxels were NaN or infinite and became -5." in volume.source.notes
    with pytest.raises(BadInputError, match="finite number"):
        read(path, fill_nonfinite=float("nan"))


def test_metaimage_whose_compressed_voxels_are_corrupt(tmp_path: Path, data: np.ndarray) -> None:
    path = save(data, tmp_path / "x.mha")
    raw = bytearray(path.read_bytes())
    raw[-600:-500] = b"\xff" * 100
    path.write_bytes(raw)
    refused(path, "damaged")


@pytest.mark.parametrize("ending", ENDINGS)
def test_constant_and_small_images(tmp_path: Path, ending: str) -> None:
    refused(save(np.full((2, 20, 20), 7, np.int16), tmp_path / f"a{ending}"), "constant")
    refused(save(np.eye(15, 40, dtype=np.int16)[None], tmp_path / f"b{ending}"), "40 x 15 pixels.*16 x 16")
    refused(save(np.eye(40, 15, dtype=np.int16)[None], tmp_path / f"c{ending}"), "15 x 40 pixels")
    assert read(save(np.eye(16, 16, dtype=np.int16)[None], tmp_path / f"d{ending}")).shape == (1, 16, 16)


def test_an_image_without_voxels(tmp_path: Path, data: np.ndarray) -> None:
    path = save(data, tmp_path / "x.nii")
    raw = bytearray(path.read_bytes())
    raw[46:48] = b"\0\0"  # dim[3]
    path.write_bytes(raw)
    refused(path, "is empty")


def test_a_frame_that_does_not_exist(tmp_path: Path, data: np.ndarray) -> None:
    path = save(data, tmp_path / "x.nii")
    assert read(path, frame=0).shape == data.shape
    refused(path, "no frame 1", frame=1)
    refused(path, "no frame -1", frame=-1)


def test_a_series_of_a_single_file(tmp_path: Path, data: np.ndarray) -> None:
    refused(save(data, tmp_path / "x.nii"), "picks from a folder", series="3")


def test_an_unknown_modality(tmp_path: Path, data: np.ndarray) -> None:
    path = save(data, tmp_path / "x.nii")
    with pytest.raises(BadInputError, match="CT, MR, OTHER"):
        read(path, modality="xray")


def run_python(code: str, *arguments: str) -> str:
    """Run a program in a fresh process; all that it prints."""
    source = str(Path(quietvoxel.io.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": source},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return (done.stdout + done.stderr).strip()


def test_nothing_else_is_printed(tmp_path: Path, data: np.ndarray) -> None:
    paths = []
    for ending in ENDINGS:
        path = save(data, tmp_path / f"x{ending}")
        path.write_bytes(path.read_bytes()[:-150])
        paths.append(str(path))
    code = (
        "import sys; from quietvoxel.io import read; from quietvoxel.errors import BadInputError\n"
        "for p in sys.argv[1:]:\n"
        "    try: read(p)\n"
        "    except BadInputError: pass\n"
    )
    assert run_python(code, *paths) == ""


def test_importing_loads_neither_simpleitk_nor_pydicom() -> None:
    code = (
        "import sys, quietvoxel.io; print([m for m in ('SimpleITK', 'pydicom', 'torch') if m in sys.modules])"
    )
    assert run_python(code) == "[]"
