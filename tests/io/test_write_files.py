"""Writing never loses anything: not the input, not an existing file, not a value without saying so."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest

from quietvoxel.errors import BadInputError, QuietVoxelError
from quietvoxel.io import read, write
from quietvoxel.volume import Modality, Source, Volume

if TYPE_CHECKING:
    from pathlib import Path

ENDINGS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")


@pytest.fixture
def volume() -> Volume:
    """Make a CT in memory."""
    data = np.random.default_rng(1).integers(-1000, 1000, (3, 20, 18)).astype(np.int16)
    return Volume(data, modality=Modality.CT, source=Source(stored_dtype="int16"))


def listing(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("ending", ENDINGS)
def test_values_outside_the_type_are_clipped_rounded_and_counted(
    tmp_path: Path, volume: Volume, ending: str
) -> None:
    data = volume.as_float32().copy()
    data[0, 0, :4] = 40000.0, -40000.0, 10.6, -10.6

    report = write(volume.with_data(data), tmp_path / f"x{ending}")

    assert report.clipped == 2
    back = read(report.path).data
    assert back.dtype == np.int16
    assert list(back[0, 0, :4]) == [32767, -32768, 11, -11]


def test_an_unsigned_source_is_clipped_at_zero(tmp_path: Path) -> None:
    data = np.linspace(-3, 300, 16 * 16, dtype=np.float32).reshape(1, 16, 16)
    volume = Volume(data, modality=Modality.MR, source=Source(stored_dtype="uint8"))

    report = write(volume, tmp_path / "x.nii")

    assert report.clipped == int(((np.rint(data) < 0) | (np.rint(data) > 255)).sum())
    assert read(report.path).data.dtype == np.uint8


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_existing_file_is_kept_without_overwrite(tmp_path: Path, volume: Volume, ending: str) -> None:
    path = tmp_path / f"x{ending}"
    path.write_text("precious")

    with pytest.raises(BadInputError, match="exists already"):
        write(volume, path)
    assert path.read_text() == "precious"
    assert listing(tmp_path) == [path.name]

    write(volume, path, overwrite=True)
    np.testing.assert_array_equal(read(path).data, volume.data)


def test_the_data_file_of_a_header_is_kept_as_well(tmp_path: Path, volume: Volume) -> None:
    (tmp_path / "x.zraw").write_text("precious")

    with pytest.raises(BadInputError, match=r"x\.zraw exists already"):
        write(volume, tmp_path / "x.mhd")
    assert listing(tmp_path) == ["x.zraw"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_input_is_never_replaced(tmp_path: Path, volume: Volume, ending: str) -> None:
    path = write(volume, tmp_path / f"x{ending}").path
    before = path.read_bytes()
    link = tmp_path / f"link{ending}"
    link.symlink_to(path)
    (tmp_path / "sub").mkdir()

    for same in (path, link, tmp_path / "sub" / ".." / path.name):
        with pytest.raises(BadInputError, match="never replaced"):
            write(read(path), same, overwrite=True)
    assert path.read_bytes() == before


def test_the_data_file_of_the_input_is_never_replaced(tmp_path: Path, volume: Volume) -> None:
    path = write(volume, tmp_path / "x.mhd").path
    source = read(path)
    path.rename(tmp_path / "y.mhd")
    moved = read(tmp_path / "y.mhd")
    before = (tmp_path / "x.zraw").read_bytes()

    with pytest.raises(BadInputError, match="never replaced"):
        write(moved, tmp_path / "x.mhd", overwrite=True)
    assert (tmp_path / "x.zraw").read_bytes() == before
    assert source.shape == volume.shape


def test_an_unknown_ending_a_missing_folder_and_a_folder(tmp_path: Path, volume: Volume) -> None:
    with pytest.raises(BadInputError, match=r"ending is none of \.nii"):
        write(volume, tmp_path / "x.png")
    with pytest.raises(BadInputError, match="does not exist; create it"):
        write(volume, tmp_path / "no" / "x.nii")
    (tmp_path / "dir.nii").mkdir()
    with pytest.raises(BadInputError, match="is a folder"):
        write(volume, tmp_path / "dir.nii", overwrite=True)
    assert listing(tmp_path) == ["dir.nii"]


def test_values_that_are_not_finite_are_not_written(tmp_path: Path, volume: Volume) -> None:
    data = volume.as_float32().copy()
    data[0, 0, 0] = np.nan

    with pytest.raises(BadInputError, match="NaN"):
        write(volume.with_data(data), tmp_path / "x.nii")
    assert listing(tmp_path) == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_failed_write_leaves_nothing_behind(
    tmp_path: Path, volume: Volume, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)

    with pytest.raises(QuietVoxelError, match="No space left"):
        write(volume, tmp_path / f"x{ending}")
    assert listing(tmp_path) == []


@pytest.mark.parametrize("dtype", ["bool", "float16"])
def test_types_that_files_do_not_have_are_widened(tmp_path: Path, dtype: str) -> None:
    data = np.eye(20, dtype=dtype)[None]

    for ending in ENDINGS:
        back = read(write(Volume(data), tmp_path / f"{dtype}{ending}").path)
        np.testing.assert_array_equal(back.data, data.astype(back.data.dtype))


def test_the_same_volume_gives_the_same_bytes(tmp_path: Path, volume: Volume) -> None:
    one = write(volume, tmp_path / "one.nii.gz").path.read_bytes()
    two = write(volume, tmp_path / "two.nii.gz").path.read_bytes()

    assert one == two
