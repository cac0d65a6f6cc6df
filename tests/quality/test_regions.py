"""Figures of drawn regions and lines equal those computed by hand and by scikit-image."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.measure import profile_line

from quietvoxel.errors import BadInputError
from quietvoxel.quality import (
    RegionStatistics,
    contrast_to_noise,
    line_profile,
    noise_power_spectrum,
    radial_average,
    region_spectrum,
    region_statistics,
    residual_histogram,
)


def test_a_regions_figures_equal_those_computed_by_hand() -> None:
    image = np.array([[2, 4, 99], [6, 8, 99]], dtype=np.int16)

    found = region_statistics(image, image < 50)

    # mean 5; squared deviations 9 + 1 + 1 + 9 = 20 over n - 1 = 3
    assert found.mean == pytest.approx(5.0)
    assert found.sd == pytest.approx(math.sqrt(20 / 3))
    assert found.snr == pytest.approx(5 / math.sqrt(20 / 3))
    assert found.voxels == 4


def test_contrast_is_measured_in_the_noise_of_the_background() -> None:
    lesion = RegionStatistics(mean=80.0, sd=30.0, snr=1.0, voxels=9)
    liver = RegionStatistics(mean=110.0, sd=12.0, snr=1.0, voxels=99)

    assert contrast_to_noise(lesion, liver) == pytest.approx(30 / 12)
    assert contrast_to_noise(liver, lesion) == pytest.approx(30 / 30)


def test_a_constant_region_has_no_noise() -> None:
    everywhere = np.ones((3, 3), bool)

    assert region_statistics(np.full((3, 3), 7.0), everywhere).snr == math.inf
    assert region_statistics(np.zeros((3, 3)), everywhere).snr == 0.0


def test_a_region_that_cannot_be_measured_is_said() -> None:
    image = np.zeros((4, 4))
    one = np.zeros((4, 4), bool)
    one[0, 0] = True

    with pytest.raises(BadInputError, match="fewer than two"):
        region_statistics(image, one)
    with pytest.raises(BadInputError, match="not numbers"):
        region_statistics(np.full((4, 4), np.nan), np.ones((4, 4), bool))


def test_a_profile_runs_in_millimetres() -> None:
    ramp = np.arange(10.0)[:, None] * 10 + np.arange(20.0)

    distance, values = line_profile(ramp, (2, 3), (6, 6), (1.5, 2.0))

    # 4 rows of 1.5 mm and 3 columns of 2 mm: 6 mm by 6 mm
    assert distance[0] == 0
    assert distance[-1] == pytest.approx(math.hypot(6, 6))
    assert np.diff(distance).max() <= 0.75
    np.testing.assert_allclose(values, np.linspace(23, 66, len(values)))


def test_a_profile_along_pixels_is_that_of_scikit_image() -> None:
    image = np.random.default_rng(3).normal(size=(30, 40))

    distance, values = line_profile(image, (4, 7), (4, 27), (1.0, 1.0))

    ours = values[np.isclose(distance % 1, 0)]
    np.testing.assert_allclose(ours, profile_line(image, (4, 7), (4, 27), order=1, mode="constant"))


def test_a_profile_through_a_volume_may_leave_it() -> None:
    volume = np.ones((4, 8, 8), dtype=np.int16)

    distance, values = line_profile(volume, (1, 4, 4), (1, 4, 12), (5.0, 1.0, 1.0))

    np.testing.assert_array_equal(np.isfinite(values), distance <= 3)
    assert np.isnan(line_profile(volume, (9, 0, 0), (9, 4, 4), (5.0, 1.0, 1.0))[1]).all()
    with pytest.raises(BadInputError, match="no length"):
        line_profile(volume, (1, 4, 4), (1, 4, 4), (5.0, 1.0, 1.0))


def test_a_histogram_of_gaussian_noise_follows_its_gaussian() -> None:
    noise = np.random.default_rng(4).normal(2.0, 15.0, (4, 200, 200))

    found = residual_histogram(noise, np.zeros_like(noise))

    assert found.median == pytest.approx(2.0, abs=0.2)
    assert found.sd_robust == pytest.approx(15.0, rel=0.01)
    assert found.edges[0] == pytest.approx(-found.edges[-1])
    assert np.abs(found.density - found.gaussian).max() < 0.04 * found.gaussian.max()
    assert found.density.sum() * np.diff(found.edges)[0] == pytest.approx(1 - found.beyond)
    assert found.beyond < 1e-5


def test_a_histogram_counts_what_is_in_the_mask() -> None:
    before = np.array([[1.0, -1.0, 50.0, np.nan]])
    mask = np.array([[True, True, False, True]])

    found = residual_histogram(before, np.zeros_like(before), mask, bins=3)

    np.testing.assert_allclose(found.density * np.diff(found.edges), [0, 1, 0])
    with pytest.raises(BadInputError, match="No voxel"):
        residual_histogram(before, before, np.zeros_like(mask))
    with pytest.raises(BadInputError, match="differ in shape"):
        residual_histogram(before, before[:, :2])


def test_an_empty_residual_has_a_histogram_too() -> None:
    found = residual_histogram(np.ones((5, 5)), np.ones((5, 5)))

    assert (found.sd_robust, found.beyond) == (0, 0)
    assert np.isfinite(found.density).all()


def test_the_spectrum_of_a_region_is_that_of_its_largest_squares() -> None:
    noise = np.random.default_rng(5).normal(0, 10, (3, 60, 60))
    mask = np.zeros(noise.shape, bool)
    mask[:, 10:45, 8:50] = True

    frequency, power = region_spectrum(noise, mask, (0.5, 0.5))

    expected = radial_average(noise_power_spectrum(noise[:, 11:43, 13:45], (0.5, 0.5), size=32))
    np.testing.assert_array_equal(frequency, expected[0][1:])
    np.testing.assert_array_equal(power, expected[1][1:])
    assert power.mean() == pytest.approx(100 * 0.25, rel=0.15)


def test_a_small_ellipse_has_a_spectrum_of_the_square_in_its_middle() -> None:
    noise = np.random.default_rng(6).normal(0, 10, (40, 40))
    rows, columns = np.ogrid[:40, :40]
    mask = (rows - 20) ** 2 + (columns - 18) ** 2 <= 36

    _, power = region_spectrum(noise, mask, (1.0, 1.0))

    expected = radial_average(noise_power_spectrum(noise[16:24, 14:22], (1.0, 1.0), size=8))
    np.testing.assert_array_equal(power, expected[1][1:])


def test_a_region_too_small_for_a_spectrum_is_said() -> None:
    mask = np.zeros((40, 40), bool)
    mask[:7, :20] = True

    with pytest.raises(BadInputError, match="larger"):
        region_spectrum(np.zeros((40, 40)), mask, (1.0, 1.0))
