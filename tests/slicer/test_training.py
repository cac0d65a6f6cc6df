"""The section Train: a command line that `quietvoxel train` understands, and its events drawn."""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from QuietVoxelLib.child_process import SubprocessChild
from QuietVoxelLib.reference_files import write_reference
from QuietVoxelLib.train_foresight import TrainForesight
from QuietVoxelLib.train_run import TrainRun
from QuietVoxelLib.volume_nodes import array_of

import quietvoxel
from quietvoxel.io import read

from .conftest import Told, alive, oblique_matrix, until

pytestmark = pytest.mark.slicer

TRAINER = """
    import json, sys, time
    def tell(**event): print(json.dumps(event), flush=True)
    def wish(): return json.loads(sys.stdin.readline())["command"]
    folder = sys.argv[1]
    tell(event="started", name="my-ct", engine="relativeflow", folder=folder, resumed=False)
    tell(event="reading", done=1, total=2)
    tell(event="references", volumes=2, modality="CT", slices=8, noise=[14.0, 22.0], unit="HU",
         left_out=[{"number": 3, "reason": "it is too small"}], notes=[])
    tell(event="plan", steps=40, seconds=600, memory_bytes=2.1e9, device="cpu", precision="bfloat16", notes=[])
    for step in (1, 2, 3):
        tell(event="progress", stage="velocity", step=step, steps=4, epoch=1, epochs=2, loss=1.0 / step,
             seconds_per_step=1.0, eta_s=4.0 - step)
    tell(event="validation", stage="velocity", step=3, loss=0.4, psnr=31.5, ssim=0.9, psnr_start=31.0,
         ssim_start=0.89, better=True)
    assert wish() == "pause"; tell(event="paused", step=3)
    assert wish() == "resume"; tell(event="resumed", step=3)
    asked = sys.stdin.readline()
    if asked:
        assert json.loads(asked)["command"] == "stop"
        tell(event="finished", improved=True, model="my-ct", stopped=True, seconds=9.0, psnr_before=31.0,
             psnr_after=31.5, ssim_before=0.89, ssim_after=0.9, message="The model 'my-ct' was saved.")
    else:
        tell(event="cancelled", message="Stopped after a checkpoint; go on with --resume.")
        sys.exit(3)
"""


@pytest.fixture
def trainer(tmp_path: Path) -> list[str]:
    """A child that says what `quietvoxel train` says, and heeds the same commands."""
    rng = np.random.default_rng(0)
    for name in ("reference", "degraded", "now", "start"):
        np.save(tmp_path / f"validation-{name}.npy", rng.normal(0, 1, (16, 20)).astype(np.float32))
    return [sys.executable, "-c", textwrap.dedent(TRAINER), str(tmp_path)]


def test_a_training_is_drawn_paused_resumed_and_stopped(scene: Any, told: Told, trainer: list[str]) -> None:
    models: list[str] = []
    training = TrainRun(scene, SubprocessChild, told, models.append)
    training.start(trainer)
    until(lambda: training.pictures.picture is not None, training.tick)
    assert training.state == "running"
    assert told.progress[-1] == (0.75, "velocity: epoch 1/2, loss 0.3333, 0:01 left")
    assert told.notes == [
        "2 volumes · CT · 8 slices · noise 14–22 HU",
        "Reference 3 is left out: it is too small.",
        "40 steps, about 10:00 and 2.1 GB of memory, on cpu",
    ]
    loss, scores = training.pictures.loss_chart, training.pictures.score_chart
    assert loss.table.GetTable().GetNumberOfRows() == 3
    assert scores.chart.GetNumberOfPlotSeriesNodes() == 2
    assert array_of(training.pictures.picture).shape == (1, 16, 80)

    training.pause()
    until(lambda: training.state == "paused", training.tick)
    training.pause()
    until(lambda: training.state == "running", training.tick)
    training.stop()
    assert told.states[-1] == "cancelling"
    until(lambda: not training.busy, training.tick)
    assert told.sentence == "The model 'my-ct' was saved."
    assert models == ["my-ct"]


def test_a_scene_that_closes_ends_the_training_after_a_checkpoint(
    scene: Any, told: Told, trainer: list[str]
) -> None:
    training = TrainRun(scene, SubprocessChild, told)
    training.start(trainer)
    until(lambda: training.pictures.picture is not None, training.tick)
    training.pause()
    until(lambda: training.state == "paused", training.tick)
    training.pause()
    until(lambda: training.state == "running", training.tick)
    training.cancel()
    until(lambda: not training.busy, training.tick)
    assert told.sentence == "Stopped; it can go on from its last checkpoint."


