"""DiffDenoise at work: student and sampling, strength, seeds, tiles, settings that follow one another."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from short_training import tiny_diff_denoise
from torch import Tensor

from quietvoxel.degradation.rician import K_RICIAN, rician, rician_mean
from quietvoxel.engines.contract import EngineContext
from quietvoxel.engines.diff_denoise.engine import (
    DiffDenoiseEngine,
    DiffDenoiseNetworks,
    build_networks,
    load_diff_denoise,
)
from quietvoxel.engines.diff_denoise.network import DiffusionNetwork, tissue
from quietvoxel.engines.diff_denoise.settings import DiffDenoiseRecipe, DiffDenoiseSettings
from quietvoxel.engines.noise_range import trained_sigmas
from quietvoxel.engines.slice_noise import slice_noise
from quietvoxel.errors import CancelledError, ModelError
from quietvoxel.inference.tiles import denoise_tiled

if TYPE_CHECKING:
    from collections.abc import Callable

SIGMA = 0.05
CPU = torch.device("cpu")
SAMPLED = DiffDenoiseSettings(student=False, ddim_steps=5)


def tensors(recipe: DiffDenoiseRecipe) -> dict[str, Tensor]:
    """Random weights in which every part has an effect."""
    with torch.random.fork_rng():
        torch.manual_seed(2)
        networks = build_networks(recipe)
        for network in networks.values():
            for name, weight in network.named_parameters():
                if "tail" in name:
                    torch.nn.init.normal_(weight, std=0.05)
    return {f"{n}.{k}": v for n, network in networks.items() for k, v in network.state_dict().items()}


def engine(**changes: Any) -> DiffDenoiseEngine:
    recipe = tiny_diff_denoise(**changes)
    return load_diff_denoise(recipe.model_dump(mode="json"), tensors(recipe), CPU)


def context(seed: int = 1, sigma: float = SIGMA, **more: Any) -> EngineContext:
    return EngineContext(
        sigma, 1.0, CPU, torch.float32, generators=(torch.Generator().manual_seed(seed),), **more
    )


def slab(height: int = 48, width: int = 40) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("settings", "strengths"),
    [
        # Only below the least strength shown to it is the order of a student of random weights known.
        (DiffDenoiseSettings(), (0.01, 0.05, 0.1)),
        (SAMPLED, (0.02, 0.2, 1.0)),
        (SAMPLED.touched(start="noise"), (0.02, 0.2, 1.0)),
    ],
    ids=["student", "sampled", "pure"],
)
def test_strength_goes_from_nothing_upwards(
    settings: DiffDenoiseSettings, strengths: tuple[float, ...]
) -> None:
    model, y = engine(), slab()[:, 1:2]

    def removed(strength: float) -> float:
        out = model.denoise(slab(), settings.model_copy(update={"strength": strength}), context()).image
        return float((out - y).square().mean())

    assert removed(0.0) == 0.0
    sizes = [removed(s) for s in strengths]
    assert sizes == sorted(sizes)
    assert sizes[0] < 0.1 * sizes[-1]
    assert torch.equal(model.denoise(slab(), settings, context(sigma=0.0)).image, y)


def test_noise_below_the_finest_level_trained_on_is_removed_in_proportion() -> None:
    model, y = engine(modality="CT"), slab()[:, 1:2]
    finest = trained_sigmas(model.recipe)[0]
    for settings in (DiffDenoiseSettings(), SAMPLED):
        whole, part = (
            model.denoise(slab(), settings, context(sigma=s)).image - y for s in (finest, finest / 2)
        )
        torch.testing.assert_close(part, 0.25 * whole, rtol=1e-3, atol=1e-4)


def test_the_start_moves_with_strength_and_noise() -> None:
    model = engine()
    starts = [model.start(SIGMA, SAMPLED.model_copy(update={"strength": s})) for s in (0.1, 0.5, 1.0, 2.0)]
    assert starts == sorted(starts)
    assert 0 < starts[0] < starts[-1] < 1000
    assert model.start(SIGMA, SAMPLED.touched(start="noise")) == 1000


def test_only_sampling_tells_an_uncertainty_and_single_samples_need_two() -> None:
    model = engine()
    assert model.denoise(slab(), DiffDenoiseSettings(), context()).uncertainty is None
    pair = model.denoise(slab(), SAMPLED, context())
    assert pair.uncertainty is not None
    assert pair.uncertainty.shape == pair.image.shape
    assert pair.uncertainty.mean() > 0
    single = SAMPLED.touched(srds=False)
    assert model.denoise(slab(), single, context()).uncertainty is None
    assert model.denoise(slab(), single.touched(pairs=2), context()).uncertainty is not None


def test_half_the_difference_of_the_pair_is_the_uncertainty(monkeypatch: pytest.MonkeyPatch) -> None:
    model = engine(modality="CT")
    single = SAMPLED.touched(srds=False)
    pair = model.denoise(slab(), SAMPLED, context())
    plus = model.denoise(slab(), single, context()).image
    monkeypatch.setattr(
        "quietvoxel.engines.diff_denoise.engine.slice_noise", lambda *words: -slice_noise(*words)
    )
    minus = model.denoise(slab(), single, context()).image
    torch.testing.assert_close(pair.image, 0.5 * (plus + minus), rtol=1e-4, atol=1e-5)
    assert pair.uncertainty is not None
    torch.testing.assert_close(pair.uncertainty, 0.5 * (plus - minus).abs(), rtol=1e-3, atol=1e-4)


def test_the_seed_decides_and_what_was_drawn_before_does_not() -> None:
    model, used = engine(), context(4)
    first = model.denoise(slab(), SAMPLED, used).image
    torch.rand(100, generator=used.generators[0])
    assert torch.equal(first, model.denoise(slab(), SAMPLED, used).image)
    other = model.denoise(slab(), SAMPLED, context(5)).image
    assert not torch.equal(first, other)
    more = model.denoise(slab(), SAMPLED.touched(pairs=2), used).image
    assert not torch.equal(first, more)


def test_noise_of_a_tile_is_cut_out_of_the_noise_of_its_slice() -> None:
    whole = slice_noise(context(), torch.zeros(1, 1, 60, 50), 3)
    tile = slice_noise(context(origin=(20, 8), extent=(60, 50)), torch.zeros(1, 1, 30, 40), 3)
    assert torch.equal(tile, whole[..., 20:50, 8:48])
    assert not torch.equal(whole, slice_noise(context(), torch.zeros(1, 1, 60, 50), 4))
    many = slice_noise(context(), torch.zeros(2, 1, 60, 50), 3)
    assert not torch.equal(many[0], many[1])
    assert float(many.std()) == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("settings", [DiffDenoiseSettings(), SAMPLED], ids=["student", "sampled"])
def test_tiles_leave_no_seams(settings: DiffDenoiseSettings) -> None:
    model, image = engine(), slab(200, 250)
    whole, tiled = (denoise_tiled(model, image, settings, context(3), tile) for tile in (0, 192))
    torch.testing.assert_close(whole.image, tiled.image, rtol=0, atol=2e-4)
    if not settings.student:
        assert whole.uncertainty is not None
        assert tiled.uncertainty is not None
        torch.testing.assert_close(whole.uncertainty, tiled.uncertainty, rtol=0, atol=2e-4)


@pytest.mark.parametrize(
    "changes", [{"radius": 2, "dilation": 6}, {"prediction": "epsilon"}, {"schedule": "cosine"}]
)
def test_the_variants_run_on_any_size(changes: dict[str, Any]) -> None:
    model = engine(**changes)
    for size in ((1, 1), (33, 18)):
        out = model.denoise(slab(*size), SAMPLED, context())
        assert out.image.shape == (1, 1, *size)
        assert torch.isfinite(out.image).all()


def test_it_reports_as_many_steps_as_it_announces_and_stops_when_cancelled() -> None:
    model = engine()
    done: list[tuple[int, int]] = []
    told = context(progress=lambda step, steps: done.append((step, steps)))
    for settings, count in ((DiffDenoiseSettings(), 1), (SAMPLED.touched(pairs=2), 11)):
        done.clear()
        model.denoise(slab(), settings, told)
        assert done == [(k + 1, count) for k in range(count)]
        assert model.evaluations(settings, told) == count
    done.clear()
    with pytest.raises(CancelledError):
        model.denoise(slab(), SAMPLED, replace(told, cancelled=lambda: len(done) >= 3))
    assert len(done) == 3


def test_a_model_without_a_student_is_sampled() -> None:
    recipe = tiny_diff_denoise()
    some = {k: v for k, v in tensors(recipe).items() if not k.startswith("student.")}
    model = load_diff_denoise(recipe.model_dump(mode="json"), some, CPU)
    settings = DiffDenoiseSettings(ddim_steps=5, student=True)
    assert model.evaluations(settings, context()) == 6
    assert model.denoise(slab(), settings, context()).uncertainty is not None


def test_weights_of_another_shape_are_refused_in_one_sentence() -> None:
    recipe = tiny_diff_denoise()
    with pytest.raises(ModelError, match="do not fit the architecture"):
        load_diff_denoise(recipe.model_dump(mode="json") | {"features": 5}, tensors(recipe), CPU)


def linear_engine(sigma: float, detail: float) -> DiffDenoiseEngine:
    """Networks that know the truth of a Gaussian world: the guide is zero, and so is the mean."""
    recipe = tiny_diff_denoise(modality="CT", condition_noise=0.0, start_power=1.0)
    variance = sigma**2 + detail**2
    networks = build_networks(recipe)
    diffusion = networks["diffusion"]
    assert isinstance(diffusion, DiffusionNetwork)
    diffusion.ratio.fill_(variance / sigma**2)
    diffusion.seen.fill_(1.0)

    class Guide(torch.nn.Module):
        def forward(self, x: Tensor, _told: Tensor) -> Tensor:
            return torch.zeros_like(x[:, :1])

    def velocity(x: Tensor, _guide: Tensor, a: Tensor, b: Tensor, level: Tensor) -> Tensor:
        v = variance / diffusion.scale(level)[:, None, None, None].square()
        clean = a * v / (a * a * v + b * b) * x
        return (a * x - clean) / b

    forward: Callable[..., Tensor] = velocity
    diffusion.forward = forward  # type: ignore[method-assign]
    return DiffDenoiseEngine(DiffDenoiseNetworks(Guide(), diffusion), recipe)


@pytest.mark.parametrize("steps", [5, 20])
def test_with_networks_that_know_the_truth_the_engine_is_the_best_estimator(steps: int) -> None:
    sigma, detail = 0.05, 0.03
    generator = torch.Generator().manual_seed(0)
    truth = detail * torch.randn(1, 3, 96, 96, generator=generator)
    noisy = truth + sigma * torch.randn(truth.shape, generator=generator)
    out = linear_engine(sigma, detail).denoise(noisy, SAMPLED.touched(ddim_steps=steps), context(sigma=sigma))
    best = detail**2 / (detail**2 + sigma**2) * noisy[:, 1:2]
    assert (out.image - best).square().mean().sqrt() < 0.02 * detail
    pure = SAMPLED.touched(ddim_steps=steps, start="noise")
    nothing = linear_engine(sigma, detail).denoise(noisy, pure, context(sigma=sigma)).image
    assert nothing.square().mean().sqrt() < 0.02 * detail


def mean_engine(truth: Tensor, **changes: Any) -> DiffDenoiseEngine:
    """A student that has learned the mean of Rician images of this truth."""
    recipe = tiny_diff_denoise(**changes)
    networks = build_networks(recipe)

    class Student(torch.nn.Module):
        def forward(self, x: Tensor, _told: Tensor) -> Tensor:
            return x[:, recipe.halo : recipe.halo + 1] - rician_mean(truth, SIGMA)

    networks["student"] = Student()
    return DiffDenoiseEngine(DiffDenoiseNetworks.named(networks), recipe, rician_share=1.0)


def test_the_bias_of_rician_noise_is_undone_with_the_noise() -> None:
    truth = torch.linspace(0, 1, 48 * 40).reshape(1, 1, 48, 40)
    noisy = rician(truth.expand(-1, 3, -1, -1), SIGMA**2 / K_RICIAN, torch.Generator().manual_seed(0))
    model = mean_engine(truth)
    mean = rician_mean(truth, SIGMA)
    assert (mean - truth).max() > SIGMA
    whole = model.denoise(noisy, DiffDenoiseSettings(), context()).image
    torch.testing.assert_close(whole, truth, atol=2e-3 * SIGMA, rtol=0)
    # As much of the bias goes as of the noise; a signed volume has none, whatever part of it this is, nor has a CT.
    little = DiffDenoiseSettings(strength=1e-3)
    assert (model.denoise(noisy, little, context()).image - noisy[:, 1:2]).abs().max() < 5e-3
    for other, told in ((model, context(lowest=-1.0)), (mean_engine(truth, modality="CT"), context())):
        torch.testing.assert_close(other.denoise(noisy, DiffDenoiseSettings(), told).image, mean)
    # A magnitude that was resampled undershoots a little and is a magnitude still.
    undershot = model.denoise(noisy, DiffDenoiseSettings(), context(lowest=-0.1)).image
    torch.testing.assert_close(undershot, whole)


def test_tissue_is_where_the_noise_is_what_its_level_says() -> None:
    guide, level = torch.tensor([[[[0.0, 0.1, 0.5]]]]), torch.tensor([0.05])
    assert tissue(guide, level, "MR").tolist() == [[[[False, False, True]]]]
    assert tissue(guide, level, "CT").tolist() == [[[[True, True, False]]]]


def test_touching_the_sampling_leaves_the_student() -> None:
    assert DiffDenoiseSettings().student
    for name, value in (("srds", True), ("ddim_steps", 20), ("pairs", 1), ("start", "matched")):
        assert not DiffDenoiseSettings.model_validate({name: value}).student
        assert not DiffDenoiseSettings().touched(**{name: value}).student
    assert DiffDenoiseSettings(strength=2.0, seed=3).student
    both = DiffDenoiseSettings(student=True, ddim_steps=10)
    assert both.student
    assert DiffDenoiseSettings.model_validate(both.model_dump()) == both
    assert both.touched(strength=0.5).student
    assert not both.touched(pairs=2).student
    assert both.touched(pairs=2).touched(student=True).student
    schema = DiffDenoiseSettings.model_json_schema()["properties"]
    assert [n for n, field in schema.items() if field.get("turns_off") == "student"] == [
        "srds",
        "ddim_steps",
        "pairs",
        "start",
    ]


def test_the_command_line_leaves_the_student_too() -> None:
    from quietvoxel.cli.denoise import denoise_command
    from quietvoxel.engines.registry import engine_info

    app = pytest.importorskip("cyclopts").App()
    app.default(denoise_command(engine_info("diffdenoise")))
    for words, student in (
        ("", True),
        ("--ddim-steps 20", False),
        ("--no-srds", False),
        ("--student --pairs 2", True),
    ):
        _, bound, _ = app.parse_args(f"a.nii b.nii {words}")
        settings = bound.arguments.get("settings", DiffDenoiseSettings())
        assert settings.student is student, words
