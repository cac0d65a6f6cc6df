"""RelativeFlow's solver with oracles in place of the trained network: what it must converge to is then known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn

from quietvoxel.engines.contract import EngineContext
from quietvoxel.engines.relative_flow.engine import RelativeFlowEngine, load_relative_flow
from quietvoxel.engines.relative_flow.settings import RelativeFlowRecipe, RelativeFlowSettings
from quietvoxel.engines.relative_flow.training import RelativeFlowStage
from quietvoxel.engines.relative_flow.transport import matched_share
from quietvoxel.errors import CancelledError, ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

STRONG, WEAK = 0.25, 0.002  # variances of structure and of texture; most coefficients are empty


class Posterior(nn.Module):
    """The exact mean of the noise of one step, for independent pixels of known prior variance.

    Parameters
    ----------
    prior : (H, W) variance of each pixel's prior, of mean zero.
    noise_left : variance of all noise in the image, as the oracle knows it, from the image and what it was told.
    """

    def __init__(self, prior: Tensor, noise_left: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.prior, self.noise_left = prior, noise_left

    def forward(self, slab: Tensor, conditions: Tensor) -> Tensor:
        centre = slab[:, slab.shape[1] // 2 :][:, :1]
        step = conditions[:, 0].square()
        left = torch.maximum(self.noise_left(centre, conditions), step)
        return centre * (step / (self.prior + left))


def as_told(_image: Tensor, conditions: Tensor) -> Tensor:
    """All noise in the image, as the engine says it."""
    return conditions[:, 2].square()


def context(sigma: float, **more: object) -> EngineContext:
    # The coefficients that oracles are shown have signs, unlike magnitudes.
    told: dict[str, Any] = {"lowest": -10.0} | more
    return EngineContext(sigma, 1.0, torch.device("cpu"), torch.float32, **told)


def coefficients(sigma: float, side: int = 64) -> tuple[Tensor, Tensor, Tensor]:
    """Prior variances, a true image drawn from them, and the image with noise."""
    generator = torch.Generator().manual_seed(5)
    kind = torch.rand(side, side, generator=generator)
    prior = torch.where(kind < 1 / 16, STRONG, torch.where(kind < 1 / 8, WEAK, 0.0))
    truth = prior.sqrt() * torch.randn(side, side, generator=generator)
    return prior, truth, truth + sigma * torch.randn(side, side, generator=generator)


def engine_for(network: nn.Module, modality: str = "MR") -> RelativeFlowEngine:
    # The oracles know steps of any size, so no step is below the finest of their training.
    return RelativeFlowEngine(network, RelativeFlowRecipe(modality=modality, halo=0, delta_min=1e-9))


def error_db(image: Tensor, truth: Tensor) -> float:
    return -10 * math.log10((image.reshape(truth.shape) - truth).square().mean())


@pytest.mark.parametrize("modality", ["CT", "MR"])
@pytest.mark.parametrize("steps", [1, 2, 3, 8])
def test_with_the_exact_posterior_any_number_of_steps_gives_the_bayes_estimate(
    modality: str, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The share is fitted to what real anatomy does to a trained network; the exact posterior needs none.
    monkeypatch.setattr("quietvoxel.engines.relative_flow.engine.matched_share", lambda _steps: 1.0)
    sigma = 0.05
    prior, _, noisy = coefficients(sigma)
    engine = engine_for(Posterior(prior, as_told), modality)

    image = engine.denoise(noisy[None, None], RelativeFlowSettings(steps=steps), context(sigma)).image

    assert torch.allclose(image[0, 0], noisy * prior / (prior + sigma**2), atol=1e-6)


@pytest.mark.parametrize("sigma", [0.03, 0.05, 0.07])
@pytest.mark.parametrize("steps", [1, 3, 8])
def test_the_best_total_time_is_the_one_matched_to_the_noise(
    sigma: float, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quietvoxel.engines.relative_flow.engine.matched_share", lambda _steps: 1.0)
    prior, truth, noisy = coefficients(sigma, 128)

    def seen(image: Tensor, _conditions: Tensor) -> Tensor:
        return (
            image[0, 0][prior == 0].square().mean()
        )  # as a network sees it: from where there is nothing else

    engine = engine_for(Posterior(prior, seen))
    scores = {}
    for strength in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.3, 1.5, 2.0, 3.0):
        settings = RelativeFlowSettings(steps=steps, strength=strength)
        image = engine.denoise(noisy[None, None], settings, context(sigma)).image
        scores[strength] = error_db(image, truth)

    bayes = error_db(noisy * prior / (prior + sigma**2), truth)
    best = max(scores, key=scores.__getitem__)
    assert 0.6 <= best <= 1.1
    assert bayes - scores[best] < 0.3
    assert scores[0.3] < scores[best] - 1.0  # steep below the optimum, flat above it
    assert scores[1.5] > scores[best] - 1.0


@pytest.mark.parametrize("settings", [RelativeFlowSettings(strength=0.0), RelativeFlowSettings(steps=1)])
def test_no_strength_or_no_noise_returns_the_input_bit_for_bit(settings: RelativeFlowSettings) -> None:
    prior, _, noisy = coefficients(0.05)
    sigma = 0.05 if settings.strength == 0 else 0.0
    image = engine_for(Posterior(prior, as_told)).denoise(noisy[None, None], settings, context(sigma)).image
    assert torch.equal(image[0, 0], noisy)


def test_more_strength_removes_more() -> None:
    prior, _, noisy = coefficients(0.05)
    engine = engine_for(Posterior(prior, as_told))
    removed = []
    for strength in (0.0, 0.5, 1.0, 2.0, 3.0):
        settings = RelativeFlowSettings(strength=strength)
        image = engine.denoise(noisy[None, None], settings, context(0.05)).image
        removed.append(float((noisy - image).square().mean()))
    assert removed == sorted(removed)
    assert removed[0] == 0 < removed[1]


def test_the_identity_rule_removes_the_derived_share_of_each_step() -> None:
    class Constant(nn.Module):
        def forward(self, slab: Tensor, _conditions: Tensor) -> Tensor:
            return torch.ones_like(slab)

    engine = engine_for(Constant())
    sigma = math.sqrt(0.005 * 1.5)  # a time of 1.5
    ones = torch.full((1, 1, 8, 8), 10.0)
    for rule, removed in (("expm1", 1.0), ("identity", 1.5 / math.expm1(1.5))):
        settings = RelativeFlowSettings(steps=1, update_rule=rule)
        image = engine.denoise(ones, settings, context(sigma)).image
        assert torch.allclose(ones - image, torch.tensor(removed), atol=1e-5)


def test_the_network_is_told_of_less_noise_at_each_step_and_of_the_matched_share_in_sum() -> None:
    told = []

    class Listening(nn.Module):
        def forward(self, slab: Tensor, conditions: Tensor) -> Tensor:
            told.append(conditions[0].tolist())
            return torch.zeros_like(slab)

    engine_for(Listening(), "CT").denoise(
        torch.ones(1, 1, 8, 8), RelativeFlowSettings(steps=4), context(0.03)
    )

    steps = [step for step, *_ in told]
    assert len(steps) == 4
    assert steps == sorted(steps, reverse=True)
    assert sum(s**2 for s in steps) == pytest.approx(matched_share(4) * 0.03**2, rel=1e-4)
    assert told[0][2] == pytest.approx(math.sqrt(matched_share(4)) * 0.03, rel=1e-5)


def test_one_step_walks_through_all_the_noise_and_more_steps_through_a_little_less() -> None:
    shares = [matched_share(steps) for steps in range(1, 9)]
    assert shares[0] == 1.0
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] > 0.7


def test_it_stops_before_the_next_step_when_cancelled() -> None:
    done: list[int] = []
    prior, _, noisy = coefficients(0.05)
    asked = context(0.05, progress=lambda step, steps: done.append(step), cancelled=lambda: len(done) >= 2)
    with pytest.raises(CancelledError):
        engine_for(Posterior(prior, as_told)).denoise(noisy[None, None], RelativeFlowSettings(steps=5), asked)
    assert done == [1, 2]


def test_it_reports_as_many_steps_as_it_announces() -> None:
    done: list[tuple[int, int]] = []
    prior, _, noisy = coefficients(0.05)
    engine, settings = engine_for(Posterior(prior, as_told)), RelativeFlowSettings(steps=3)
    told = context(0.05, progress=lambda step, steps: done.append((step, steps)))
    engine.denoise(noisy[None, None], settings, told)
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert engine.evaluations(settings, told) == 3


def test_a_magnitude_stays_a_magnitude_and_a_signed_image_may_stay_signed() -> None:
    class TooMuch(nn.Module):
        def forward(self, slab: Tensor, _conditions: Tensor) -> Tensor:
            return torch.full_like(slab, 5.0)

    magnitude, signed = torch.full((1, 1, 8, 8), 0.5), torch.full((1, 1, 8, 8), -0.5)
    for image, lowest in ((magnitude, 0.0), (signed, -0.5)):
        told = context(0.05, lowest=lowest)
        out = engine_for(TooMuch()).denoise(image, RelativeFlowSettings(steps=1), told).image
        assert float(out.min()) == lowest
    assert (
        engine_for(TooMuch(), "CT")
        .denoise(magnitude, RelativeFlowSettings(steps=1), context(0.05))
        .image.min()
        < 0
    )


def test_only_the_middle_slice_moves_and_the_input_is_left_alone() -> None:
    seen: list[Tensor] = []

    class Watching(nn.Module):
        def forward(self, slab: Tensor, _conditions: Tensor) -> Tensor:
            seen.append(slab.clone())
            return torch.full_like(slab[:, :1], 0.1)

    engine = RelativeFlowEngine(Watching(), RelativeFlowRecipe(modality="CT", halo=1))
    slab = torch.rand(1, 3, 8, 8)
    before = slab.clone()
    engine.denoise(slab, RelativeFlowSettings(steps=2), context(0.03))
    assert torch.equal(slab, before)
    assert torch.equal(seen[1][:, ::2], before[:, ::2])
    assert torch.allclose(seen[1][:, 1], before[:, 1] - 0.1)


def test_weights_of_another_shape_are_refused_in_one_sentence() -> None:
    recipe = RelativeFlowRecipe(modality="CT", halo=1, widths=(8, 16), blocks=(1, 1))
    tensors = {f"velocity.{k}": v for k, v in RelativeFlowStage(recipe).build().state_dict().items()}
    architecture = recipe.model_dump(mode="json") | {"halo": 2}
    with pytest.raises(ModelError, match="do not fit the architecture"):
        load_relative_flow(architecture, tensors, torch.device("cpu"))


def test_noise_below_the_finest_trained_step_is_removed_in_proportion_to_its_variance() -> None:
    class Finest(nn.Module):
        def forward(self, slab: Tensor, conditions: Tensor) -> Tensor:
            assert conditions[:, [0, 2, 3]].min() > 0.007  # sqrt(0.005 * 0.01): never told of less
            return torch.full_like(slab, 0.007)

    engine = RelativeFlowEngine(Finest(), RelativeFlowRecipe(modality="MR", halo=0, delta_min=0.01))
    image = torch.ones(1, 1, 8, 8)
    settings = RelativeFlowSettings(steps=1)
    removed = [
        float((image - engine.denoise(image, settings, context(s)).image).mean()) for s in (0.001, 0.002)
    ]
    assert removed[0] == pytest.approx(0.007 * 0.001**2 / (0.005 * 0.01), rel=1e-3)
    assert removed[1] == pytest.approx(4 * removed[0], rel=1e-3)


def test_an_absurd_noise_level_does_not_take_thousands_of_steps() -> None:
    engine = engine_for(nn.Identity())
    assert 1 < len(engine.schedule(RelativeFlowSettings(), 50.0)) < 40
