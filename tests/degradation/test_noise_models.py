"""Each noise model has the mean, variance and correlation that its parameters promise, for a given seed."""

from __future__ import annotations

import math

import pytest
import torch

from quietvoxel.degradation.ct_tissue import lag_one_correlation
from quietvoxel.degradation.noise_models import PRESETS, correlated_noise, gamma_noise

FLAT = torch.full((4, 1, 160, 160), 0.4)
SD = {
    "gaussian": 6 / 255,
    "poisson-200": math.sqrt(0.4 / 200),
    "poisson-700": math.sqrt(0.4 / 700),
    "gamma-100": 0.4 / math.sqrt(100),
    "gamma-500": 0.4 / math.sqrt(500),
    "correlated-0.5": 6 / 255,
    "correlated-1.2": 6 / 255,
}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", PRESETS)
def test_mean_and_variance_are_as_published(name: str) -> None:
    noisy = PRESETS[name](FLAT, generator())
    assert noisy.shape == FLAT.shape
    assert noisy.mean() == pytest.approx(0.4, abs=5e-4)
    assert noisy.std() == pytest.approx(SD[name], rel=0.02)


@pytest.mark.parametrize("name", PRESETS)
def test_the_same_seed_gives_the_same_noise(name: str) -> None:
    model = PRESETS[name]
    assert torch.equal(model(FLAT, generator(4)), model(FLAT, generator(4)))
    assert not torch.equal(model(FLAT, generator(4)), model(FLAT, generator(5)))


@pytest.mark.parametrize("name", PRESETS)
def test_only_correlated_noise_is_alike_in_neighbours(name: str) -> None:
    noise = PRESETS[name](FLAT, generator()) - 0.4
    measured = lag_one_correlation(noise, torch.ones_like(noise, dtype=torch.bool))
    # Two Gaussians of SD s overlap at distance 1 by exp(-1 / 4 s^2), on a grid fine enough for them.
    expected = {"correlated-1.2": math.exp(-0.25 / 1.44), "correlated-0.5": 0.266}.get(name, 0.0)
    assert measured == pytest.approx(expected, abs=0.02)


def test_correlated_noise_is_as_strong_at_the_border() -> None:
    noise = correlated_noise(torch.zeros(200, 1, 16, 16), generator(), sigma=1.0)
    assert noise[..., 0, :].std() == pytest.approx(1.0, rel=0.05)


def test_gamma_noise_has_the_skew_of_its_shape() -> None:
    factor = gamma_noise(torch.ones(1, 1, 400, 400, dtype=torch.float64), generator(), 4.0, 2.0)
    centred = factor - factor.mean()
    skew = (centred**3).mean() / centred.var() ** 1.5
    assert factor.mean() == pytest.approx(2.0, rel=0.01)
    assert skew.item() == pytest.approx(2 / math.sqrt(4.0), abs=0.05)


def test_a_gamma_shape_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        gamma_noise(FLAT, generator(), 0.5, 0.5)