def test_a_training_that_does_not_listen_is_ended(scene: Any, told: Told) -> None:
    now = [0.0]
    training = TrainRun(scene, SubprocessChild, told, clock=lambda: now[0])
    training.start([sys.executable, "-c", "import time; time.sleep(600)"])
    pid = training._process.pid
    training.cancel()
    training.tick()
    assert alive(pid)
    now[0] = 11.0
    until(lambda: not training.busy, training.tick, 10.0)
    assert not alive(pid)
    assert told.sentence == "Stopped; it can go on from its last checkpoint."


def test_a_crash_is_a_message(scene: Any, told: Told) -> None:
    training = TrainRun(scene, SubprocessChild, told)
    training.start([sys.executable, "-c", "import sys; print('oops', file=sys.stderr); sys.exit(9)"])
    until(lambda: not training.busy, training.tick)
    assert told.sentence == "The training ended unexpectedly (code 9); it can go on from its last checkpoint."
    assert told.details == "oops"


def test_a_volume_of_the_scene_is_a_reference(add_volume: Any, tmp_path: Path) -> None:
    node = add_volume(matrix=oblique_matrix())
    path = write_reference(node, tmp_path)
    assert np.array_equal(read(path, modality="CT").data, array_of(node))
    with pytest.raises(OSError, match="could not be written"):
        write_reference(node, tmp_path / "missing")


def test_events_that_are_drawn_are_those_of_the_program() -> None:
    source = Path(quietvoxel.__file__).parent
    files = [*(source / "training").glob("*.py"), *(source / "cli").glob("*.py")]
    told = set(re.findall(r'"event": "(\w+)"', "".join(one.read_text("utf-8") for one in files)))
    drawn = {name.removeprefix("_on_") for name in vars(TrainRun) if name.startswith("_on_")}
    assert drawn <= told


class Asked:
    """A worker that has not answered yet."""

    def __init__(self) -> None:
        self.orders: list[Any] = []
        self.tell: Any = None

    def submit(self, order: Any, tell: Any) -> None:
        self.orders.append(order)
        self.tell = tell


def test_stopping_before_the_command_line_is_there_starts_nothing(scene: Any, told: Told) -> None:
    started: list[Any] = []
    client = Asked()
    training = TrainRun(scene, lambda: started.append(True), told)
    training.ask(client, ["quietvoxel"], {"name": "x"})
    assert training.state == "preparing"
    training.stop()
    assert told.sentence == "Cancelled."
    assert not training.busy
    client.tell({"event": "finished", "arguments": ["train"]})
    assert started == []


def test_what_the_worker_refuses_is_said(scene: Any, told: Told) -> None:
    client = Asked()
    training = TrainRun(scene, SubprocessChild, told)
    training.ask(client, ["quietvoxel"], {"plan": "forever"})
    client.tell({"event": "failed", "message": "There is no plan 'forever'."})
    assert told.sentence == "There is no plan 'forever'."
    assert told.states[-1] == "idle"


def test_nothing_is_measured_while_the_user_chooses_and_a_measurement_is_dropped_for_a_training(
    scene: Any,
) -> None:
    now = [0.0]
    client = Asked()
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    foresight = TrainForesight(client, [], SubprocessChild, clock=lambda: now[0])
    for step in range(5):
        foresight.want({"engine": "relativeflow", "settings": {"patch": 32 * step}})
        now[0] += 1.0
        foresight.tick()
    assert client.orders == []
    now[0] += 1.0
    foresight.tick()
    assert [order["request"]["settings"]["patch"] for order in client.orders] == [128]
    assert client.orders[0]["request"]["measure"] is True
    client.tell({"event": "finished", "arguments": sleeper})
    pid = foresight._process.pid
    assert alive(pid)
    foresight.rest()
    until(lambda: not alive(pid), foresight.tick, 10.0)
    assert foresight.about("quick") == ""


def test_a_measurement_that_fails_is_one_line() -> None:
    now = [0.0]
    client = Asked()
    foresight = TrainForesight(client, [sys.executable], SubprocessChild, clock=lambda: now[0])
    foresight.want({"engine": "relativeflow"})
    assert foresight.about("quick") == "measuring time and memory on this machine…"
    now[0] = 2.0
    foresight.tick()
    client.tell({"event": "finished", "arguments": ["-c", "raise SystemExit(9)"]})
    until(lambda: "could not" in foresight.about("quick"), foresight.tick, 10.0)
    assert foresight.about("quick") == "Time and memory could not be measured."
