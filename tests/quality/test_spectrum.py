from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from quietvoxel.quality import lag_correlation, noise_power_spectrum, radial_average, residual_statistics


def test_white_noise_has_a_flat_spectrum_of_variance_times_pixel_area() -> None:
    noise = np.random.default_rng(4).normal(0, 20, (16, 256, 256))

    spectrum = noise_power_spectrum(noise, (0.5, 0.8), size=32)
    frequency, power = radial_average(spectrum)

    assert power[1:] == pytest.approx(20**2 * 0.5 * 0.8, rel=0.06)
    assert frequency[-1] <= 0.5 / 0.5
    assert spectrum.variance == pytest.approx(400, rel=0.02)


def test_correlated_noise_follows_the_filter_that_made_it() -> None:
    white = np.random.default_rng(5).normal(0, 1, (24, 256, 256))
    noise = ndimage.gaussian_filter(white, (0, 1.0, 1.0), mode="wrap")

    spectrum = noise_power_spectrum(noise, (1.0, 1.0), size=64)
    frequency, power = radial_average(spectrum)

    expected = np.exp(-((2 * np.pi * frequency) ** 2))
    assert power[2:16] == pytest.approx(expected[2:16], rel=0.15)


def test_a_region_has_to_lie_inside_the_mask() -> None:
    noise = np.random.default_rng(6).normal(0, 1, (1, 64, 64))
    noise[:, :, 32:] += 1000
    mask = np.zeros(noise.shape, bool)
    mask[:, :, :32] = True

    assert noise_power_spectrum(noise, (1, 1), size=16, mask=mask).variance == pytest.approx(1, rel=0.1)
    with pytest.raises(ValueError, match="smaller size"):
        noise_power_spectrum(noise, (1, 1), size=64, mask=mask)


def test_lag_correlation_of_an_average_of_two_pixels_is_one_half() -> None:
    white = np.random.default_rng(7).normal(0, 1, (4, 200, 200))
    noise = white + np.roll(white, 1, axis=2)

    along_x, along_y, two_x = lag_correlation(noise, ((0, 1), (1, 0), (0, 2)))

    assert along_x == pytest.approx(0.5, abs=0.01)
    assert along_y == pytest.approx(0.0, abs=0.01)
    assert two_x == pytest.approx(0.0, abs=0.01)


def test_lag_correlation_takes_only_pairs_inside_the_mask() -> None:
    noise = np.random.default_rng(8).normal(0, 1, (1, 100, 100))
    noise[:, 50:] = 1e6
    mask = np.zeros(noise.shape, bool)
    mask[:, :50] = True

    assert lag_correlation(noise, ((1, 0),), mask)[0] == pytest.approx(0, abs=0.05)


def test_a_residual_of_pure_noise_shows_no_structure() -> None:
    rng = np.random.default_rng(9)
    clean = np.kron(rng.uniform(0, 100, (2, 16, 16)), np.ones((1, 8, 8)))
    noise = rng.normal(1.0, 5, clean.shape)

    found = residual_statistics(clean + noise, clean)

    assert found.mean == pytest.approx(1, abs=0.1)
    assert found.sd == pytest.approx(5, rel=0.02)
    assert found.sd_robust == pytest.approx(5, rel=0.03)
    assert abs(found.structure) < 0.03
    assert abs(found.lag_x) < 0.03


def test_a_residual_that_holds_edges_shows_structure() -> None:
    rng = np.random.default_rng(10)
    clean = np.kron(rng.uniform(0, 100, (2, 16, 16)), np.ones((1, 8, 8)))

    found = residual_statistics(clean, 0.8 * clean)

    assert found.structure == pytest.approx(1)


def test_an_empty_residual_is_all_zero() -> None:
    image = np.ones((1, 8, 8))

    found = residual_statistics(image, image)

    assert (found.sd, found.structure, found.lag_x) == (0, 0, 0)
