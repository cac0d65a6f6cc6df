"""Phantoms: the same patient on every grid, with the values and partial volume of a scanner."""

from __future__ import annotations

import numpy as np
import pytest

from quietvoxel.phantoms import ct_phantom, mr_phantom, smooth_texture
from quietvoxel.volume import Modality

PHANTOMS = [ct_phantom, mr_phantom]
CONTRASTS = ["T1", "T2", "FLAIR"]


def blocks(data: np.ndarray, factors: tuple[int, int, int]) -> np.ndarray:
    """Mean over blocks of voxels, as a coarser grid would see them."""
    (nz, ny, nx), (kz, ky, kx) = data.shape, factors
    return data.reshape(nz // kz, kz, ny // ky, ky, nx // kx, kx).mean(axis=(1, 3, 5))


@pytest.fixture(scope="module")
def body() -> np.ndarray:
    """Lung bases, liver, kidneys and spine of one patient, 14 slices of 16 mm."""
    return ct_phantom((14, 70, 90), (16.0, 4.8, 4.8), seed=2, centre_z_mm=-40.0).data


@pytest.mark.parametrize("make", PHANTOMS)
def test_the_same_seed_gives_the_same_volume_and_another_seed_another_anatomy(make):
    first, again, other = (make((2, 64, 64), (5.0, 6.0, 6.0), seed=seed).data for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert np.corrcoef(first.ravel(), other.ravel())[0, 1] < 0.95
    assert np.abs(first - other).mean() > 0.04 * np.ptp(first)


@pytest.mark.parametrize("make", PHANTOMS)
def test_the_volume_carries_its_geometry(make):
    volume = make((3, 40, 50), (4.0, 5.0, 4.5))
    assert volume.shape == (3, 40, 50)
    assert volume.data.dtype == np.float32
    assert np.isfinite(volume.data).all()
    assert volume.geometry.spacing == (4.5, 5.0, 4.0)
    # The middle of the grid lies at the origin of the patient.
    middle = np.add(volume.geometry.origin, np.multiply((49, 39, 2), volume.geometry.spacing) / 2)
    np.testing.assert_allclose(middle, 0, atol=1e-9)
    assert volume.modality is (Modality.CT if make is ct_phantom else Modality.MR)


@pytest.mark.parametrize("make", PHANTOMS)
def test_thick_slices_are_the_mean_of_the_thin_slices_they_cover(make):
    fine = make((18, 72, 72), (1.0, 5.0, 5.0), seed=1, centre_z_mm=0.0).data
    thick = make((3, 72, 72), (6.0, 5.0, 5.0), seed=1, centre_z_mm=0.0).data
    expected = blocks(fine, (6, 1, 1))
    assert np.std(thick - expected) < 0.04 * np.std(expected)
    # A control: the slice below is clearly another one.
    assert np.std(thick[1:] - expected[:-1]) > 3 * np.std(thick - expected)


@pytest.mark.parametrize("make", PHANTOMS)
def test_coarse_pixels_are_the_mean_of_the_fine_pixels_they_cover(make):
    fine = make((1, 240, 240), (4.0, 1.7, 1.7), seed=3).data
    coarse = make((1, 80, 80), (4.0, 5.1, 5.1), seed=3).data
    expected = blocks(fine, (1, 3, 3))
    assert np.std(coarse - expected) < 0.05 * np.std(expected)
    assert abs(np.mean(coarse - expected)) < 0.005 * np.std(expected)


def test_ct_has_the_hounsfield_units_of_its_tissues(body):
    assert body.min() >= -1001
    assert body.max() < 1500
    assert np.all(body[:, 0, :10] == -1000)
    shares = {
        name: np.mean((body > low) & (body < high))
        for name, (low, high) in {
            "air": (-1001, -990),
            "lung": (-930, -700),
            "fat": (-135, -75),
            "soft tissue": (20, 200),
            "bone": (250, 1500),
        }.items()
    }
    assert 0.3 < shares["air"] < 0.7
    assert 0.01 < shares["lung"] < 0.25
    assert 0.05 < shares["fat"] < 0.4
    assert 0.1 < shares["soft tissue"] < 0.5
    assert 0.003 < shares["bone"] < 0.1


def test_ct_shows_chest_above_and_belly_below_the_diaphragm(body):
    lung = np.mean((body > -930) & (body < -700), axis=(1, 2))
    assert lung[-3:].min() > 0.1
    assert lung[:3].max() < 0.3 * lung[-3:].min()


def test_ct_patient_is_life_size_when_it_fits():
    for pixels, mm in ((160, 3.0), (100, 4.8)):
        image = ct_phantom((1, pixels, pixels), (3.0, mm, mm), seed=6, centre_z_mm=-80.0).data[0]
        width_mm = np.count_nonzero((image > -500).any(axis=0)[: pixels - 1]) * mm
        assert 290 < width_mm < 460


def test_a_small_field_of_view_still_shows_the_whole_patient():
    image = ct_phantom((1, 64, 64), (1.0, 1.0, 1.0), seed=0, centre_z_mm=-80.0).data[0]
    assert np.all(image[:2] == -1000)
    assert np.all(image[:40, [0, -1]] == -1000)
    assert 0.3 < np.mean(image > -200) < 0.8


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_mr_is_a_magnitude_on_a_background_of_zeros(contrast):
    volume = mr_phantom((2, 80, 70), (3.0, 3.0, 3.0), seed=3, contrast=contrast)
    assert volume.data.min() == 0
    assert np.all(volume.data[:, :3, :3] == 0)
    assert 0.3 < np.mean(volume.data > 0.05 * volume.data.max()) < 0.85


def test_mr_contrasts_order_the_tissues_as_scanners_do():
    levels = {}
    for contrast in CONTRASTS:
        data = mr_phantom((4, 160, 128), (3.0, 1.5, 1.5), seed=1, contrast=contrast, centre_z_mm=20.0).data
        middle = data[:, 48:112, 36:92]
        # Deep in the brain lie white matter, most of it, and ventricles.
        white = np.median(middle)
        fluid = np.percentile(middle, 1 if contrast != "T2" else 99)
        levels[contrast] = fluid / white
    assert levels["T1"] < 0.5
    assert levels["T2"] > 2
    assert levels["FLAIR"] < 0.4


def test_an_unknown_mr_contrast_is_refused_by_name():
    with pytest.raises(ValueError, match=r"T1, T2, FLAIR.*'PD'"):
        mr_phantom((1, 16, 16), (5.0, 10.0, 10.0), contrast="PD")


def test_smooth_texture_is_one_field_on_every_grid():
    fine = smooth_texture((1, 120, 120), (2.0, 1.0, 1.0), scale_mm=8.0, seed=9)
    coarse = smooth_texture((1, 60, 60), (2.0, 2.0, 2.0), scale_mm=8.0, seed=9)
    np.testing.assert_allclose(blocks(fine, (1, 2, 2)), coarse, atol=0.05)
    assert abs(smooth_texture((8, 80, 80), (4.0, 4.0, 4.0), 8.0).std() - 1) < 0.15


def test_smooth_texture_loses_its_likeness_beyond_its_scale():
    line = smooth_texture((1, 200, 200), (1.0, 1.0, 1.0), scale_mm=6.0)[0]
    near = np.corrcoef(line[:, :-2].ravel(), line[:, 2:].ravel())[0, 1]
    far = np.corrcoef(line[:, :-30].ravel(), line[:, 30:].ravel())[0, 1]
    assert near > 0.8
    assert abs(far) < 0.15
