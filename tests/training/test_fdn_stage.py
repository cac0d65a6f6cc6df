"""FDN's training: what its losses are, and that it learns to give references back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from short_training import smooth_slabs, tiny_fdn, trained

from quietvoxel.engines.contract import Slabs
from quietvoxel.engines.fdn.network import finest_differences, flow_shape
from quietvoxel.engines.fdn.settings import FDNRecipe
from quietvoxel.engines.fdn.training import FDNStage
from quietvoxel.training.references import Reference

if TYPE_CHECKING:
    from pathlib import Path

CLIP = 1.0
ALL = {
    "weight_likelihood": 0.01,
    "weight_noise_latent": 0.1,
    "weight_consistency": 0.1,
    "weight_ssim": 0.1,
}


def stage(**changes: Any) -> FDNStage:
    return FDNStage(tiny_fdn(**changes))


@pytest.mark.parametrize("target", ["prior", "noise"])
@pytest.mark.parametrize("reconstruction", ["l1", "l2", "log"])
def test_every_term_has_its_weight_and_a_gradient(target: Any, reconstruction: Any) -> None:
    part = stage(**ALL, noise_latent_target=target, reconstruction=reconstruction)
    network, _ = trained(part, 3, CLIP)
    batch = part.prepare(smooth_slabs(), 1.0, torch.Generator().manual_seed(1))
    terms = part.losses(network.eval(), batch)
    assert set(terms) == {"reconstruction", "likelihood", "noise latent", "consistency", "ssim"}
    doubled = stage(
        **{k: 2 * v for k, v in ALL.items()}, noise_latent_target=target, reconstruction=reconstruction
    )
    for name, value in doubled.losses(network, batch).items():
        factor = 1 if name == "reconstruction" else 2
        torch.testing.assert_close(value, factor * terms[name], rtol=1e-4, atol=1e-5)
    for name, value in terms.items():
        (gradient,) = torch.autograd.grad(value, network.flow.layers[2].shift, retain_graph=True)
        assert torch.isfinite(gradient).all(), name
    assert set(stage(weight_likelihood=0.0).losses(network, batch)) == {"reconstruction"}


def test_whole_slices_of_any_size_can_be_judged() -> None:
    whole = smooth_slabs(2)
    slabs = Slabs(whole.image[..., :30, :23], whole.spacing_ratio)
    part = stage(**ALL)
    loss = part.loss(part.build().eval(), part.prepare(slabs, 1.0, torch.Generator().manual_seed(0)))
    assert torch.isfinite(loss)


def test_it_learns_to_give_references_back() -> None:
    _, history = trained(stage(reconstruction="l2", delta_min=0.5, weight_likelihood=0.001), 60, CLIP)
    assert np.mean(history[-10:]) < 0.6 * np.mean(history[:5])


def test_the_likelihood_of_the_training_images_is_kept_with_the_network() -> None:
    part = stage(delta_min=0.5)
    network, _ = trained(part, 10, CLIP)
    assert network.nll_seen.sum() == 80
    batch = part.prepare(smooth_slabs(), 1.0, torch.Generator().manual_seed(99))
    part.losses(network.eval(), batch)
    assert network.nll_seen.sum() == 80  # only training counts


def test_on_noisy_references_alone_half_of_them_are_made_noisier_first() -> None:
    generator = torch.Generator().manual_seed(0)
    slabs = Slabs(torch.full((64, 3, 32, 32), 0.8), torch.ones(64))
    for noisier, share in ((False, 0.0), (True, 0.5)):
        batch = stage(noisier_references=noisier).prepare(slabs, 1.0, generator)
        reference = batch["slab"][:, 1] - batch["noise"]
        assert (reference.flatten(1).std(1) > 1e-3).float().mean() == pytest.approx(share, abs=0.2)


def test_the_noise_that_a_latent_is_compared_with_is_as_white_as_the_noise() -> None:
    shape = flow_shape(FDNRecipe())
    noise = torch.randn(4, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    finest = finest_differences(noise, shape)
    assert finest.shape == (4, 4, 16, 16)
    assert finest.std().item() == pytest.approx(1.0, abs=0.05)
    assert finest_differences(torch.ones(1, 1, 64, 64), shape).abs().max() < 1e-5


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
def test_the_averaged_weights_know_that_they_are_set_up_and_can_be_tuned_further(tmp_path: Path) -> None:
    trainer = pytest.importorskip("quietvoxel.training.trainer", reason="needs the train extra (lightning)")
    references = [Reference("a", np.random.default_rng(0).random((6, 40, 40)).astype(np.float32), 2.0)]
    plan = trainer.TrainingPlan(max_steps=2, batch=2, patch=32, warmup=1, precision="32-true")
    first = trainer.train_stage(stage(), references, plan, tmp_path / "first").averaged
    assert all(flag for name, flag in first.named_buffers() if name.endswith("initialised"))
    tuned = trainer.train_stage(
        stage(noisier_references=True), references, plan, tmp_path / "tuned", start=first
    )
    assert all(torch.isfinite(weight).all() for weight in tuned.averaged.parameters())
