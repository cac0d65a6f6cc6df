"""Rician noise: an exact semi-group with a known mean that can be undone."""

from __future__ import annotations

import math

import pytest
import torch
from scipy import stats

from quietvoxel.degradation.rician import K_RICIAN, add_rician, invert_rician_mean, rician, rician_mean


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("value", [0.0, 0.05, 0.3])
def test_three_steps_have_the_law_of_one(value: float) -> None:
    x = torch.full((1, 1, 150, 150), value, dtype=torch.float64)
    source = generator(5)
    steps = x
    for delta in (0.3, 0.5, 0.2):
        steps = rician(steps, delta, source)
    single = rician(x, 1.0, source)

    longer = rician(x, 1.2, source)

    # One right law in a thousand fails at this level; a total time that is off by a fifth does at every seed.
    assert stats.ks_2samp(steps.flatten(), single.flatten()).pvalue > 1e-3
    assert stats.ks_2samp(steps.flatten(), longer.flatten()).pvalue < 1e-3


def test_the_law_is_that_of_rice() -> None:
    noisy = rician(torch.full((1, 1, 150, 150), 0.2, dtype=torch.float64), 2.0, generator())
    sigma = math.sqrt(2 * K_RICIAN)
    assert stats.kstest(noisy.flatten(), stats.rice(0.2 / sigma, scale=sigma).cdf).pvalue > 1e-3


def test_no_step_returns_the_image_bit_for_bit() -> None:
    x = torch.rand(2, 1, 16, 16, generator=generator())
    noisy = rician(x, torch.tensor([0.0, 1.0]), generator())
    assert torch.equal(noisy[0], x[0])
    assert not torch.equal(noisy[1], x[1])


def test_each_sample_has_its_own_step() -> None:
    x = torch.full((3, 1, 100, 100), 0.8)
    noisy = rician(x, torch.tensor([0.1, 0.5, 2.0]), generator())
    sds = noisy.flatten(1).std(dim=1)
    torch.testing.assert_close(sds, torch.sqrt(K_RICIAN * torch.tensor([0.1, 0.5, 2.0])), rtol=0.03, atol=0)


def test_the_real_part_is_drawn_before_the_imaginary() -> None:
    x = torch.full((1, 1, 8, 8), 0.5)
    source = generator(3)
    real, imaginary = (torch.randn(x.shape, generator=source) for _ in range(2))
    expected = torch.sqrt((x + 0.1 * real) ** 2 + (0.1 * imaginary) ** 2)
    torch.testing.assert_close(add_rician(x, 0.1, generator(3)), expected)


def test_the_mean_is_that_of_rice() -> None:
    ratio = torch.tensor([0.0, 0.1, 0.5, 1.0, 3.0, 10.0, 25.0], dtype=torch.float64)
    expected = torch.from_numpy(0.06 * stats.rice(ratio.numpy()).mean())
    torch.testing.assert_close(rician_mean(0.06 * ratio, 0.06), expected, rtol=1e-9, atol=0)


def test_without_noise_the_mean_is_the_magnitude() -> None:
    x = torch.tensor([0.2, 0.5, 1.0])
    torch.testing.assert_close(rician_mean(x, 1e-12), x)
    torch.testing.assert_close(rician_mean(x, 0.0), x)
    torch.testing.assert_close(rician_mean(torch.tensor([1.0]), 0.005), torch.tensor([1.0 + 0.5 * 0.005**2]))
    assert torch.equal(invert_rician_mean(x, 0.0), x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sigma", [0.01, 0.06, 0.15])
def test_inverting_the_mean_gives_the_magnitude_back(sigma: float, dtype: torch.dtype) -> None:
    x = torch.linspace(0.2 * sigma, 30 * sigma, 500, dtype=dtype)
    torch.testing.assert_close(invert_rician_mean(rician_mean(x, sigma), sigma), x, atol=1e-3 * sigma, rtol=0)


def test_what_pure_noise_explains_is_nothing() -> None:
    m = torch.tensor([0.0, 0.05, 0.1 * math.sqrt(math.pi / 2) - 1e-6])
    assert torch.equal(invert_rician_mean(m, 0.1), torch.zeros(3))


def test_zero_filled_k_space_leaves_noise_of_the_same_strength_and_nothing_beyond_what_was_measured() -> None:
    image = torch.full((2, 1, 96, 80), 10.0)
    acquired = torch.tensor([[0.5, 0.7], [1.0, 1.0]])

    noise = add_rician(image, 0.1, torch.Generator().manual_seed(5), acquired) - image

    assert noise.std(dim=(1, 2, 3)).tolist() == pytest.approx([0.1, 0.1], rel=0.05)
    power = torch.fft.fft2(noise[:, 0]).abs().square()
    rows, columns = torch.fft.fftfreq(96).abs()[:, None], torch.fft.fftfreq(80).abs()[None]
    beyond = (rows > 0.26) | (columns > 0.36)
    # A magnitude is not quite linear: a hundredth of the noise's power may leak.
    assert power[0][beyond].sum() < 0.01 * power[0].sum()
    assert power[1][beyond].sum() > 0.4 * power[1].sum()


def test_measuring_all_of_k_space_changes_nothing() -> None:
    image = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    white = add_rician(image, 0.1, torch.Generator().manual_seed(2))
    whole = add_rician(image, 0.1, torch.Generator().manual_seed(2), torch.ones(1, 2))

    assert torch.allclose(white, whole, atol=1e-6)
