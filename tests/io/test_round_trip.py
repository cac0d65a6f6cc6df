"""What is written comes back: every voxel, and the grid as exactly as the header can hold it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - its own documentation calls it so
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quietvoxel.io import read, write
from quietvoxel.volume import Geometry, Modality, Source, Volume

EXACT = (".nrrd", ".nhdr", ".mha", ".mhd")
NIFTI = (".nii", ".nii.gz")
TYPES = ("uint8", "int16", "uint16", "int32", "float32", "float64")


def rotation(quaternion: list[float]) -> np.ndarray:
    """Find the rotation of a (not normalised) quaternion."""
    a, b, c, d = np.array(quaternion) / np.linalg.norm(quaternion)
    return np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    """Oblique grids of any handedness, anisotropic, anywhere in a scanner."""
    part = st.floats(-1, 1, allow_subnormal=False)
    quaternion = draw(st.lists(part, min_size=4, max_size=4).filter(lambda q: np.linalg.norm(q) > 0.1))
    direction = rotation(quaternion)
    if draw(st.booleans()):
        direction[:, 2] *= -1
    spacing = draw(st.tuples(*[st.floats(0.05, 12)] * 3))
    origin = draw(st.tuples(*[st.floats(-2000, 2000, allow_subnormal=False)] * 3))
    return Geometry(spacing, origin, tuple(float(v) for v in direction.ravel()))


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    """Small volumes of all stored types, full range, never constant."""
    dtype = np.dtype(draw(st.sampled_from(TYPES)))
    shape = draw(st.tuples(st.integers(1, 3), st.integers(16, 18), st.integers(16, 18)))
    if dtype.kind == "f":
        elements = st.floats(-1e6, 1e6, width=dtype.itemsize * 8, allow_subnormal=False)
    else:
        elements = st.integers(int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    data = draw(hnp.arrays(dtype, shape, elements=elements, fill=elements))
    data[0, 0, 0], data[0, 0, 1] = 0, 1
    return data


def there_and_back(volume: Volume, ending: str) -> Volume:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"volume{ending}"
        assert write(volume, path).clipped == 0
        return read(path)


def corner_positions(geometry: Geometry, shape: tuple[int, int, int]) -> np.ndarray:
    """Where the eight corner voxels lie, mm."""
    direction = np.reshape(geometry.direction, (3, 3))
    corners = np.array(np.meshgrid(*[[0, n - 1] for n in reversed(shape)])).reshape(3, -1)
    return np.asarray(geometry.origin)[:, None] + direction @ (
        np.asarray(geometry.spacing)[:, None] * corners
    )


@settings(max_examples=40, deadline=None)
@given(data=arrays(), geometry=geometries(), ending=st.sampled_from(EXACT + NIFTI))
def test_a_written_volume_comes_back(data: np.ndarray, geometry: Geometry, ending: str) -> None:
    back = there_and_back(Volume(data, geometry, Modality.MR, Source(stored_dtype=data.dtype.name)), ending)

    np.testing.assert_array_equal(back.data, data)
    assert back.data.dtype == data.dtype
    assert back.modality is Modality.MR
    assert back.source.derived_by_us
    # float32 has 24 bits; NRRD and MetaImage print doubles in full, but NRRD stores spacing times direction.
    relative = 2e-7 if ending in NIFTI else 1e-14
    np.testing.assert_allclose(back.geometry.spacing, geometry.spacing, rtol=relative)
    np.testing.assert_allclose(back.geometry.origin, geometry.origin, rtol=relative, atol=relative)
    np.testing.assert_allclose(back.geometry.direction, geometry.direction, atol=relative)
    far = np.abs(corner_positions(geometry, data.shape)).max() + 1
    np.testing.assert_allclose(
        corner_positions(back.geometry, data.shape),
        corner_positions(geometry, data.shape),
        atol=relative * far,
    )


@settings(max_examples=15, deadline=None)
@given(geometry=geometries())
def test_other_readers_find_our_nifti_at_the_same_place(geometry: Geometry) -> None:
    data = np.arange(16 * 17 * 2, dtype=np.int16).reshape(2, 16, 17)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ours.nii.gz"
        write(Volume(data, geometry, Modality.CT, Source(stored_dtype="int16")), path)
        image = sitk.ReadImage(str(path))

    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), data)
    theirs = Geometry(image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    np.testing.assert_allclose(
        corner_positions(theirs, data.shape), corner_positions(geometry, data.shape), atol=2e-3
    )


@settings(max_examples=15, deadline=None)
@given(geometry=geometries())
def test_nifti_of_other_programs_is_found_at_the_same_place(geometry: Geometry) -> None:
    image = sitk.GetImageFromArray(np.arange(16 * 17 * 2, dtype=np.int16).reshape(2, 16, 17))
    image.SetSpacing(geometry.spacing)
    image.SetOrigin(geometry.origin)
    image.SetDirection(geometry.direction)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "theirs.nii"
        sitk.WriteImage(image, str(path))
        ours = read(path)

    np.testing.assert_array_equal(ours.data, sitk.GetArrayFromImage(image))
    np.testing.assert_allclose(
        corner_positions(ours.geometry, ours.shape), corner_positions(geometry, ours.shape), atol=2e-3
    )


@pytest.mark.parametrize("ending", EXACT + NIFTI)
def test_a_sheared_grid_survives_and_is_said(ending: str) -> None:
    tilt = np.deg2rad(18.5)
    direction = (1, 0, 0, 0, float(np.cos(tilt)), 0, 0, -float(np.sin(tilt)), 1)
    data = np.arange(16 * 16 * 2, dtype=np.int16).reshape(2, 16, 16)
    volume = Volume(
        data, Geometry((0.5, 0.5, 4.0), (1, 2, 3), direction), source=Source(stored_dtype="int16")
    )

    back = there_and_back(volume, ending)

    np.testing.assert_allclose(back.geometry.direction, direction, atol=1e-7)
    assert any("sheared by 18.5 degrees" in note for note in back.source.notes)


def nifti_with_scaling(path: Path, stored: np.ndarray, slope: float, intercept: float) -> Path:
    """Make a file as other programs make it: rescaled integers, no word on who wrote it."""
    volume = Volume(stored, source=Source(stored_dtype=stored.dtype.name))
    write(volume, path)
    raw = bytearray(path.read_bytes())
    raw[112:120] = np.array([slope, intercept], "<f4").tobytes()
    raw[148:228] = bytes(80)
    path.write_bytes(raw)
    return path


def test_other_readers_open_a_sheared_nifti_of_ours(tmp_path: Path) -> None:
    direction = (1, 0, 0, 0, float(np.cos(0.3)), 0, 0, -float(np.sin(0.3)), 1)
    data = np.arange(16 * 16 * 2, dtype=np.int16).reshape(2, 16, 16)
    write(Volume(data, Geometry((0.5, 0.5, 4.0), (1, 2, 3), direction)), tmp_path / "x.nii")

    image = sitk.ReadImage(str(tmp_path / "x.nii"))

    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), data)
    np.testing.assert_allclose(
        np.reshape(image.GetDirection(), (3, 3))[:, :2], np.reshape(direction, (3, 3))[:, :2], atol=1e-6
    )
    assert not any("differ" in note for note in read(tmp_path / "x.nii").source.notes)


def test_two_orientations_that_differ_are_said(tmp_path: Path) -> None:
    data = np.arange(16 * 16 * 2, dtype=np.int16).reshape(2, 16, 16)
    write(Volume(data), tmp_path / "x.nii")
    raw = bytearray((tmp_path / "x.nii").read_bytes())
    raw[268:272] = np.float32(50).tobytes()  # qoffset_x
    (tmp_path / "x.nii").write_bytes(raw)

    assert any("sform and qform) differ" in note for note in read(tmp_path / "x.nii").source.notes)


@pytest.mark.parametrize(
    ("dtype", "slope", "intercept", "kept"),
    [
        ("int16", 1.0, 0.0, "int16"),
        ("int16", 0.0, 7.0, "int16"),
        ("uint16", 1.0, -1024.0, "int16"),
        ("uint8", 2.0, 10.0, "int16"),
        ("int16", 0.25, 0.5, "float32"),
        ("int32", 0.37, 3.0, "float64"),
    ],
)
def test_rescaled_nifti_keeps_type_slope_and_intercept(
    tmp_path: Path, dtype: str, slope: float, intercept: float, kept: str
) -> None:
    top = 4095 if dtype == "uint16" else np.iinfo(dtype).max
    stored = np.random.default_rng(0).integers(0, top, (2, 16, 16), endpoint=True).astype(dtype)
    stored[0, 0, :2] = 0, top
    path = nifti_with_scaling(tmp_path / "in.nii", stored, slope, intercept)

    volume = read(path)
    write(volume, tmp_path / "out.nii")

    expected = stored.astype(float) * np.float32(slope) + intercept if slope else stored
    assert volume.data.dtype == kept
    np.testing.assert_allclose(volume.data, expected, rtol=1e-6, atol=1e-6 * abs(slope))
    raw = (tmp_path / "out.nii").read_bytes()
    np.testing.assert_array_equal(np.frombuffer(raw, dtype, offset=352), stored.ravel())
    np.testing.assert_allclose(
        np.frombuffer(raw[112:120], "<f4"), [slope or 1.0, intercept if slope else 0.0], rtol=1e-7
    )


@pytest.mark.parametrize("ending", EXACT + NIFTI)
def test_a_dicom_ct_becomes_int16_in_hu(scanner, ending: str) -> None:  # type: ignore[no-untyped-def]
    volume = read(scanner.series(3))

    back = there_and_back(volume.with_data(volume.as_float32() + 0.4), ending)

    assert back.data.dtype == np.int16
    np.testing.assert_array_equal(back.data, volume.data)
    assert (back.source.window, back.source.level) == (400.0, 40.0)
    assert back.modality is Modality.CT


def test_big_endian_nifti_is_read(tmp_path: Path) -> None:
    data = np.arange(16 * 16 * 2, dtype=np.int16).reshape(2, 16, 16)
    write(Volume(data, source=Source(stored_dtype="int16")), tmp_path / "little.nii")
    little = (tmp_path / "little.nii").read_bytes()
    from quietvoxel.io.nifti_header import NIFTI1

    header = np.frombuffer(little[:348], NIFTI1.newbyteorder("<"))
    big = header.astype(NIFTI1.newbyteorder(">")).tobytes() + bytes(4) + data.astype(">i2").tobytes()
    (tmp_path / "big.nii").write_bytes(big)

    volume = read(tmp_path / "big.nii")

    np.testing.assert_array_equal(volume.data, data)
    assert volume.data.dtype.isnative


def test_a_pair_of_header_and_image_is_read_from_either(tmp_path: Path) -> None:
    image = sitk.GetImageFromArray(np.arange(16 * 16 * 3, dtype=np.int16).reshape(3, 16, 16))
    sitk.WriteImage(image, str(tmp_path / "pair.hdr"), imageIO="NiftiImageIO")
    assert (tmp_path / "pair.img").is_file()

    for name in ("pair.hdr", "pair.img"):
        np.testing.assert_array_equal(read(tmp_path / name).data, sitk.GetArrayFromImage(image))


@pytest.mark.parametrize("ending", [*EXACT, *NIFTI])
def test_a_two_dimensional_image_is_one_slice(tmp_path: Path, ending: str) -> None:
    image = sitk.GetImageFromArray(np.arange(20 * 24, dtype=np.int16).reshape(20, 24))
    image.SetSpacing((0.5, 0.75))
    sitk.WriteImage(image, str(tmp_path / f"flat{ending}"))

    volume = read(tmp_path / f"flat{ending}")

    assert volume.shape == (1, 20, 24)
    assert volume.geometry.spacing[:2] == (0.5, 0.75)


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_a_frame_of_a_4d_file_is_picked(tmp_path: Path, ending: str) -> None:
    data = np.random.default_rng(0).integers(0, 99, (3, 2, 16, 18)).astype(np.int16)
    image = sitk.JoinSeries([sitk.GetImageFromArray(volume) for volume in data])
    sitk.WriteImage(image, str(tmp_path / f"four{ending}"))

    with pytest.raises(Exception, match=r"4-D with 3 frames.*frame=0 to 2 \(--frame\)"):
        read(tmp_path / f"four{ending}")
    np.testing.assert_array_equal(read(tmp_path / f"four{ending}", frame=2).data, data[2])
