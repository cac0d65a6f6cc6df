"""CT: what the estimate of noise says about phantoms whose noise is known and correlated as FBP makes it."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from quietvoxel.degradation.ct_geometry import ParallelBeam
from quietvoxel.degradation.ct_noise import insert_noise, unit_noise
from quietvoxel.degradation.noise_level import estimate_noise
from quietvoxel.phantoms import ct_phantom

SPACING = (3.0, 1.4, 1.4)


@pytest.fixture(scope="module", params=[3, 8])
def body(request: pytest.FixtureRequest) -> np.ndarray:
    return ct_phantom((4, 256, 256), SPACING, seed=request.param, centre_z_mm=-60.0).as_float32()


@pytest.fixture(scope="module")
def fbp_noise(body: np.ndarray) -> np.ndarray:
    """Correlated noise of the phantom, of any strength."""
    hu = torch.from_numpy(body)[:, None]
    generator = torch.Generator().manual_seed(1)
    unit = unit_noise(hu, SPACING[1:], generator=generator, geometry=ParallelBeam(views=240))
    return unit.quantum[:, 0].numpy()


def with_noise(body: np.ndarray, noise: np.ndarray, sigma: float) -> np.ndarray:
    hu = torch.from_numpy(body)[:, None]
    return insert_noise(hu, torch.from_numpy(noise)[:, None], sigma)[:, 0].numpy()


@pytest.mark.parametrize("sigma", [10.0, 20.0, 40.0])
def test_correlated_noise_is_read_within_ten_percent(
    body: np.ndarray, fbp_noise: np.ndarray, sigma: float
) -> None:
    found = estimate_noise(with_noise(body, fbp_noise, sigma), "CT")

    assert found.method.startswith("soft tissue")
    assert found.reliable
    assert found.sigma == pytest.approx(sigma, rel=0.10)


@pytest.mark.parametrize("sigma", [10.0, 40.0])
def test_white_noise_is_read_within_ten_percent(body: np.ndarray, sigma: float) -> None:
    noise = np.random.default_rng(5).normal(0, sigma, body.shape)

    assert estimate_noise(body + noise, "CT").sigma == pytest.approx(sigma, rel=0.10)


def test_a_noise_free_body_reads_next_to_nothing_or_is_doubted(body: np.ndarray) -> None:
    found = estimate_noise(body, "CT")

    assert found.sigma < 3 or not found.reliable


def test_noise_that_varies_over_the_image_is_said(body: np.ndarray) -> None:
    white = np.random.default_rng(6).normal(0, 1, body.shape)
    across = np.linspace(5, 60, body.shape[2])

    found = estimate_noise(body + white * across, "CT")

    assert found.variation > 1.4


def test_without_soft_tissue_the_estimate_is_called_a_guess() -> None:
    rng = np.random.default_rng(7)
    block = np.full((3, 96, 96), -1000.0)
    block[:, 20:76, 20:76] = 600
    block += rng.normal(0, 12, block.shape)

    found = estimate_noise(block, "CT")

    assert not found.reliable
    assert "too little soft tissue" in found.notes[0]
    assert found.sigma == pytest.approx(12, rel=0.1)


def test_air_alone_cannot_be_known() -> None:
    air = np.random.default_rng(8).normal(-1000, 10, (3, 64, 64))

    found = estimate_noise(air, "CT")

    assert (found.sigma, found.method, found.reliable) == (0.0, "none", False)


def test_padding_outside_the_mask_is_left_alone(body: np.ndarray) -> None:
    image = body + np.random.default_rng(9).normal(0, 20, body.shape)
    mask = np.ones(body.shape, bool)
    mask[:, :, :100] = False
    image[:, :, :100] = 50.0

    assert estimate_noise(image, "CT", mask).sigma == pytest.approx(20, rel=0.1)


def test_integers_are_read_like_floats(body: np.ndarray) -> None:
    image = np.round(body + np.random.default_rng(10).normal(0, 15, body.shape)).astype(np.int16)

    assert estimate_noise(image, "CT").sigma == pytest.approx(15, rel=0.1)


def test_a_large_volume_takes_two_seconds_of_processor_time_at_most() -> None:
    volume = np.random.default_rng(11).normal(50, 20, (1, 512, 512)).astype(np.float32).repeat(96, axis=0)

    start = time.process_time()
    found = estimate_noise(volume, "CT")

    assert time.process_time() - start < 2 * max(1, torch.get_num_threads())
    assert found.sigma == pytest.approx(20, rel=0.05)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="z, y, x"):
        estimate_noise(np.zeros((64, 64)), "CT")
    with pytest.raises(ValueError, match="same shape"):
        estimate_noise(np.zeros((2, 64, 64)), "CT", np.ones((1, 64, 64), bool))
