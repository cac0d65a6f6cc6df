"""Fine-tuning from files to a model: what the user gets, and what happens when something is in the way."""

from __future__ import annotations

import errno
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from quietvoxel.engines.diff_denoise.settings import DiffDenoiseRecipe
from quietvoxel.engines.fdn.settings import FDNRecipe
from quietvoxel.engines.relative_flow.training import RelativeFlowStage
from quietvoxel.errors import BadInputError, CancelledError, OutOfMemoryError, QuietVoxelError
from quietvoxel.models import find_model, load_tensors, save_model

pytest.importorskip("lightning", reason="needs the train extra (lightning)")

from quietvoxel.training import checkpoints, tunable
from quietvoxel.training.control import TrainingControl, Wish
from quietvoxel.training.fine_tune import fine_tune
from quietvoxel.training.outcome import save_trained
from quietvoxel.training.runs import interrupted_runs, run_folder
from quietvoxel.training.stacks import read_index

from .conftest import SMALL, noisy_mr

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Order = Callable[..., Any]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning"),
]


class Heard(list[dict[str, Any]]):
    """Events in their order; asks for something as soon as an event of a kind has come so many times."""

    def __init__(self, control: TrainingControl | None = None, wish: Wish = Wish.RUN, **after: int) -> None:
        super().__init__()
        self.control, self.wish, self.after = control, wish, after

    def __call__(self, event: dict[str, Any]) -> None:
        self.append(event)
        for kind, count in self.after.items():
            if self.control is not None and len(self.of(kind)) == count and event["event"] == kind:
                self.control.ask(self.wish)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self if event["event"] == kind]


def test_a_training_ends_as_a_model_that_denoises(order: Order, references: Path) -> None:
    from quietvoxel.inference import denoise
    from quietvoxel.io import read

    heard = Heard()
    record = fine_tune(order(max_steps=8, card=(("title", "Our scanner"),)), tell=heard)
    kinds = list(dict.fromkeys(event["event"] for event in heard))
    assert kinds == [
        "started", "reading", "references", "plan", "validation", "progress", "saved", "finished",
    ]  # fmt: skip
    plan, end = heard.of("plan")[0], heard.of("finished")[0]
    assert plan["seconds"] > 0
    assert plan["memory_bytes"] > 10**7
    assert (end["improved"], end["model"]) == (True, "mine")
    assert end["psnr_after"] > end["psnr_before"] + 0.05
    best = [event["psnr"] for event in heard.of("validation") if event["better"]]
    assert end["psnr_after"] == pytest.approx(max(best), abs=1e-3)
    card = find_model("mine", engine="relativeflow")
    assert card.title == "Our scanner"
    assert card.training["start"] == "relativeflow-mr"
    assert f"{end['psnr_after']:.2f} dB after" in card.quality[0]
    assert "3 local MR volumes" in card.training_data[-1]
    volume = read(references / "scan-0.nii.gz")
    changed = denoise(volume, card, only=[1]).volume.data
    assert np.abs(changed[1] - volume.data[1]).max() > 0
    folder = run_folder("mine")
    pictures = {
        name: np.load(folder / f"validation-{name}.npy") for name in ("reference", "degraded", "start", "now")
    }
    assert {picture.shape for picture in pictures.values()} == {(48, 48)}
    assert np.abs(pictures["now"] - pictures["start"]).max() > 0
    assert not (folder / "references").exists()
    assert record.state == "saved"


def test_the_starting_model_stays_where_nothing_is_better(order: Order, home: Path) -> None:
    # A network that changes nothing is better than one that unlearns everything at an absurd rate.
    card = find_model("relativeflow-mr")
    still = load_tensors(card)
    still["velocity.tail.weight"] *= 0
    save_model(home / "models", still, card.model_dump(exclude={"origin"}) | {"name": "still"})
    heard = Heard()
    settings = SMALL.model_copy(update={"learning_rate": 0.01})
    record = fine_tune(order(start="still", settings=settings, max_steps=3), tell=heard)
    end = heard[-1]
    assert (end["event"], end["improved"], end["model"]) == ("finished", False, None)
    assert "'still'" in end["message"]
    assert "no new model was made" in end["message"]
    assert record.state == "unchanged"
    assert not (home / "models" / "mine.json").exists()
    with pytest.raises(BadInputError, match="kept its starting model"):
        save_trained(run_folder("mine"))


def weights_at_the_end(folder: Path) -> dict[str, torch.Tensor]:
    state = torch.load(folder / "velocity" / "last.ckpt", weights_only=True)["state_dict"]
    return {name: value for name, value in state.items() if name.startswith("network.")}


