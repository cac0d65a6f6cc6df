"""Laws of DiffDenoise's sampling, with the best possible predictor of Gaussian images in place of a network."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from quietvoxel.engines.diff_denoise.sampling import ddim, stabilised
from quietvoxel.engines.diff_denoise.schedule import Schedule, matched_weight

DETAIL, SIGMA = 0.03, 0.05
VARIANCE = DETAIL**2 + SIGMA**2
LINEAR = Schedule()


def world(count: int = 40_000) -> tuple[Tensor, Tensor, Tensor]:
    """Truth, its noisy image, and what is known of it without looking: (1, 1, 1, count) each."""
    generator = torch.Generator().manual_seed(0)
    guide, detail, noise = torch.randn(3, 1, 1, 1, count, generator=generator, dtype=torch.float64)
    truth = guide + DETAIL * detail
    return truth, truth + SIGMA * noise, guide


def oracle(guide: Tensor, variance: float = VARIANCE) -> Any:
    """E[x_0 | X_t] where x_0 is Gaussian around the guide."""

    def predict(x: Tensor, a: float, b: float) -> Tensor:
        centre = guide.repeat(len(x), 1, 1, 1)
        return centre + a * variance / (a * a * variance + b * b) * (x - a * centre)

    return predict


def noises(count: int, like: Tensor, seed: int = 1) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(like.shape, generator=generator, dtype=like.dtype) for _ in range(count)]


def sampled(
    noisy: Tensor,
    guide: Tensor,
    start: float,
    steps: int,
    *,
    mirrored: bool = True,
    count: int = 1,
    seed: int = 1,
) -> tuple[Tensor, Tensor | None]:
    a, b = LINEAR.levels(start)
    pure = start == LINEAR.times

    def sample(x: Tensor, _sign: Tensor) -> Tensor:
        return ddim(x, oracle(guide), LINEAR, start, steps)

    signal = torch.zeros_like(noisy) if pure else a * noisy
    return stabilised(signal, noises(count, noisy, seed), sample, 1.0 if pure else b, mirrored=mirrored)


def rmse(image: Tensor, truth: Tensor) -> float:
    return float((image - truth).square().mean().sqrt())


@pytest.mark.parametrize("steps", [10, 20, 50])
def test_from_pure_noise_the_pair_gives_what_the_condition_tells_and_nothing_else(steps: int) -> None:
    truth, noisy, guide = world()
    mean, half = sampled(noisy, guide, 1000.0, steps)
    # In the linear case the two branches differ from their mean by opposite amounts; the start at X_T = eps, not at
    # sqrt(abar_T) E[x_0] + eps, leaves 0.6 % of the guide's scale.
    assert rmse(mean, guide) < 1e-3
    assert rmse(mean, truth) == pytest.approx(DETAIL, rel=0.02)
    single, _ = sampled(noisy, guide, 1000.0, steps, mirrored=False)
    two, _ = sampled(noisy, guide, 1000.0, steps, mirrored=False, count=2)
    assert rmse(mean, truth) < rmse(two, truth) < rmse(single, truth)
    assert half is not None
    assert float(half.square().mean().sqrt()) == pytest.approx(rmse(single, guide), rel=0.05)


def test_more_steps_make_single_samples_noisier() -> None:
    truth, noisy, guide = world()
    errors = [rmse(sampled(noisy, guide, 1000.0, n, mirrored=False)[0], truth) for n in (10, 20, 50)]
    assert errors == sorted(errors)


@pytest.mark.parametrize("steps", [5, 10, 20, 50])
def test_the_matched_start_is_the_best_linear_estimate(steps: int) -> None:
    truth, noisy, guide = world()
    start = LINEAR.matched_start(matched_weight(SIGMA, VARIANCE, 1.0), steps, VARIANCE)
    mean, _ = sampled(noisy, guide, start, steps)
    best = guide + DETAIL**2 / VARIANCE * (noisy - guide)
    assert rmse(mean, truth) == pytest.approx(rmse(best, truth), rel=0.02)
    assert rmse(mean, best) < 0.02 * rmse(best, truth)


@pytest.mark.parametrize(("start", "error"), [(20, 0.0309), (50, 0.0258), (200, 0.0287), (999, 0.0302)])
def test_starts_beside_it_are_worse_as_far_as_derived(start: float, error: float) -> None:
    truth, noisy, guide = world()
    assert rmse(sampled(noisy, guide, start, 10)[0], truth) == pytest.approx(error, rel=0.06)


def test_a_mirrored_pair_has_far_less_variance_than_two_samples_and_opposite_branches() -> None:
    _, noisy, guide = world(2000)
    pairs, twos, plus, minus = [], [], [], []
    for seed in range(16):
        pairs.append(sampled(noisy, guide, 300.0, 20, seed=seed)[0])
        twos.append(sampled(noisy, guide, 300.0, 20, mirrored=False, count=2, seed=seed)[0])
        a, b = LINEAR.levels(300.0)
        (eps,) = noises(1, noisy, seed)
        ends = [ddim(a * noisy + s * b * eps, oracle(guide), LINEAR, 300.0, 20) for s in (1, -1)]
        plus.append(ends[0])
        minus.append(ends[1])
    spread = [torch.stack(found).var(dim=0).mean() for found in (pairs, twos)]
    assert spread[0] < 0.42 * spread[1]
    centred = [torch.stack(found) - torch.stack(found).mean(dim=0) for found in (plus, minus)]
    correlation = (centred[0] * centred[1]).mean() / (centred[0].std() * centred[1].std())
    assert float(correlation) < -0.95


def test_where_two_anatomies_are_possible_the_branches_still_oppose_each_other() -> None:
    weights, places, width = torch.tensor([0.7, 0.3], dtype=torch.float64), (0.04, -0.06), 0.02
    centres = torch.tensor(places, dtype=torch.float64)

    def predict(x: Tensor, a: float, b: float) -> Tensor:
        v = a * a * width**2 + b * b
        off = x[..., None] - a * centres
        share = torch.softmax(torch.log(weights) - 0.5 * off.square() / v, dim=-1)
        return (share * (centres + a * width**2 / v * off)).sum(dim=-1)

    like = torch.zeros(1, 1, 1, 20_000, dtype=torch.float64)
    (eps,) = noises(1, like)
    plus, minus = (ddim(s * eps, predict, LINEAR, 1000.0, 20) for s in (1, -1))
    correlation = torch.corrcoef(torch.stack([plus.flatten(), minus.flatten()]))[0, 1]
    assert float(correlation) < -0.9
    mean = 0.5 * (plus + minus)
    assert float(mean.mean()) == pytest.approx(float((weights * centres).sum()), abs=0.003)
    assert float(mean.std()) < 0.4 * float(plus.std())


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.03, 0.99),
    st.integers(5, 50),
    st.floats(0.05, 20.0),
    st.sampled_from(["linear", "cosine"]),
)
def test_the_start_found_keeps_the_share_asked_for(
    weight: float, steps: int, variance: float, kind: Any
) -> None:
    schedule = Schedule(kind)
    start = schedule.matched_start(weight, steps, variance)
    assert schedule.weight(start, steps, variance) == pytest.approx(weight, abs=2e-3)


@given(st.integers(5, 50), st.floats(0.05, 20.0))
@settings(max_examples=30, deadline=None)
def test_a_later_start_keeps_less(steps: int, variance: float) -> None:
    shares = [LINEAR.weight(t, steps, variance) for t in (0.0, 1.0, 10.0, 100.0, 400.0, 999.0)]
    assert shares[0] == pytest.approx(1.0)
    assert all(later < sooner for sooner, later in pairwise(shares))


def test_strength_asks_for_more_or_less_than_the_noise() -> None:
    kept = [matched_weight(SIGMA, VARIANCE, s) for s in (0.0, 0.5, 1.0, 2.0, 3.0)]
    assert kept[0] == pytest.approx(1.0, abs=2e-3)
    assert kept[2] == pytest.approx(DETAIL**2 / VARIANCE)
    assert kept == sorted(kept, reverse=True)
    assert matched_weight(0.05, 0.001, 1.0) == pytest.approx(
        0.02
    )  # less variance than noise: an estimate's error


def test_the_schedules_are_those_of_the_papers() -> None:
    for schedule in (LINEAR, Schedule("cosine")):
        assert schedule.levels(0.0) == (1.0, 0.0)
        assert schedule.levels(1000.0)[1] == pytest.approx(1.0, abs=1e-3)
        for t in (1.0, 250.5, 999.0):
            a, b = schedule.levels(t)
            assert a * a + b * b == pytest.approx(1.0)
    assert LINEAR.levels(1.0)[1] == pytest.approx(0.01)
    assert Schedule("cosine").levels(500.0)[0] ** 2 == pytest.approx(
        (math.cos(0.508 / 1.008 * math.pi / 2) / math.cos(0.008 / 1.008 * math.pi / 2)) ** 2
    )


def test_a_step_is_that_of_monai() -> None:
    schedulers = pytest.importorskip("monai.networks.schedulers.ddim")
    theirs = schedulers.DDIMScheduler(
        1000, "linear_beta", clip_sample=False, set_alpha_to_one=True, beta_start=1e-4, beta_end=0.02
    )
    theirs.set_timesteps(20)
    x, noise = torch.randn(2, 1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    t = 950
    a, b = LINEAR.levels(t + 1)  # their time counts from 0, at which the first noise has been added
    (a_next, b_next) = LINEAR.levels(t - 50 + 1)
    clean = (x - b * noise) / a
    expected, their_clean = theirs.step(noise, t, x)
    torch.testing.assert_close(their_clean, clean, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(expected, a_next * clean + b_next * noise, rtol=1e-3, atol=1e-3)
