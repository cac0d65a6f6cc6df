"""A file without a modality is taken for what its values are, and the reason is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from quietvoxel.io import read, write
from quietvoxel.io.modality_guess import guess_modality
from quietvoxel.volume import Modality, Source, Volume

if TYPE_CHECKING:
    from pathlib import Path

RNG = np.random.default_rng(5)
Y, X = np.mgrid[-1:1:64j, -1:1:64j]
BODY = np.hypot(Y, X) < 0.7


def ct(air: float) -> np.ndarray:
    """Soft tissue with a rim of fat, in air."""
    image = np.where(BODY, np.where(np.hypot(Y, X) > 0.55, -100.0, 45.0), air)
    return np.rint(image + RNG.normal(0, 15, (3, 64, 64))).astype(np.int16)


def mr() -> np.ndarray:
    """Draw a disc with Rician noise around it."""
    image = np.where(BODY, 400.0, 0.0)
    real, imaginary = RNG.normal(0, 15, (2, 3, 64, 64))
    return np.hypot(image + real, imaginary).astype(np.float32)


@pytest.mark.parametrize("data", [ct(-1000.0), ct(-1024.0), ct(-1000.0) + np.float32(0.25)])
def test_hu_with_air_are_ct(data: np.ndarray) -> None:
    modality, reason = guess_modality(data)
    assert modality is Modality.CT
    assert "air" in reason


def test_a_crop_of_fat_and_muscle_is_ct() -> None:
    assert guess_modality(ct(-1000.0)[:, 12:52, 12:52])[0] is Modality.CT


def test_a_magnitude_with_background_is_mr() -> None:
    assert guess_modality(mr())[0] is Modality.MR


@pytest.mark.parametrize("data", [mr() / 200 - 1, mr() + 500, RNG.normal(0, 1, (3, 32, 32))])
def test_what_is_neither_is_other(data: np.ndarray) -> None:
    assert guess_modality(data)[0] is Modality.OTHER


def test_the_guess_is_said_and_can_be_overruled(tmp_path: Path) -> None:
    path = write(Volume(ct(-1000.0), source=Source(stored_dtype="int16")), tmp_path / "x.nii").path
    raw = bytearray(path.read_bytes())
    raw[148:228] = bytes(80)  # the description, which holds the modality
    path.write_bytes(raw)

    guessed, told = read(path), read(path, modality="mr")

    assert guessed.modality is Modality.CT
    assert any(n.startswith("No modality in the file; taken as CT because") for n in guessed.source.notes)
    assert told.modality is Modality.MR
    assert not any("taken as CT" in n for n in told.source.notes)


def test_dicom_says_itself_what_it_is(scanner) -> None:  # type: ignore[no-untyped-def]
    folder = scanner.series(2, Modality="PT")

    assert read(folder).modality is Modality.OTHER
    overruled = read(folder, modality="MR")
    assert overruled.modality is Modality.MR
    assert any("says PT" in n for n in overruled.source.notes)
