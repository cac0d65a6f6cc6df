"""MR: what the estimate of noise says about phantoms whose noise is known."""

from __future__ import annotations

import numpy as np
import pytest

from quietvoxel.degradation.kspace import filled_shares, without_zero_filling
from quietvoxel.degradation.mr_background import background_noise
from quietvoxel.degradation.noise_level import estimate_noise
from quietvoxel.degradation.noise_level_mr import rician_factor
from quietvoxel.phantoms import mr_phantom


@pytest.fixture(scope="module", params=["T1", "T2", "FLAIR"])
def head(request: pytest.FixtureRequest) -> np.ndarray:
    """A noise-free head, its 99.5th percentile at 1."""
    data = mr_phantom((6, 224, 224), (3.0, 1.0, 1.0), seed=7, contrast=request.param).as_float32()
    return data / np.float32(np.percentile(data, 99.5))


@pytest.fixture(scope="module")
def t1_head() -> np.ndarray:
    data = mr_phantom((6, 224, 224), (3.0, 1.0, 1.0), seed=11, contrast="T1").as_float32()
    return data / np.float32(np.percentile(data, 99.5))


def noisy(image: np.ndarray, sigma: float | np.ndarray, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.hypot(image + sigma * rng.normal(size=image.shape), sigma * rng.normal(size=image.shape))


def zero_filled(image: np.ndarray, sigma: float, factor: int = 2) -> np.ndarray:
    rng = np.random.default_rng(1)
    complex_image = image + sigma * (rng.normal(size=image.shape) + 1j * rng.normal(size=image.shape))
    centre = np.fft.fftshift(np.fft.fft2(complex_image), axes=(1, 2))
    margin = [((factor - 1) * n // 2,) * 2 for n in image.shape[1:]]
    padded = np.pad(centre, [(0, 0), *margin])
    return np.abs(np.fft.ifft2(np.fft.ifftshift(padded, axes=(1, 2)))) * factor**2


@pytest.mark.parametrize("sigma", [0.01, 0.03, 0.06, 0.10])
def test_background_tells_the_noise_within_five_percent(head: np.ndarray, sigma: float) -> None:
    found = estimate_noise(noisy(head, sigma), "MR")

    assert found.method == "background"
    assert found.reliable
    assert found.sigma == pytest.approx(sigma, rel=0.05)


def test_the_estimate_has_the_unit_of_the_volume(t1_head: np.ndarray) -> None:
    found = estimate_noise(np.round(noisy(1000 * t1_head, 30)).astype(np.int16), "MR")

    assert found.sigma == pytest.approx(30, rel=0.05)


def test_a_zeroed_background_is_said_and_tissue_read_within_ten_percent(head: np.ndarray) -> None:
    image = noisy(head, 0.06)
    image[head < 0.05] = 0

    found = estimate_noise(image, "MR")

    assert found.method == "tissue"
    assert any("set to zero" in note for note in found.notes)
    assert found.sigma == pytest.approx(0.06, rel=0.10)


def test_a_zeroed_background_left_out_as_padding_is_read_alike(head: np.ndarray) -> None:
    # Inference leaves exact zeros out; dark bone and fluid must then not be taken for the background.
    image = np.where(head > 0, noisy(head, 0.06), 0.0)

    found = estimate_noise(image, "MR", head > 0)

    assert found.sigma == pytest.approx(0.06, rel=0.10)
    assert any("set to zero" in note for note in found.notes)


def test_a_background_that_was_filtered_is_not_believed(t1_head: np.ndarray) -> None:
    image = noisy(t1_head, 0.06)
    image[t1_head < 0.02] = 0.02 + 0.1 * image[t1_head < 0.02]

    found = estimate_noise(image, "MR")

    assert found.method == "tissue"
    assert any("not plain noise" in note for note in found.notes)
    assert found.sigma == pytest.approx(0.06, rel=0.10)


def test_ghosts_in_the_background_do_not_raise_the_estimate(t1_head: np.ndarray) -> None:
    ghosted = t1_head + 0.12 * np.roll(t1_head, 112, axis=1)

    assert estimate_noise(noisy(ghosted, 0.04), "MR").sigma == pytest.approx(0.04, rel=0.05)


def test_zero_filling_is_recognised_and_does_not_lower_the_estimate(t1_head: np.ndarray) -> None:
    image = zero_filled(t1_head, 0.05)

    found = estimate_noise(image, "MR")

    assert found.zero_filled == pytest.approx((0.5, 0.5), abs=0.04)
    assert any("zero filling" in note for note in found.notes)
    assert found.sigma == pytest.approx(0.05, rel=0.05)


def test_zero_filling_undone_keeps_the_noise_of_a_voxel() -> None:
    flat = np.full((4, 96, 96), 1.0)

    image = without_zero_filling(zero_filled(flat, 0.05).astype(np.float32), (0.5, 0.5))

    assert image[:, 8:-8, 8:-8].std() == pytest.approx(0.05, rel=0.05)


def test_an_image_that_was_not_interpolated_has_a_full_k_space(head: np.ndarray) -> None:
    assert filled_shares(noisy(head, 0.03).astype(np.float32)) == (1.0, 1.0)


def test_noise_that_varies_over_the_image_is_said(t1_head: np.ndarray) -> None:
    across = np.linspace(0.015, 0.14, t1_head.shape[2])[None, None]

    found = estimate_noise(noisy(t1_head, across), "MR")
    even = estimate_noise(noisy(t1_head, 0.06), "MR")

    assert found.variation > 1.3 > even.variation
    assert any("varies" in note for note in found.notes)
    assert not any("varies" in note for note in even.notes)


def test_several_coils_are_not_taken_for_one(t1_head: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    coils = [
        t1_head / 2 + 0.05 * (rng.normal(size=t1_head.shape) + 1j * rng.normal(size=t1_head.shape))
        for _ in range(4)
    ]
    image = np.sqrt(sum(np.abs(coil) ** 2 for coil in coils))

    found = estimate_noise(image, "MR")

    assert found.method == "tissue"
    assert found.sigma == pytest.approx(0.05, rel=0.12)


@pytest.mark.parametrize("sigma", [0.02, 0.05])
def test_rayleigh_noise_alone_tells_its_sigma(sigma: float) -> None:
    image = noisy(np.zeros((2, 128, 128)), sigma).astype(np.float32)

    found = background_noise(image, np.ones(image.shape, bool), bright=10 * sigma)

    assert found.rayleigh
    assert found.sigma == pytest.approx(sigma, rel=0.03)


@pytest.mark.parametrize("signal", [0.0, 1.0, 2.0, 5.0])
def test_the_rician_factor_gives_sigma_at_any_signal(signal: float) -> None:
    m = noisy(np.full((1, 500, 500), signal), 1.0)

    factor = rician_factor(np.array([m.mean() / m.std()]))[0]

    assert m.std() * factor == pytest.approx(1.0, rel=0.02)


def test_what_cannot_be_known_is_said_in_a_sentence() -> None:
    for image in (np.zeros((4, 64, 64)), np.full((4, 64, 64), 7.0), np.ones((4, 8, 8))):
        found = estimate_noise(image, "MR")

        assert not found.reliable
        assert found.sigma == 0
        assert found.notes[0].endswith(".")


def test_a_mask_leaves_voxels_out(t1_head: np.ndarray) -> None:
    image = noisy(t1_head, 0.05)
    image[:, :, :60] = 5 * noisy(t1_head, 0.5, seed=3)[:, :, :60]
    mask = np.zeros(image.shape, bool)
    mask[:, :, 60:] = True

    assert estimate_noise(image, "MR", mask).sigma == pytest.approx(0.05, rel=0.06)


def test_an_image_of_unknown_kind_is_taken_as_white_noise(t1_head: np.ndarray) -> None:
    image = 100 * t1_head + np.random.default_rng(4).normal(0, 6, t1_head.shape)

    found = estimate_noise(image, "OTHER")

    assert found.sigma == pytest.approx(6, rel=0.1)
    assert "not known" in found.notes[0]
