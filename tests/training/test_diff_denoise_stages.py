"""DiffDenoise's training: what each stage learns from, when it stops, and all of them in a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from short_training import smooth_slabs, tiny_diff_denoise, trained
from torch import Tensor

from quietvoxel.engines.contract import Slabs
from quietvoxel.engines.diff_denoise.engine import DiffDenoiseEngine, DiffDenoiseNetworks
from quietvoxel.engines.diff_denoise.network import LEVELS, DiffusionNetwork
from quietvoxel.engines.diff_denoise.student import StudentStage
from quietvoxel.engines.diff_denoise.training import BlindSpotStage, DiffusionStage
from quietvoxel.training.references import Reference, draw_slabs

if TYPE_CHECKING:
    from pathlib import Path


class Constant(torch.nn.Module):
    """A prediction that misses all of the structure."""

    def forward(self, slab: Tensor, _told: Tensor) -> Tensor:
        return torch.full_like(slab[:, :1], 0.6)


class MeanOfNeighbours(torch.nn.Module):
    """A blind-spot prediction that needs no training here: the slices beside the middle one."""

    def forward(self, slab: Tensor, _told: Tensor) -> Tensor:
        return 0.5 * (slab[:, :1] + slab[:, 2:])


@pytest.mark.parametrize("loss", ["log", "l1"])
def test_the_blind_spot_network_learns_the_image_from_noisy_ones(loss: Any) -> None:
    stage = BlindSpotStage(tiny_diff_denoise(blind_loss=loss, delta_min=0.5, delta_max=1.0))
    network, _ = trained(stage, 80)
    batch = stage.prepare(smooth_slabs(), 1.0, torch.Generator().manual_seed(999))
    noisy = batch["slab"][:, 1:2]
    truth = noisy - batch["noise"][:, None]
    with torch.inference_mode():
        found, untrained = (
            net.eval()(batch["slab"], batch["conditions"]) for net in (network, stage.build())
        )
    errors = [float((image - truth).square().mean().sqrt()) for image in (found, untrained, noisy)]
    assert errors[0] < 0.95 * errors[1] < errors[2]


@pytest.mark.parametrize("prediction", ["v", "epsilon"])
@pytest.mark.parametrize("loss", ["l2", "l1"])
def test_a_perfect_prediction_has_no_loss(prediction: Any, loss: Any) -> None:
    stage = DiffusionStage(tiny_diff_denoise(prediction=prediction, diffusion_loss=loss), MeanOfNeighbours())
    batch = stage.prepare(smooth_slabs(), 1.0, torch.Generator().manual_seed(0))
    network = stage.build()
    guide = 0.5 * (batch["slab"][:, :1] + batch["slab"][:, 2:])
    scale = network.scale(batch["conditions"][:, 2])[:, None, None, None]
    clean = (batch["slab"][:, 1:2] - guide) / scale

    def perfect(x: Tensor, _guide: Tensor, a: Tensor, b: Tensor, _sigma: Tensor) -> Tensor:
        eps = (x - a * clean) / b
        return eps if prediction == "epsilon" else a * eps - b * clean

    network.forward = perfect  # type: ignore[method-assign]
    assert float(stage.loss(network, batch)) < 1e-3
    a, b = (level[:, None, None, None] for level in network.levels(batch["time"]))
    x = a * clean + b * batch["eps"]
    found = network.clean(x, perfect(x, guide, a, b, batch["sigma"]), a, b)
    torch.testing.assert_close(found, clean, rtol=0, atol=2e-2)


def test_the_diffusion_is_shown_all_times_and_learns() -> None:
    stage = DiffusionStage(tiny_diff_denoise(), MeanOfNeighbours())
    times = stage.prepare(smooth_slabs(), 1.0, torch.Generator().manual_seed(0))["time"]
    assert sorted((times - 1).div(125, rounding_mode="floor").tolist()) == list(range(8))
    # What this guide leaves is pure noise, of which nothing can be learned; structure can.
    _, history = trained(DiffusionStage(tiny_diff_denoise(detail=0.2, delta_max=0.2), Constant()), 60)
    assert np.mean(history[-10:]) < 0.8 * np.mean(history[:5])


def test_what_the_blind_spot_prediction_misses_is_kept_by_noise_level() -> None:
    stage = DiffusionStage(tiny_diff_denoise(), MeanOfNeighbours())
    network, _ = trained(stage, 15)
    # The guide has half of the noise's variance, so that y - c has 1.5 of it.
    seen = network.seen > 3
    assert seen.sum() > LEVELS // 2
    torch.testing.assert_close(network.ratio[seen].mean(), torch.tensor(1.5), rtol=0.1, atol=0)
    assert network.residual_variance(0.05) == pytest.approx(1.5 * 0.05**2, rel=0.3)


def test_noise_that_comes_back_out_of_the_condition_is_noticed_and_ends_the_training() -> None:
    stage = DiffusionStage(tiny_diff_denoise(), MeanOfNeighbours())
    network = stage.build()
    noise = 0.05 * torch.randn(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    for _ in range(300):
        network.record_leak(0.0 * noise, noise)
    assert not stage.finished(network)
    for _ in range(300):
        network.record_leak(0.4 * noise, noise)
    assert float(network.leak) == pytest.approx(0.4, abs=0.02)
    assert stage.finished(network)
    assert not stage.finished(torch.nn.Identity())


@pytest.mark.parametrize("telling", [True, False])
def test_a_network_that_finds_the_noisy_image_in_its_condition_leaks(telling: bool) -> None:
    class Telling(torch.nn.Module):
        """Hides the middle slice in the condition, faintly."""

        def forward(self, slab: Tensor, _told: Tensor) -> Tensor:
            return 0.2 * slab[:, 1:2] if telling else 0.2 * slab[:, :1]

    stage = DiffusionStage(tiny_diff_denoise(delta_min=0.5, condition_noise=0.1), Telling())
    network = stage.build()

    def undo(x: Tensor, guide: Tensor, a: Tensor, b: Tensor, sigma: Tensor) -> Tensor:
        clean = 4.0 * guide / network.scale(sigma)[:, None, None, None]
        return (a * x - clean) / b

    network.forward = undo  # type: ignore[method-assign]
    for step in range(100):
        stage.loss(network, stage.prepare(smooth_slabs(), 1.0, torch.Generator().manual_seed(step)))
    # 0.8 of the noise is found; the running mean is on its way there.
    assert 0.4 < float(network.leak) < 0.8 if telling else abs(float(network.leak)) < 0.08
    assert stage.finished(network) == telling


def test_the_student_learns_what_was_removed() -> None:
    stage = StudentStage(tiny_diff_denoise())
    slabs = smooth_slabs()
    removed = 0.05 * torch.randn(8, 1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    facts = [torch.full_like(removed, value) for value in (0.05, 2.0)]
    batch = stage.prepare(
        Slabs(slabs.image + removed[:, 0], slabs.spacing_ratio, torch.cat([removed, *facts], dim=1)),
        1.0,
        torch.Generator(),
    )
    torch.testing.assert_close(batch["removed"], removed[:, :, 1])
    torch.testing.assert_close(batch["sigma"], torch.full((8,), 0.05))
    torch.testing.assert_close(batch["conditions"][:, 4], torch.full((8,), 0.05 * 2**0.5))
    assert float(stage.loss(stage.build(), batch).detach()) == pytest.approx(1.0, abs=0.05)
    with pytest.raises(ValueError, match="what the teacher removed"):
        stage.prepare(slabs, 1.0, torch.Generator())


@pytest.mark.parametrize("modality", ["MR", "CT"])
def test_stacks_are_taught_once_and_give_the_student_all_it_needs(tmp_path: Path, modality: Any) -> None:
    distil = pytest.importorskip("quietvoxel.training.distil")
    own = tiny_diff_denoise(modality=modality)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        engine = DiffDenoiseEngine(
            DiffDenoiseNetworks(BlindSpotStage(own).build(), DiffusionNetwork(own)), own
        )
    rng = np.random.default_rng(0)
    data = (0.5 + 0.1 * rng.random((9, 40, 40))).astype(np.float16)
    noise = rng.standard_normal((2, *data.shape)).astype(np.float16) if modality == "CT" else None
    references = [Reference("a", data, 2.0, noise)]
    settings = distil.TEACHER.touched(ddim_steps=5)
    first, again = (
        distil.taught_stacks(engine, references, 2, tmp_path, side=32, teacher=settings) for _ in range(2)
    )
    assert len(first) == 2
    assert len(list(tmp_path.iterdir())) == 2
    assert np.array_equal(first[1].data, again[1].data)
    assert first[0].noise is not None
    assert first[0].noise.shape == (3, *first[0].data.shape)
    slabs = draw_slabs(first, 4, 24, 1, np.random.default_rng(0))
    batch = StudentStage(own).prepare(slabs, 1.0, torch.Generator())
    assert batch["removed"].abs().max() > 0
    assert batch["sigma"].min() > 0


def test_references_teach_the_student_the_noise_that_was_added_to_them(tmp_path: Path) -> None:
    distil = pytest.importorskip("quietvoxel.training.distil")
    own = tiny_diff_denoise(modality="CT").model_copy(update={"reference_share": 0.75})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        engine = DiffDenoiseEngine(
            DiffDenoiseNetworks(BlindSpotStage(own).build(), DiffusionNetwork(own)), own
        )
    noise = np.random.default_rng(0).standard_normal((2, 9, 40, 40)).astype(np.float16)
    flat = Reference("a", np.zeros((9, 40, 40), np.float16), 2.0, noise)
    settings = distil.TEACHER.touched(ddim_steps=5)
    stacks = distil.taught_stacks(engine, [flat], 2, tmp_path, side=32, teacher=settings)
    assert len(stacks) == 8
    # Of a reference without anything in it all that is seen is to go, more or less of it by strength.
    shares = []
    for stack in stacks[2:]:
        assert stack.noise is not None
        removed, power = stack.noise[0].astype(np.float64), float(stack.noise[2].mean())
        shares.append(
            (power, float((removed * stack.data).sum() / np.square(stack.data.astype(float)).sum()))
        )
    full = own.start_power
    assert any(power != pytest.approx(full, rel=1e-2) for power, _ in shares)
    for power, share in shares:
        if power == pytest.approx(full, rel=1e-2):
            assert share == pytest.approx(1.0, abs=0.01)
    by_power = [share for _, share in sorted(shares)]
    assert by_power[0] < 0.9
    assert np.diff(by_power).min() > -0.01


def test_references_do_not_teach_magnitudes(tmp_path: Path) -> None:
    distil = pytest.importorskip("quietvoxel.training.distil")
    own = tiny_diff_denoise(modality="MR").model_copy(update={"reference_share": 0.5})
    engine = DiffDenoiseEngine(DiffDenoiseNetworks(BlindSpotStage(own).build(), DiffusionNetwork(own)), own)
    scan = Reference("a", np.full((9, 40, 40), 0.5, np.float16), 2.0)
    settings = distil.TEACHER.touched(ddim_steps=5)
    with pytest.raises(ValueError, match="reference_share is for CT"):
        distil.taught_stacks(engine, [scan], 1, tmp_path, side=32, teacher=settings)


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_training_that_is_told_to_stop_stops(tmp_path: Path) -> None:
    trainer = pytest.importorskip("quietvoxel.training.trainer", reason="needs the train extra (lightning)")
    data = (0.5 + 0.1 * np.random.default_rng(0).random((6, 40, 40))).astype(np.float32)
    plan = trainer.TrainingPlan(max_steps=9, batch=2, patch=32, precision="32-true", checkpoint_every=1)
    asked: list[torch.nn.Module] = []

    def stop(network: torch.nn.Module) -> bool:
        asked.append(network)
        return len(asked) == 3

    told: list[dict[str, Any]] = []
    stage = BlindSpotStage(tiny_diff_denoise())
    trainer.train_stage(stage, [Reference("a", data, 2.0)], plan, tmp_path, stop=stop, tell=told.append)
    assert len(asked) == 3
    assert told == [{"event": "enough", "step": 3, "steps": 9}]
    assert torch.load(tmp_path / "last.ckpt", weights_only=False)["global_step"] == 3


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
def test_all_stages_run_in_a_row_and_end_in_one_model_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lightning", reason="needs the train extra (lightning)")
    from quietvoxel.inference import denoise
    from quietvoxel.models.store import find_model
    from quietvoxel.training import diff_denoise, pretrain
    from quietvoxel.training.trainer import TrainingPlan
    from quietvoxel.volume import Modality, Volume

    own = tiny_diff_denoise()
    data = (0.5 + 0.1 * np.random.default_rng(0).random((6, 40, 40))).astype(np.float32)
    plan = TrainingPlan(max_steps=2, batch=2, patch=32, warmup=1, precision="32-true", checkpoint_every=1)
    networks, again = (
        diff_denoise.train_diff_denoise(
            [Reference("a", data, 2.0)],
            own,
            plan,
            tmp_path / "run",
            stacks=1,
            side=32,
            teacher=diff_denoise.TEACHER.touched(ddim_steps=5),
        )
        for _ in range(2)
    )
    assert list(networks) == ["blind_spot", "diffusion", "student"]
    for name, network in networks.items():
        for a, b in zip(network.parameters(), again[name].parameters(), strict=True):
            assert torch.equal(a, b), f"{name} was trained again"
    found, steps = diff_denoise.trained_so_far(own, tmp_path / "run")
    assert steps == 1 + 2 + 1
    for name, network in networks.items():
        for a, b in zip(network.parameters(), found[name].parameters(), strict=True):
            assert torch.equal(a, b), name
    options = pretrain.parser().parse_args(
        ["diffdenoise", "--modality", "mr", "--data", str(tmp_path), "--out", str(tmp_path / "models")]
    )
    card = pretrain.export(networks, own, options, 4)
    monkeypatch.setenv("QUIETVOXEL_MODELS", str(tmp_path / "models"))
    assert find_model(engine="diffdenoise", modality="MR") == card
    volume = Volume(np.abs(100 * data), modality=Modality.MR)
    settings = {"student": False, "ddim_steps": 5}
    info = pytest.importorskip("quietvoxel.engines.registry").engine_info("diffdenoise")
    result = denoise(volume, card, info.settings.model_validate(settings), only=[3])
    assert result.uncertainty is not None
    preview = result.volume.data[3]
    whole = denoise(volume, card, info.settings.model_validate(settings))
    assert np.array_equal(preview, whole.volume.data[3])


def test_a_network_takes_over_the_weights_that_fit_and_keeps_its_own_elsewhere() -> None:
    from quietvoxel.engines.diff_denoise.engine import build_networks
    from quietvoxel.networks.weights import take_over

    donor = build_networks(tiny_diff_denoise())
    tensors = {
        f"{name}.{key}": value + 1.0
        for name, network in donor.items()
        for key, value in network.state_dict().items()
    }
    own = build_networks(tiny_diff_denoise().model_copy(update={"radius": 1, "dilation": 4}))
    before = own["blind_spot"].state_dict()["weight"].clone()
    assert take_over(own["student"], tensors, "student") == 1.0
    assert 0.5 < take_over(own["blind_spot"], tensors, "blind_spot") < 1.0
    assert torch.equal(own["blind_spot"].state_dict()["weight"], before)
    body = "body.encoder.0.0.first.weight"
    assert torch.equal(own["blind_spot"].state_dict()[body], tensors[f"blind_spot.{body}"])
    # What the other network measured of its own images says nothing of these.
    assert take_over(own["diffusion"], tensors, "diffusion") == 1.0
    assert float(own["diffusion"].state_dict()["leak"]) == 0.0
