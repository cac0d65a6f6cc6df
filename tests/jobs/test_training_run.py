"""A training in a process of its own: its events, its commands, and every way in which it can end."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from quietvoxel.io import write
from quietvoxel.jobs import (
    Mailbox,
    ReferenceFound,
    ReferencesJob,
    TrainingRequest,
    TrainingRun,
    TrainingState,
    interrupted_trainings,
)
from quietvoxel.jobs.job import JobContext
from quietvoxel.training.settings import TrainingSettings
from quietvoxel.volume import Geometry, Modality, Volume

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE = Path(__file__).resolve().parents[2] / "src"

CHILD = """
import json, os, sys, threading
def tell(**event): print(json.dumps(event), flush=True)
print("a library prints this")
tell(event="started", name="x")
tell(event="plan", steps=9)
print("about to {how}", file=sys.stderr)
while True:
    line = sys.stdin.readline()
    if not line:
        tell(event="cancelled", message="end of input")
        sys.exit(3)
    word = json.loads(line)["command"]
    if word == "pause": tell(event="paused", step=1)
    if word == "resume": tell(event="resumed", step=1)
    if word == "stop": tell(event="finished", improved=True); sys.exit(0)
    if word == "cancel": os._exit(9)
"""


class Listener:
    """Reads a mailbox as a front-end does."""

    def __init__(self) -> None:
        self.woken = threading.Event()
        self.mailbox: Mailbox[dict[str, Any]] = Mailbox(self.woken.set)
        self.events: list[dict[str, Any]] = []

    def until(self, wanted: Callable[[list[dict[str, Any]]], bool], seconds: float = 300.0) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.events += self.mailbox.drain()
            if wanted(self.events):
                return
            self.woken.wait(0.05)
            self.woken.clear()
        pytest.fail(f"never came; there was: {[event['event'] for event in self.events]}")

    def until_told(self, kind: str, count: int = 1) -> dict[str, Any]:
        self.until(lambda events: sum(event["event"] == kind for event in events) >= count)
        return [event for event in self.events if event["event"] == kind][-1]


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def fake(listener: Listener) -> TrainingRun:
    """A training that only says what a training says."""
    program = [sys.executable, "-c", CHILD.replace("{how}", "wait")]
    return TrainingRun(TrainingRequest("x"), listener.mailbox, program)


def test_commands_reach_the_process_and_states_follow_its_events(
    listener: Listener, fake: TrainingRun
) -> None:
    assert fake.state is TrainingState.IDLE
    fake.start()
    listener.until_told("plan")
    assert fake.state is TrainingState.TRAINING
    fake.pause()
    listener.until_told("paused")
    assert fake.state is TrainingState.PAUSED
    fake.resume()
    listener.until_told("resumed")
    assert fake.state is TrainingState.TRAINING
    fake.stop()
    assert fake.state is TrainingState.STOPPING
    listener.until_told("finished")
    assert fake.state is TrainingState.FINISHED
    assert not fake.state.busy
    assert [event["event"] for event in listener.events] == [
        "started", "plan", "paused", "resumed", "finished",
    ]  # fmt: skip
    with pytest.raises(RuntimeError, match="started once"):
        fake.start()
    fake.pause()  # nobody listens any more, and nobody minds


def test_a_crash_is_a_failed_event_with_one_sentence(listener: Listener, fake: TrainingRun) -> None:
    fake.start()
    listener.until_told("plan")
    fake.cancel()  # this child dies of it
    failed = listener.until_told("failed")
    assert fake.state is TrainingState.FAILED
    assert failed["message"].count(".") == 1
    assert "code 9" in failed["message"]
    assert failed["details"] == "about to wait"


def test_a_killed_process_takes_its_children_along(listener: Listener) -> None:
    code = (
        "import subprocess, sys, json, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(json.dumps({'event': 'plan', 'child': child.pid}), flush=True)\n"
        "time.sleep(60)\n"
    )
    run = TrainingRun(TrainingRequest("x"), listener.mailbox, [sys.executable, "-c", code])
    run.start()
    child = listener.until_told("plan")["child"]
    run.kill()
    listener.until_told("cancelled")
    assert run.wait(5)
    assert run.state is TrainingState.CANCELLED
    gone = time.monotonic() + 5
    while time.monotonic() < gone and alive(child):
        time.sleep(0.02)
    assert not alive(child)


def alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_program_that_cannot_train_is_said(listener: Listener) -> None:
    run = TrainingRun(TrainingRequest("x"), listener.mailbox, [sys.executable, "-c", "raise SystemExit(1)"])
    run.start()
    assert "code 1" in listener.until_told("failed")["message"]


def test_the_request_is_a_command_line_that_is_understood() -> None:
    from quietvoxel.cli.app import build_app

    settings = TrainingSettings(patch=64, learning_rate=0.0005)
    request = TrainingRequest(
        "mine", (Path("--odd"), Path("b")), start="scratch", plan="quick", settings=settings, max_steps=3
    )
    app = build_app("relativeflow")
    _, bound, _ = app.parse_args(request.arguments(), exit_on_error=False, print_error=False)
    said = bound.arguments
    assert said["references"] == (Path("--odd"), Path("b"))
    assert (said["start"], said["plan"], said["max_steps"], said["save"]) == ("scratch", "quick", 3, False)
    assert said["settings"] == settings
    assert said["commands"]
    assert said["background"]
    _, bound, _ = app.parse_args(
        TrainingRequest("mine", resume=True).arguments(), exit_on_error=False, print_error=False
    )
    assert bound.arguments["resume"]


def noisy(path: Path, seed: int, modality: Modality = Modality.MR) -> Path:
    rng = np.random.default_rng(seed)
    y, x = np.meshgrid(np.linspace(-1, 1, 48), np.linspace(-1, 1, 48), indexing="ij")
    data = np.where(y**2 + x**2 < 0.6, 300.0, 0.0) + rng.normal(0, 12, (4, 48, 48))
    write(Volume(np.abs(data).astype(np.float32), Geometry((2.0, 2.0, 4.0)), modality), path)
    return path


@pytest.mark.slow
def test_a_real_training_pauses_dies_goes_on_and_stops_with_a_model(
    listener: Listener, tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lightning", reason="needs the train extra (lightning)")
    home = tmp_path / "home"
    shutil.copytree(tiny_models / "models", home / "models")
    monkeypatch.setenv("QUIETVOXEL_HOME", str(home))
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    references = tuple(noisy(tmp_path / f"{k}.nii.gz", k) for k in range(2))
    request = TrainingRequest(
        "mine",
        references,
        modality="MR",
        max_steps=100_000,
        settings=TrainingSettings(patch=32, batch=1),
        save=True,
    )
    run = TrainingRun(request, listener.mailbox)
    run.start()
    listener.until_told("progress")
    assert os.getpriority(os.PRIO_PROCESS, run.pid or 0) > os.getpriority(os.PRIO_PROCESS, 0)
    run.pause()
    listener.until_told("paused")
    assert interrupted_trainings() == []  # it is there, only pausing
    run.kill()
    listener.until_told("cancelled")
    (interrupted,) = interrupted_trainings()
    assert interrupted.name == "mine"
    saved = listener.until_told("saved")["step"]

    again = Listener()
    resumed = TrainingRun(interrupted.request, again.mailbox)
    resumed.start()
    first = again.until_told("progress")
    assert first["step"] > saved
    resumed.stop()
    end = again.until_told("finished")
    assert resumed.state is TrainingState.FINISHED
    assert end["stopped"]
    assert (home / "models" / "mine.json").exists() == end["improved"]
    assert interrupted_trainings() == []


def test_references_are_looked_at_before_a_training(tmp_path: Path) -> None:
    for k in range(2):
        noisy(tmp_path / f"{k}.nii.gz", k)
    (tmp_path / "broken.nii.gz").write_bytes(b"nothing")
    told: list[Any] = []
    context = JobContext(told.append, lambda: False, lambda: None)
    summary = ReferencesJob((tmp_path,), "MR").run(context)
    assert (summary.modality, summary.volumes, summary.slices) == ("MR", 2, 8)
    assert 0 < summary.noise[0] <= summary.noise[1]
    assert all(isinstance(one, ReferenceFound) for one in told)
    assert [one.number for one in told] == [1, 2, 3]
    broken = next(one for one in told if one.path.name == "broken.nii.gz")
    assert "broken.nii.gz" in broken.sentence
    assert json.dumps(summary.noise)
