"""FDN at work: strength, the noise latents, seeds, tiles, and input unlike the training images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from short_training import tiny_fdn
from torch import Tensor

from quietvoxel.engines.contract import EngineContext
from quietvoxel.engines.fdn.engine import FDNEngine, load_fdn
from quietvoxel.engines.fdn.network import build_fdn
from quietvoxel.engines.fdn.settings import FDNSettings
from quietvoxel.engines.noise_range import trained_sigmas
from quietvoxel.errors import CancelledError, ModelError
from quietvoxel.inference.likeness import likeness_notes
from quietvoxel.inference.tiles import denoise_tiled

SIGMA = 0.05


def engine(**changes: Any) -> FDNEngine:
    """A small engine of random weights, in which every part has an effect."""
    recipe = tiny_fdn(**changes)
    with torch.random.fork_rng():
        torch.manual_seed(2)
        network = build_fdn(recipe)
        for name, weight in network.named_parameters():
            if "last" in name or "tail" in name:
                torch.nn.init.normal_(weight, std=0.03)
    return FDNEngine(network, recipe)


def context(sigma: float = SIGMA, **more: Any) -> EngineContext:
    return EngineContext(sigma, 1.0, torch.device("cpu"), torch.float32, **more)


def seeded(seed: int, **more: Any) -> EngineContext:
    return context(generators=(torch.Generator().manual_seed(seed),), **more)


def slab(height: int = 64, width: int = 64) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))


SAMPLED = FDNSettings(noise_latent="sampled", samples=3)


@pytest.mark.parametrize("latent", ["zero", "sampled", "predicted"])
def test_no_strength_or_no_noise_returns_the_input_bit_for_bit(latent: Any) -> None:
    fdn = engine()
    for settings, sigma in (
        (FDNSettings(strength=0.0, noise_latent=latent), SIGMA),
        (FDNSettings(noise_latent=latent), 0.0),
    ):
        assert torch.equal(fdn.denoise(slab(), settings, context(sigma)).image, slab()[:, 1:2])


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_more_strength_removes_more(modality: str) -> None:
    fdn = engine(modality=modality)
    sizes = [
        float(
            (fdn.denoise(slab(), FDNSettings(strength=s), context()).image - slab()[:, 1:2]).square().mean()
        )
        for s in (0.01, 0.25, 0.5, 1.0)
    ]
    assert sizes[0] < 1e-4 * sizes[-1] * 10
    assert sizes == sorted(sizes)


def test_noise_below_the_finest_level_trained_on_is_removed_in_proportion() -> None:
    fdn = engine()
    finest = trained_sigmas(fdn.recipe)[0]
    assert torch.allclose(
        fdn.denoise(slab(), FDNSettings(), context(finest / 2)).image,
        fdn.denoise(slab(), FDNSettings(strength=0.25), context(finest)).image,
    )


def test_the_three_noise_latents_differ_and_only_samples_tell_an_uncertainty() -> None:
    fdn = engine()
    zero, sampled, predicted = (
        fdn.denoise(slab(), FDNSettings(noise_latent=latent), seeded(1))  # type: ignore[arg-type]
        for latent in ("zero", "sampled", "predicted")
    )
    assert not torch.allclose(zero.image, predicted.image, atol=1e-3)
    assert not torch.allclose(zero.image, sampled.image, atol=1e-3)
    assert zero.uncertainty is None
    assert predicted.uncertainty is None
    assert sampled.uncertainty is not None
    assert sampled.uncertainty.shape == sampled.image.shape
    assert sampled.uncertainty.min() > 0


def test_samples_depend_on_the_seed_and_on_nothing_that_was_drawn_before() -> None:
    fdn = engine()
    used = seeded(4)
    first = fdn.denoise(slab(), SAMPLED, used).image
    again = fdn.denoise(slab(), SAMPLED, used).image
    other = fdn.denoise(slab(), SAMPLED, seeded(5)).image
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, atol=1e-3)


@pytest.mark.parametrize("settings", [FDNSettings(), SAMPLED], ids=["zero", "sampled"])
def test_tiles_leave_no_seams(settings: FDNSettings) -> None:
    fdn = engine()
    image = slab(210, 330)
    whole, tiled = (denoise_tiled(fdn, image, settings, seeded(3), tile) for tile in (0, 192))
    assert torch.allclose(whole.image, tiled.image, atol=2e-4)
    if settings.noise_latent == "sampled":
        assert whole.uncertainty is not None
        assert tiled.uncertainty is not None
        assert torch.allclose(whole.uncertainty, tiled.uncertainty, atol=2e-4)
    assert tiled.unlikeness is not None


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (33, 62)])
@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_any_size_comes_back(size: tuple[int, int], blocks: int) -> None:
    out = engine(blocks=blocks).denoise(slab(*size), SAMPLED, seeded(1))
    assert out.image.shape == (1, 1, *size)
    assert torch.isfinite(out.image).all()


@pytest.mark.parametrize(
    "changes", [{"masks": "checkerboard"}, {"halo": 0}, {"shrink_content": False}, {"grid": 2}]
)
def test_the_variants_of_the_architecture_run(changes: dict[str, Any]) -> None:
    fdn = engine(**changes)
    image = slab()[:, 1 - fdn.recipe.halo : 2 + fdn.recipe.halo]
    out = fdn.denoise(image, FDNSettings(), context()).image
    assert out.shape == (1, 1, 64, 64)
    assert not torch.allclose(out, slab()[:, 1:2], atol=1e-3)


def test_shifts_are_averaged_and_make_the_result_depend_less_on_where_the_grid_lies() -> None:
    fdn, image = engine(modality="CT"), slab()  # no voxel of CT is clamped

    def moved(settings: FDNSettings) -> tuple[Tensor, Tensor]:
        """As it is, and moved by two pixels and back; without the rim."""
        there = torch.nn.functional.pad(image, (2, 0, 2, 0), mode="reflect")
        own, other = (fdn.denoise(one, settings, context()).image for one in (image, there))
        return own[..., 16:-16, 16:-16], other[..., 2:, 2:][..., 16:-16, 16:-16]

    once, moved_once = moved(FDNSettings(shifts=1))
    twice, moved_twice = moved(FDNSettings(shifts=2))
    assert torch.allclose(twice, (once + moved_once) / 2, atol=1e-5)
    # The network that reads the content has a coarser grid, so that some of it stays.
    assert (twice - moved_twice).std() < 0.3 * (once - moved_once).std()


@pytest.mark.parametrize("value", [0.0, 0.7, 1e6, -1e6])
def test_hostile_input_gives_finite_output(value: float) -> None:
    fdn = engine()
    for image in (torch.full((1, 3, 32, 32), value), value * torch.randn(1, 3, 32, 32)):
        out = fdn.denoise(image, SAMPLED, seeded(1))
        assert torch.isfinite(out.image).all()
        assert out.uncertainty is not None
        assert torch.isfinite(out.uncertainty).all()
        assert out.unlikeness is not None
        assert torch.isfinite(out.unlikeness).all()


def test_it_reports_as_many_passes_as_it_announces_and_stops_when_cancelled() -> None:
    fdn = engine()
    done: list[tuple[int, int]] = []
    told = seeded(1, progress=lambda step, steps: done.append((step, steps)))
    fdn.denoise(slab(), SAMPLED, told)
    assert done == [(step, 8) for step in range(1, 9)]
    assert fdn.evaluations(SAMPLED, told) == 8
    assert fdn.evaluations(FDNSettings(shifts=1), told) == 2
    done.clear()
    with pytest.raises(CancelledError):
        fdn.denoise(slab(), SAMPLED, replace(told, cancelled=lambda: len(done) >= 2))
    assert len(done) == 2


def test_an_image_unlike_the_training_images_stands_out() -> None:
    fdn = engine()
    network = fdn.network
    sigma = torch.tensor([SIGMA])
    for value in np.random.default_rng(0).normal(-1.0, 0.1, 300):
        network.record(torch.tensor([value]), sigma)
    near, low, high = (float(network.unlikeness(torch.tensor([v]), sigma)) for v in (-1.05, -3.0, 1.0))
    assert near < 1.5
    assert low == pytest.approx(20, rel=0.4)
    assert high == pytest.approx(20, rel=0.4)
    saved = {f"fdn.{k}": v.half() for k, v in network.state_dict().items()}
    loaded = load_fdn(fdn.recipe.model_dump(mode="json"), saved, torch.device("cpu"))
    again = float(loaded.network.unlikeness(torch.tensor([1.0]), sigma))
    assert again == pytest.approx(high, rel=0.02)


def test_unlikeness_is_one_word_and_a_number() -> None:
    assert likeness_notes([]) == []
    for value, word in ((0.4, "typical (0.4"), (4.0, "unusual (4.0"), (30.0, "foreign (30.0")):
        assert word in likeness_notes([value, value, 1000.0])[0]


def test_weights_of_another_shape_are_refused_in_one_sentence() -> None:
    fdn = engine()
    tensors = {f"fdn.{k}": v for k, v in fdn.network.state_dict().items()}
    with pytest.raises(ModelError, match="do not fit the architecture"):
        load_fdn(fdn.recipe.model_dump(mode="json") | {"steps": 3}, tensors, torch.device("cpu"))
