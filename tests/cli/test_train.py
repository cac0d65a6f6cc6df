"""quietvoxel train and models: the commands, their sentences and their exit codes."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from quietvoxel.cli.commands import obey_standard_input, understood
from quietvoxel.io import write
from quietvoxel.training.control import TrainingControl, Wish
from quietvoxel.volume import Geometry, Modality, Volume

pytest.importorskip("lightning", reason="needs the train extra (lightning)")

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Any]

pytestmark = pytest.mark.filterwarnings(
    "ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning"
)

SMALL = ("--patch", 32, "--batch", 1, "--precision", "float32", "--modality", "MR")


@pytest.fixture
def own_home(tiny_models: Path, tmp_path: Path, quietvoxel: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, for these commands write there."""
    home = tmp_path / "home"
    shutil.copytree(tiny_models / "models", home / "models")
    monkeypatch.setenv("QUIETVOXEL_HOME", str(home))
    return home


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder with two noisy MRs."""
    (tmp_path / "scans").mkdir()
    for seed in range(2):
        rng = np.random.default_rng(seed)
        y, x = np.meshgrid(np.linspace(-1, 1, 48), np.linspace(-1, 1, 48), indexing="ij")
        data = np.where(y**2 + x**2 < 0.6, 300.0, 0.0) + rng.normal(0, 12, (4, 48, 48))
        volume = Volume(np.abs(data).astype(np.float32), Geometry((2.0, 2.0, 4.0)), Modality.MR)
        write(volume, tmp_path / "scans" / f"{seed}.nii.gz")
    return tmp_path / "scans"


@pytest.mark.slow
def test_train_then_list_export_remove_import_and_denoise(
    quietvoxel: Run, own_home: Path, scans: Path, tmp_path: Path
) -> None:
    words = ("train", scans, "--name", "mine", "--max-steps", 2, *SMALL)
    done = quietvoxel(*words, "--progress", "jsonl", "--title", "Our scanner")
    assert done.code == 0, done.err
    assert done.err == ""
    assert [event["event"] for event in done.events][-1] == "finished"
    assert done.events[-1]["model"] == "mine"
    assert "Our scanner" in quietvoxel("models", "list").out
    assert quietvoxel(*words).code == 2
    assert "There is a model 'mine' already" in quietvoxel(*words).err

    exported = quietvoxel("models", "export", "mine", "mine.safetensors")
    assert exported.code == 0, exported.err
    assert quietvoxel("models", "remove", "mine").code == 0
    assert "There is no model 'mine'" in quietvoxel("models", "show", "mine").err
    imported = quietvoxel("models", "import", "mine.safetensors", "--name", "again")
    assert "'again' (relativeflow, MR) is installed" in imported.out
    denoised = quietvoxel(
        "denoise", scans / "0.nii.gz", "quiet.nii.gz", "--model", "again", "--modality", "MR"
    )
    assert denoised.code == 0, denoised.err

    people = quietvoxel("train", scans, "--name", "second", "--max-steps", 2, *SMALL)
    assert people.code == 0
    assert people.out == ""
    assert "2 volumes, MR, 8 slices, noise" in people.err
    assert "steps, about" in people.err
    assert people.err.splitlines()[-1].startswith(("The model 'second' was saved", "Nothing was better"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("train", "--name requires an argument"),
        ("train scans", "--name"),
        ("train scans --name mine --plan slow", '"slow"'),
        (
            "train scans --name mine --patch 33",
            "--patch is 33 but should be a multiple of 16; see quietvoxel train",
        ),
        ("train scans --name mine --max-steps 0", "--max-steps"),
        ("train scans --name Mine", "'Mine' cannot be a model's name"),
        ("train scans --name mine --from nope", "There is no model 'nope'"),
        ("train nowhere --name mine", "nowhere does not exist"),
        ("train --name mine", "holds no NIfTI"),
        ("train --name mine --resume", "was not begun"),
        ("train scans --name mine --device gpu", "There is no device 'gpu'"),
        ("models export nope out", "There is no model 'nope'"),
        ("models import nowhere.safetensors", "nowhere.safetensors does not exist"),
        ("models remove nope", "There is no model 'nope'"),
    ],
)
def test_bad_words_are_answered_in_one_sentence(
    quietvoxel: Run, own_home: Path, scans: Path, words: str, sentence: str
) -> None:
    outcome = quietvoxel(*words.split())
    assert outcome.code == 2, outcome.err
    assert outcome.out == ""
    assert sentence in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert not list((own_home / "runs").glob("*/run.json"))


def test_the_end_of_the_input_stops_after_a_checkpoint(
    quietvoxel: Run, own_home: Path, scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open("/dev/null", encoding="utf-8") as nothing:  # noqa: PTH123  # a stream with a file number
        monkeypatch.setattr("sys.stdin", nothing)
        outcome = quietvoxel("train", scans, "--name", "mine", *SMALL, "--progress", "jsonl", "--commands")
    assert outcome.code == 3
    assert outcome.events[-1]["event"] == "cancelled"
    assert len(outcome.err.splitlines()) == 1


def test_commands_are_lines_of_json(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert understood(b'{"command": "pause"}') is Wish.PAUSE
    for odd in (b"", b"pause", b"[]", b'{"command": "dance"}', b"\xff"):
        assert understood(odd) is None
    path = tmp_path / "commands"
    path.write_text('{"command": "pause"}\nnonsense\n{"command": "resume"}\n{"command": "stop"}\n')
    heard: list[Wish] = []

    class Control(TrainingControl):
        def ask(self, wish: Wish) -> None:
            heard.append(wish)
            super().ask(wish)

    control = Control()
    with path.open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        obey_standard_input(control).join(5)
    assert heard == [Wish.PAUSE, Wish.RUN, Wish.STOP, Wish.CANCEL]
    assert control.wish is Wish.CANCEL
