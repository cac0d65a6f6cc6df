"""DICOM folders: one series becomes one volume in its place, and what is irregular is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest

from quietvoxel.errors import BadInputError
from quietvoxel.io import list_series, read
from quietvoxel.volume import Modality

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Scanner

TILT = np.deg2rad(15)


def notes(volume: Any) -> str:
    return " ".join(volume.source.notes)


def test_a_series_is_ordered_by_position_and_read_in_hu(scanner: Scanner) -> None:
    volume = read(scanner.series(5))

    assert volume.shape == (5, 20, 24)
    assert volume.data.dtype == np.int16
    assert [int(v) for v in volume.data[:, 0, 0]] == [100 + k - 1024 for k in range(5)]
    assert volume.geometry.spacing == pytest.approx((0.7, 0.8, 2.5), abs=1e-12)
    assert volume.geometry.origin == (-10.0, -20.0, 5.0)
    assert volume.modality is Modality.CT
    source = volume.source
    assert (source.stored_dtype, source.slope, source.intercept) == ("uint16", 1.0, -1024.0)
    assert (source.window, source.level) == (400.0, 40.0)
    assert source.notes == ()


def test_head_and_feet_first_give_the_same_volume(scanner: Scanner, tmp_path: Path) -> None:
    up = read(scanner.series(4))
    down = type(scanner)(tmp_path / "down").series(4, InstanceNumber=lambda k: 100 - k)

    np.testing.assert_array_equal(read(down).data, up.data)


def test_two_series_are_listed_and_one_is_picked(scanner: Scanner) -> None:
    scanner.series(4)
    folder = scanner.series(
        3, SeriesInstanceUID="1.2.826.0.1.88", SeriesNumber=4, SeriesDescription="Lung 1.0"
    )

    with pytest.raises(BadInputError, match=r"2 image series") as error:
        read(folder)
    text = str(error.value)
    assert "Thorax 2.5" in text
    assert "Lung 1.0" in text
    assert "--series" in text
    assert "Secret" not in text
    for wanted in ("4", "1.2.826.0.1.88", ".88", "#2"):
        assert read(folder, series=wanted).shape[0] == 3
    with pytest.raises(BadInputError, match="fits none"):
        read(folder, series="9")
    with pytest.raises(BadInputError, match="fits 2"):
        read(folder, series="1.2.826")
    assert [len(s.slices) for s in list_series(folder)] == [4, 3]


def test_localizers_are_left_out_unless_picked(scanner: Scanner) -> None:
    scanner.series(4)
    folder = scanner.series(
        1,
        SeriesInstanceUID="1.2.826.0.1.66",
        SeriesNumber=1,
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
        ImageOrientationPatient=[1, 0, 0, 0, 0, -1],
    )

    volume = read(folder)

    assert volume.shape[0] == 4
    assert "localizer" in notes(volume)
    assert read(folder, series="1").shape[0] == 1


def test_a_tilted_gantry_keeps_every_slice_in_place_and_is_said(scanner: Scanner) -> None:
    column = [0, np.cos(TILT), -np.sin(TILT)]
    folder = scanner.series(6, ImageOrientationPatient=[1, 0, 0, *(round(c, 10) for c in column)])

    volume = read(folder)

    assert "tilted by 15.0 degrees" in notes(volume)
    direction = np.reshape(volume.geometry.direction, (3, 3))
    last = np.array(volume.geometry.origin) + direction @ (np.array(volume.geometry.spacing) * [0, 0, 5])
    np.testing.assert_allclose(last, [-10, -20, 17.5], atol=1e-9)
    np.testing.assert_allclose(direction[:, 1], column, atol=1e-9)


def test_uneven_slice_distances_are_said_with_how_far_slices_are_off(scanner: Scanner) -> None:
    places = [0.0, 2.5, 5.0, 10.0, 12.5]
    folder = scanner.series(5, ImagePositionPatient=lambda k: [-10, -20, places[k]])

    volume = read(folder)

    assert "2.50 to 5.00 mm" in notes(volume)
    assert "1 slice seems to be missing" in notes(volume)
    assert volume.geometry.spacing[2] == pytest.approx(3.125)
    np.testing.assert_allclose(volume.source.metadata["slice_positions"][:, 2], places)


def test_several_images_of_each_position_need_a_frame(scanner: Scanner) -> None:
    scanner.series(3, AcquisitionNumber=1)
    folder = scanner.series(
        3, AcquisitionNumber=2, PixelData=lambda k: np.full((20, 24), 7 + k, "<u2").tobytes()
    )

    with pytest.raises(BadInputError, match=r"4-D with 2 images at each of its 3 slice positions.*--frame"):
        read(folder)
    first, second = read(folder, frame=0), read(folder, frame=1)
    assert first.data[1, 0, 0] == 101 - 1024
    assert (second.data[:, 5, 5] == np.array([7, 8, 9]) - 1024).all()
    with pytest.raises(BadInputError, match="no frame 2"):
        read(folder, frame=2)


def test_positions_with_unequal_numbers_of_images_are_refused(scanner: Scanner) -> None:
    scanner.series(3)
    folder = scanner.series(2, AcquisitionNumber=2)

    with pytest.raises(BadInputError, match="no single volume"):
        read(folder)


def test_copies_of_a_file_count_once(scanner: Scanner) -> None:
    folder = scanner.series(4, SOPInstanceUID=lambda k: f"1.2.3.{k + 1}")
    (folder / "copies").mkdir()
    for path in [p for p in folder.iterdir() if p.is_file()]:
        (folder / "copies" / path.name).write_bytes(path.read_bytes())

    volume = read(folder)

    assert volume.shape[0] == 4
    assert "4 files are copies" in notes(volume)


def test_a_slope_per_slice_is_applied_slice_by_slice(scanner: Scanner) -> None:
    folder = scanner.series(3, RescaleSlope=lambda k: 0.5 * (k + 1), RescaleIntercept=lambda k: 10.0 * k)

    volume = read(folder)

    assert volume.data.dtype == np.float32
    expected = [0.5 * (k + 1) * (100 + k) + 10 * k for k in range(3)]
    np.testing.assert_allclose(volume.data[:, 0, 0], expected, rtol=1e-6)
    assert volume.source.stored_dtype == "float32"


def test_padding_stored_as_signed_number_is_given_in_hu(scanner: Scanner) -> None:
    folder = scanner.series(2, PixelRepresentation=1, BitsStored=16, HighBit=15, PixelPaddingValue=-2000)

    assert read(folder).source.metadata["padding_value"] == -3024.0


def test_slices_of_two_orientations_are_two_choices(scanner: Scanner) -> None:
    scanner.series(2)
    folder = scanner.series(
        3, ImageOrientationPatient=[1, 0, 0, 0, 0, -1], ImagePositionPatient=lambda k: [0, 3.0 * k, 0]
    )

    with pytest.raises(BadInputError, match="2 image series"):
        read(folder)
    assert read(folder, series="#2").shape[0] == 3


def test_a_derived_series_of_ours_is_recognised(scanner: Scanner) -> None:
    volume = read(scanner.series(2, DerivationDescription="QuietVoxel 1.0, RelativeFlow"))

    assert volume.source.derived_by_us
    assert "QuietVoxel already" in notes(volume)


def test_other_files_in_the_folder_are_passed_over(scanner: Scanner) -> None:
    folder = scanner.series(3)
    (folder / "README.txt").write_text("about this study")
    (folder / "DICOMDIR").write_bytes(b"\0" * 200)

    assert read(folder).shape[0] == 3


def test_one_file_of_a_series_is_one_slice_and_that_is_said(scanner: Scanner) -> None:
    folder = scanner.series(3)

    volume = read(folder / "IM0001")

    assert volume.shape == (1, 20, 24)
    assert volume.geometry.spacing[2] == 2.5
    assert "give the folder" in notes(volume)


def test_without_positions_the_unknown_orientation_is_said(scanner: Scanner) -> None:
    folder = scanner.series(3, ImagePositionPatient=None, ImageOrientationPatient=None)

    volume = read(folder)

    assert [int(v) for v in volume.data[:, 0, 0]] == [100 - 1024, 101 - 1024, 102 - 1024]
    assert "does not say where its slices lie" in notes(volume)


def test_a_truncated_slice_is_named(scanner: Scanner) -> None:
    folder = scanner.series(3)
    path = folder / "IM0002"
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(BadInputError, match="IM0002 is damaged"):
        read(folder)


@pytest.mark.parametrize("cut", [140, 300, 700])
def test_a_file_cut_within_its_header_is_refused(scanner: Scanner, cut: int) -> None:
    folder = scanner.series(1)
    path = folder / "IM0001"
    path.write_bytes(path.read_bytes()[:cut])

    with pytest.raises(BadInputError, match="IM0001"):
        read(path)


@pytest.mark.parametrize("implicit", [True, False])
def test_files_without_preamble_are_read(scanner: Scanner, tmp_path: Path, implicit: bool) -> None:
    expected = read(scanner.series(3))
    bare = tmp_path / "bare"
    bare.mkdir()
    for path in scanner.folder.iterdir():
        data = pydicom.dcmread(path)
        del data.file_meta
        data.save_as(bare / path.name, implicit_vr=implicit, little_endian=True)

    np.testing.assert_array_equal(read(bare).data, expected.data)


def test_a_multi_frame_file_is_the_volume_of_its_slices(scanner: Scanner, tmp_path: Path) -> None:
    volume = read(scanner.multi_frame())
    classic = read(type(scanner)(tmp_path / "classic").series(3))

    np.testing.assert_array_equal(volume.data, classic.data)
    assert volume.geometry == classic.geometry


def test_a_slope_per_frame_is_applied_frame_by_frame(scanner: Scanner) -> None:
    volume = read(scanner.multi_frame(slope=lambda k: k + 0.5))

    np.testing.assert_allclose(volume.data[:, 0, 0], [(k + 0.5) * (100 + k) - 1024 for k in range(3)])


def test_frames_of_several_orientations_are_refused(scanner: Scanner) -> None:
    path = scanner.multi_frame(orientation=lambda k: [1, 0, 0, 0, 1, 0] if k else [1, 0, 0, 0, 0, -1])

    with pytest.raises(BadInputError, match="several orientations"):
        read(path)


def test_a_header_with_an_unknown_kind_of_value_is_refused(scanner: Scanner) -> None:
    folder = scanner.series(1)
    path = folder / "IM0001"
    path.write_bytes(path.read_bytes().replace(b"\x28\x00\x10\x00US", b"\x28\x00\x10\x00Q?"))

    with pytest.raises(BadInputError, match=r"IM0001 is damaged"):
        read(path)


def test_colour_and_mosaic_images_are_refused(scanner: Scanner, tmp_path: Path) -> None:
    scanner.series(1, SamplesPerPixel=3, PhotometricInterpretation="RGB")
    with pytest.raises(BadInputError, match="colour"):
        read(scanner.folder)
    mosaic = type(scanner)(tmp_path / "mosaic").series(1, ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"])
    with pytest.raises(BadInputError, match="mosaic"):
        read(mosaic)


def test_a_folder_without_images_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no DICOM image"):
        read(tmp_path)