@pytest.fixture
def untidied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the last checkpoint of a finished training on the disk."""
    monkeypatch.setattr("quietvoxel.training.fine_tune._tidy", lambda folder: None)


def test_a_training_that_was_cancelled_goes_on_to_where_an_uninterrupted_one_ends(
    order: Order, untidied: None
) -> None:
    fine_tune(order(name="whole", max_steps=6))
    control = TrainingControl()
    heard = Heard(control, Wish.CANCEL, validation=2)
    with pytest.raises(CancelledError, match="--resume"):
        fine_tune(order(name="cut", max_steps=6), control=control, tell=heard)
    assert heard[-1]["event"] == "saved"
    assert 0 < heard[-1]["step"] < 6
    assert [record.name for _, record in interrupted_runs()] == ["cut"]
    again = Heard()
    fine_tune(order(name="cut", references=()), resume=True, tell=again)
    assert again[0]["resumed"]
    assert interrupted_runs() == []
    whole, cut = (weights_at_the_end(run_folder(name)) for name in ("whole", "cut"))
    for name, value in whole.items():
        torch.testing.assert_close(cut[name], value, rtol=1e-5, atol=1e-7)
    figures = [
        json.loads((run_folder(name) / "run.json").read_text())["figures"] for name in ("whole", "cut")
    ]
    assert figures[0] == pytest.approx(figures[1], abs=1e-3)


def test_stop_keeps_the_best_and_pause_waits(order: Order) -> None:
    control = TrainingControl()
    heard = Heard()

    def tell(event: dict[str, Any]) -> None:
        heard(event)
        if event["event"] == "validation" and event["step"] == 5:
            control.ask(Wish.PAUSE)
        if event["event"] == "paused":
            assert heard[-2]["event"] == "saved"
            control.ask(Wish.STOP)

    fine_tune(order(max_steps=10), control=control, tell=tell)
    assert len(heard.of("paused")) == 1
    end = heard[-1]
    assert (end["event"], end["stopped"], end["model"]) == ("finished", True, "mine")
    assert find_model("mine").training["stopped_early"] is True


def test_memory_that_runs_out_makes_the_batch_smaller(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    loss, steps = RelativeFlowStage.loss, []

    def greedy(self: Any, network: torch.nn.Module, batch: Any) -> torch.Tensor:
        if network.training:
            steps.append(len(batch["slab"]))
            # Eight are too many from the start, four later on.
            if len(batch["slab"]) > (4 if len(steps) < 12 else 2):
                msg = "[enforce fail] DefaultCPUAllocator: can't allocate memory"
                raise RuntimeError(msg)
        return loss(self, network, batch)

    monkeypatch.setattr(RelativeFlowStage, "loss", greedy)
    heard = Heard()
    settings = SMALL.model_copy(update={"batch": 8})
    record = fine_tune(order(settings=settings, max_steps=8), tell=heard)
    assert "a batch of 4" in heard.of("plan")[0]["notes"][0]
    assert "a batch of 2" in heard.of("note")[0]["message"]
    assert record.stages[0].batch == 2
    assert heard[-1]["event"] == "finished"


def test_no_memory_at_all_is_one_sentence(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> torch.Tensor:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(RelativeFlowStage, "loss", never)
    with pytest.raises(OutOfMemoryError, match="close other programs or train on the CPU"):
        fine_tune(order())


def test_a_full_disk_leaves_the_last_good_checkpoint(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    save, saved = torch.save, []
    monkeypatch.setattr("quietvoxel.training.starting.stage_plan", often(checkpoints_every=0.0))
    monkeypatch.setattr("quietvoxel.training.run_stage.stage_plan", often(checkpoints_every=0.0))

    def full(state: Any, path: Any) -> None:
        saved.append(path)
        if len(saved) == 3:
            path.write_bytes(b"half of it")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(state, path)

    monkeypatch.setattr(checkpoints.torch, "save", full)
    with pytest.raises(
        QuietVoxelError, match=r"disk of .* is full; the last good checkpoint is kept"
    ) as caught:
        fine_tune(order(max_steps=5))
    assert caught.value.exit_code == 1
    folder = run_folder("mine") / "velocity"
    assert not list(folder.glob("*.part"))
    assert torch.load(folder / "last.ckpt", weights_only=True)["global_step"] == 2
    assert fine_tune(order(), resume=True).state == "saved"


def often(*, checkpoints_every: float) -> Callable[..., Any]:
    """The plan of a stage with checkpoints so many seconds apart."""
    from quietvoxel.training.order import stage_plan

    return lambda *arguments: replace(stage_plan(*arguments), checkpoint_seconds=checkpoints_every)


def test_one_slice_is_enough_to_train_on_and_that_is_said(order: Order, tmp_path: Path) -> None:
    one = noisy_mr(tmp_path / "one.nii.gz", slices=1)
    heard = Heard()
    fine_tune(order(references=(one,), max_steps=2), tell=heard)
    assert "too few slices to hold any out" in " ".join(heard.of("references")[0]["notes"])
    assert heard[-1]["event"] == "finished"


TINY_DIFF = {
    "features": 4,
    "blind_widths": (8, 16),
    "blind_blocks": (1, 1),
    "diffusion_widths": (8, 16),
    "diffusion_blocks": (1, 1),
    "student_widths": (8, 16),
    "student_blocks": (1, 1),
}
TINY_FDN = {"widths": (8,), "steps": 2, "latent_widths": (8, 16), "latent_blocks": (1, 1)}


@pytest.mark.parametrize(
    ("engine", "recipe", "stages"),
    [
        ("diffdenoise", DiffDenoiseRecipe.model_validate(TINY_DIFF), ["blind_spot", "diffusion", "student"]),
        ("fdn", FDNRecipe.model_validate(TINY_FDN), ["fdn"]),
    ],
)
def test_every_engine_trains_from_scratch_and_then_from_its_own_model(
    order: Order, home: Path, monkeypatch: pytest.MonkeyPatch, engine: str, recipe: Any, stages: list[str]
) -> None:
    small = replace(tunable.TUNABLE[engine], recipe_for=lambda modality: recipe)
    monkeypatch.setitem(tunable.TUNABLE, engine, small)
    heard = Heard()
    fine_tune(order(engine=engine, start="scratch", name="first", max_steps=2), tell=heard)
    assert list(dict.fromkeys(event["stage"] for event in heard.of("validation"))) == stages
    first = find_model("first", engine=engine)
    assert first.engine == engine
    assert "from scratch" in first.description
    tuned = Heard()
    fine_tune(order(engine=engine, start="first", name="second", max_steps=2), tell=tuned)
    end = tuned[-1]
    assert end["event"] == "finished"
    # The first training's end is the second one's start, but for the file's float16.
    assert end["psnr_before"] == pytest.approx(heard[-1]["psnr_after"], abs=0.3)
    assert (home / "models" / "second.json").exists() == end["improved"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "Not A Name"}, "cannot be a model's name"),
        ({"name": "relativeflow-mr"}, "There is a model 'relativeflow-mr' already"),
        ({"modality": "PET"}, "for CT or MR, not for 'PET'"),
        ({"engine": "magic"}, "no engine 'magic' to train; choose one of: relativeflow"),
        ({"start": "nope"}, "There is no model 'nope'"),
        ({"start": "relativeflow-ct"}, "is for CT, not MR"),
        ({"references": ()}, "holds no NIfTI"),
        (
            {"settings": SMALL.model_copy(update={"delta_min": 0.9, "delta_max": 0.5})},
            "--delta-min below --delta-max",
        ),
        ({"device": "cpu", "devices": 4096}, "--devices is 4096"),
    ],
)
def test_what_does_not_fit_together_is_one_sentence(
    order: Order, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(BadInputError, match=sentence):
        fine_tune(order(**changes))
    assert not list((run_folder("x").parent).glob("*/run.json"))


def test_an_unfinished_training_is_not_thrown_away_by_accident(order: Order) -> None:
    control = TrainingControl()
    with pytest.raises(CancelledError):
        fine_tune(order(), control=control, tell=Heard(control, Wish.CANCEL, validation=1))
    with pytest.raises(BadInputError, match="unfinished; go on with --resume"):
        fine_tune(order())
    assert fine_tune(order(max_steps=1), overwrite=True).state in ("saved", "unchanged")
    with pytest.raises(BadInputError, match="is finished; leave --resume out"):
        fine_tune(order(), resume=True)


def test_a_model_can_wait_for_its_card(order: Order) -> None:
    record = fine_tune(order(save=False))
    assert record.state == "trained"
    with pytest.raises(BadInputError, match="not saved yet"):
        fine_tune(order())
    card = save_trained(run_folder("mine"), "scanner-3", {"title": "Scanner 3", "licence": "CC BY 4.0"})
    assert (card.name, card.title, card.licence) == ("scanner-3", "Scanner 3", "CC BY 4.0")
    assert find_model("scanner-3").sha256 == card.sha256


def test_references_are_mapped_from_the_disk_and_validation_is_by_volume(order: Order) -> None:
    control = TrainingControl()
    heard = Heard(control, Wish.CANCEL, validation=1)
    with pytest.raises(CancelledError):
        fine_tune(order(), control=control, tell=heard)
    said = heard.of("references")[0]
    assert not set(said["training"]) & set(said["validation"])
    assert sorted(said["training"] + said["validation"]) == [1, 2, 3]
    cache = run_folder("mine") / "references"
    stacks = read_index(cache)
    assert stacks is not None
    assert {stack.number for stack in stacks if stack.held_out} == set(said["validation"])
    for stack in stacks:
        assert isinstance(stack.opened(cache).data, np.memmap)
