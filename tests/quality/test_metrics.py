from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from quietvoxel.quality import mse, psnr, rmse, ssim, ssim_map


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    reference = rng.uniform(0, 1, (3, 24, 20))
    return reference + rng.normal(0, 0.1, reference.shape), reference


def test_errors_equal_those_computed_by_hand() -> None:
    reference = np.array([[0.0, 10.0], [20.0, 30.0]])
    image = np.array([[3.0, 10.0], [16.0, 30.0]])

    assert mse(image, reference) == pytest.approx((9 + 16) / 4)
    assert rmse(image, reference) == pytest.approx(2.5)
    assert psnr(image, reference, data_range=400) == pytest.approx(10 * math.log10(400**2 / 6.25))


def test_a_mask_pools_its_voxels_instead_of_averaging_slices() -> None:
    reference = np.zeros((2, 1, 4))
    image = np.array([[[2.0, 2.0, 2.0, 9.0]], [[4.0, 9.0, 9.0, 9.0]]])
    mask = image < 9

    assert mse(image, reference, mask=mask) == pytest.approx((3 * 4 + 16) / 4)


def test_a_window_clips_both_images_before_they_are_compared() -> None:
    reference = np.array([[-1000.0, 0.0, 900.0]])
    image = np.array([[-400.0, 20.0, 300.0]])

    assert mse(image, reference, window=(-160, 240)) == pytest.approx(400 / 3)


def test_psnr_is_that_of_scikit_image(pair: tuple[np.ndarray, np.ndarray]) -> None:
    image, reference = pair

    assert psnr(image, reference, data_range=1.0) == pytest.approx(
        peak_signal_noise_ratio(reference, image, data_range=1.0)
    )


def test_ssim_of_a_slice_is_that_of_scikit_image(pair: tuple[np.ndarray, np.ndarray]) -> None:
    image, reference = pair

    assert ssim(image[0], reference[0], data_range=1.0) == pytest.approx(
        structural_similarity(reference[0], image[0], data_range=1.0)
    )


def test_ssim_over_a_mask_averages_scikit_images_map(pair: tuple[np.ndarray, np.ndarray]) -> None:
    image, reference = pair
    mask = reference > 0.5
    maps = [
        structural_similarity(b, a, data_range=1.0, full=True)[1]
        for a, b in zip(image, reference, strict=True)
    ]

    assert ssim(image, reference, data_range=1.0, mask=mask) == pytest.approx(np.stack(maps)[mask].mean())


def test_ssim_in_a_window_does_not_see_what_the_window_hides() -> None:
    rng = np.random.default_rng(2)
    reference = np.where(rng.uniform(size=(16, 16)) > 0.5, 1000.0, -1000.0)
    image = reference + rng.uniform(-200, 200, reference.shape)

    assert ssim_map(image, reference, data_range=400, window=(-160, 240)).min() == pytest.approx(1.0)


def test_identical_images_have_infinite_psnr_and_an_ssim_of_one(pair: tuple[np.ndarray, np.ndarray]) -> None:
    image, _ = pair

    assert psnr(image, image, data_range=1.0) == math.inf
    assert ssim(image, image, data_range=1.0) == pytest.approx(1.0)


def test_what_cannot_be_measured_is_said() -> None:
    image = np.zeros((8, 8))

    with pytest.raises(ValueError, match="mask is empty"):
        psnr(image, image, data_range=1.0, mask=np.zeros((8, 8), bool))
    with pytest.raises(ValueError, match="differ in shape"):
        rmse(image, image[:4])
    with pytest.raises(ValueError, match="positive"):
        psnr(image, image + 1, data_range=0.0)
