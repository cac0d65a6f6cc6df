"""RelativeFlow's training: what a batch holds, and that a stopped run goes on as if it had not stopped."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from quietvoxel.engines.contract import Slabs
from quietvoxel.engines.relative_flow.settings import RelativeFlowRecipe
from quietvoxel.engines.relative_flow.training import RelativeFlowStage
from quietvoxel.training.references import MISSING, Reference, draw_slabs, through_plane_views

if TYPE_CHECKING:
    from pathlib import Path

TINY = {"widths": (8, 16), "blocks": (1, 1), "halo": 1}


def stage(**changes: object) -> RelativeFlowStage:
    return RelativeFlowStage(RelativeFlowRecipe.model_validate({**TINY, **changes}))


def flat_slabs(count: int = 64, value: float = 0.8, **more: object) -> Slabs:
    return Slabs(torch.full((count, 3, 32, 32), value), torch.ones(count), **more)  # type: ignore[arg-type]


def test_the_curriculum_starts_at_one_time_widens_and_ends_at_its_limits() -> None:
    mr = stage(curriculum_share=0.5)
    assert mr.delta_range(0.0) == (0.2, 0.2)
    widths = [high / low for low, high in map(mr.delta_range, np.linspace(0, 0.5, 20))]
    assert all(b >= a for a, b in pairwise(widths))
    assert mr.delta_range(0.6) == (mr.recipe.delta_min, mr.recipe.delta_max)


def test_added_noise_has_the_variance_of_its_time() -> None:
    # 0.8 is far above the noise, where Rician noise is Gaussian.
    batch = stage(curriculum=False, delta_max=0.3).prepare(
        flat_slabs(), 1.0, torch.Generator().manual_seed(0)
    )
    sigma = (0.005 * batch["delta"]).sqrt()
    torch.testing.assert_close(batch["sigma"], sigma)
    measured = batch["noise"].std(dim=(1, 2)) / sigma
    assert measured.mean() == pytest.approx(1.0, abs=0.02)


def test_a_share_of_the_mr_slabs_has_the_noise_of_interpolated_images() -> None:
    def lag_one(interpolated: float) -> torch.Tensor:
        recipe = {"curriculum": False, "interpolated": interpolated, "masked_background": 0.0}
        noise = stage(**recipe).prepare(flat_slabs(200), 1.0, torch.Generator().manual_seed(3))["noise"]
        noise = noise - noise.mean(dim=(1, 2), keepdim=True)
        return (noise[:, 1:] * noise[:, :-1]).mean(dim=(1, 2)) / noise.square().mean(dim=(1, 2))

    assert lag_one(0.0).abs().max() < 0.15
    assert 0.25 < (lag_one(0.5) > 0.15).float().mean() < 0.5


def test_neighbours_are_at_least_as_noisy_as_the_middle_slice() -> None:
    # Undegraded references and no extra: all slices at one level. With both, neighbours are noisier.
    generator = torch.Generator().manual_seed(1)
    plain = stage(curriculum=False, degrade_references=False).prepare(flat_slabs(256), 1.0, generator)["slab"]
    spread = plain.std(dim=(2, 3))
    assert (spread[:, 0] / spread[:, 1]).mean() == pytest.approx(1.0, abs=0.03)
    mixed = stage(curriculum=False).prepare(flat_slabs(256), 1.0, generator)["slab"].std(dim=(2, 3))
    assert (mixed[:, 0] / mixed[:, 1]).mean() > 1.1


def test_a_missing_neighbour_stays_missing() -> None:
    slabs = flat_slabs(8)
    slabs.image[:, 0] = MISSING
    batch = stage().prepare(slabs, 1.0, torch.Generator().manual_seed(2))
    assert batch["slab"][:, 0].abs().max() == 0
    assert batch["slab"][:, 2].abs().min() > 0


def test_ct_draws_independent_noise_for_reference_and_step() -> None:
    noise = torch.randn(256, 2, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    slabs = Slabs(torch.zeros(256, 3, 32, 32) + 0.04, torch.ones(256), noise)
    ct = stage(modality="CT", delta_max=1.0, curriculum=False)
    batch = ct.prepare(slabs, 1.0, torch.Generator().manual_seed(4))
    step = batch["noise"].flatten(1)
    before = (batch["slab"][:, 1] - 0.04 - batch["noise"]).flatten(1)
    started = before.std(1) > 1e-6
    assert 0.3 < started.float().mean() < 0.7  # about half of the references were degraded first
    a, b = step[started], before[started]
    correlation = (a * b).mean(1) / (a.std(1) * b.std(1))
    assert correlation.abs().mean() < 0.06


def test_a_perfect_prediction_has_no_loss_and_no_prediction_has_loss_one() -> None:
    mr = stage(curriculum=False, delta_max=0.3)
    batch = mr.prepare(flat_slabs(), 1.0, torch.Generator().manual_seed(5))

    class Oracle(torch.nn.Module):
        def forward(self, *_: torch.Tensor) -> torch.Tensor:
            return batch["noise"][:, None]

    assert mr.loss(Oracle(), batch) == 0
    assert float(mr.loss(mr.build(), batch).detach()) == pytest.approx(
        1.0, abs=0.05
    )  # the last layer starts at 0


def test_slabs_are_cut_the_same_way_for_the_same_seed_and_padded_where_the_image_is_small() -> None:
    rng = np.random.default_rng(0)
    reference = Reference("a", rng.random((5, 20, 40)).astype(np.float16), 3.0)
    first = draw_slabs([reference], 6, 32, 2, np.random.default_rng(7))
    again = draw_slabs([reference], 6, 32, 2, np.random.default_rng(7))
    assert first.image.shape == (6, 5, 32, 32)
    assert torch.equal(first.image, again.image)
    assert first.image[:, 2].abs().amax(dim=(1, 2)).min() > 0


def test_only_nearly_cubic_stacks_are_also_seen_from_the_side() -> None:
    cube = np.zeros((60, 64, 50), np.float16)
    assert [v.data.shape for v in through_plane_views(Reference("a", cube, 1.0))] == [
        (60, 64, 50),
        (64, 60, 50),
        (50, 60, 64),
    ]
    assert len(through_plane_views(Reference("a", cube, 3.0))) == 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    trainer = pytest.importorskip("quietvoxel.training.trainer", reason="needs the train extra (lightning)")
    rng = np.random.default_rng(0)
    references = [Reference("a", rng.random((6, 40, 40)).astype(np.float32), 2.0)]

    def plan(checkpoint_every: int) -> object:
        return trainer.TrainingPlan(
            max_steps=6, batch=2, patch=32, warmup=1, precision="32-true", checkpoint_every=checkpoint_every
        )

    class StopAtFour(Exception):  # noqa: N818  # not an error of ours
        pass

    class Stopping(RelativeFlowStage):
        def loss(self, network: torch.nn.Module, batch: object) -> torch.Tensor:
            calls.append(1)
            if len(calls) == 5:
                raise StopAtFour
            return super().loss(network, batch)  # type: ignore[arg-type]

    recipe = RelativeFlowRecipe.model_validate(TINY)
    whole = trainer.train_stage(RelativeFlowStage(recipe), references, plan(3), tmp_path / "whole")
    calls: list[int] = []
    with pytest.raises(StopAtFour):
        trainer.train_stage(Stopping(recipe), references, plan(3), tmp_path / "cut")
    resumed = trainer.train_stage(RelativeFlowStage(recipe), references, plan(3), tmp_path / "cut")
    for a, b in zip(whole.averaged.parameters(), resumed.averaged.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7)
    assert json.loads((tmp_path / "cut" / "plan.json").read_text())["max_steps"] == 6


def test_the_expected_noise_has_the_mean_of_the_drawn_one_and_varies_less() -> None:
    noise = torch.randn(512, 2, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    slabs = Slabs(torch.zeros(512, 3, 32, 32) + 0.04, torch.ones(512), noise)
    ct = stage(modality="CT", delta_max=1.0, curriculum=False)
    batch = ct.prepare(slabs, 1.0, torch.Generator().manual_seed(4))
    total = batch["slab"][:, 1] - 0.04
    drawn, expected = (batch[name].flatten(1) for name in ("noise", "expected"))
    started = (total.flatten(1) - drawn).std(1) > 1e-6
    torch.testing.assert_close(expected[~started], drawn[~started], atol=1e-6, rtol=1e-4)
    # The best linear guess of what was drawn last, from all of it, has this slope; what is left is unrelated to it.
    left = (drawn - expected)[started]
    every = total.flatten(1)[started]
    slope = (left * every).mean(1) / every.square().mean(1)
    assert slope.mean().abs() < 0.02
    assert (expected[started].std(1) < drawn[started].std(1)).float().mean() > 0.95


def test_the_logarithmic_loss_weighs_noise_levels_alike() -> None:
    mr = stage(curriculum=False, loss="log", delta_max=0.3)
    batch = mr.prepare(flat_slabs(), 1.0, torch.Generator().manual_seed(5))

    class Half(torch.nn.Module):
        def forward(self, *_: torch.Tensor) -> torch.Tensor:
            return 0.5 * batch["noise"][:, None]

    nothing = float(mr.loss(mr.build(), batch).detach())
    assert float(mr.loss(Half(), batch)) == pytest.approx(nothing - np.log(4.0), abs=1e-4)
