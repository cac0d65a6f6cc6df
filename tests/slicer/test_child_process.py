"""The child process for real: cancelled, killed, crashed, of another version, on a full disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING, Any

import pytest
import slicer
from QuietVoxelLib.denoise_run import DenoiseRun, Plan
from QuietVoxelLib.volume_desk import VolumeDesk
from QuietVoxelLib.volume_nodes import array_of

from .conftest import alive, noisy_array, until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slicer

LONG = Plan("relativeflow", "RelativeFlow", settings={"steps": 8, "best_quality": True})


def volumes(scene: Any) -> list[str]:
    return [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode", scene)]


def test_cancel_stops_at_the_next_step_and_leaves_nothing_behind(
    add_volume: Any, run: Any, warm_worker: Any, told: Any, scene: Any, desk: Any
) -> None:
    node = add_volume(noisy_array((40, 96, 96)))
    run.start(node, [LONG])
    until(lambda: run.state == "running" and len(told.progress) > 3, warm_worker.tick)
    generation = warm_worker.generation
    began = time.monotonic()
    run.cancel()
    assert told.states[-1] == "cancelling"
    until(lambda: not run.busy, warm_worker.tick)
    assert time.monotonic() - began < 1.0
    assert warm_worker.generation == generation  # it answered, so that it need not be ended
    assert told.sentence == "Cancelled; the unfinished result was taken away."
    assert volumes(scene) == ["CT abdomen"]
    assert not list(desk.folder.iterdir())


STUBBORN = """
    import sys, json, subprocess, time
    print(json.dumps({"event": "hello", "protocol": 1, "version": "0"}), flush=True)
    helper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print(json.dumps({"event": "note", "id": 1, "pid": helper.pid}), flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("how", ["cancel", "scene closed", "quit"])
def test_a_worker_that_does_not_listen_is_ended_with_its_whole_tree(own_worker: Any, how: str) -> None:
    client = own_worker([sys.executable, "-c", textwrap.dedent(STUBBORN)])
    heard: list[Any] = []
    number = client.submit({"job": "denoise"}, heard.append)
    until(lambda: heard, client.tick)
    family = [heard[0]["pid"], client.process.pid]
    assert all(map(alive, family))
    began = time.monotonic()
    if how == "cancel":
        client.cancel(number)
    elif how == "scene closed":
        client.stop()
    else:
        client.kill()
        assert time.monotonic() - began < 0.5
    until(lambda: not any(map(alive, family)), client.tick, 10.0)
    assert time.monotonic() - began < 4.0
    assert [record["event"] for record in heard] == ["note", "cancelled"]


def test_a_crash_is_a_message_and_the_next_run_starts_anew(
    add_volume: Any, own_worker: Any, tmp_path: Path, told: Any, scene: Any, plan: Any
) -> None:
    client = own_worker()
    run = DenoiseRun(client, VolumeDesk(client, tmp_path), told)
    node = add_volume(noisy_array((30, 96, 96)))
    run.start(node, [LONG])
    until(lambda: run.state == "running", client.tick)
    client.process._process.kill()
    until(lambda: not run.busy, client.tick)
    assert told.sentence.startswith("The program that computes ended unexpectedly (code ")
    assert told.sentence.endswith("your scene is untouched, start again.")
    assert volumes(scene) == ["CT abdomen"]

    small = add_volume(name="CT head")
    made: list[Any] = []
    run.start(small, [plan], lambda _source, results: made.extend(results))
    until(lambda: not run.busy, client.tick)
    assert made[0].GetName() == "CT head [RelativeFlow]"


@pytest.mark.parametrize(
    ("protocol", "sentence"),
    [
        (0, "is older than this module; install it again"),
        (2, "is newer than this module; update the extension"),
    ],
)
def test_another_version_is_refused_in_a_sentence(own_worker: Any, protocol: int, sentence: str) -> None:
    hello = json.dumps({"event": "hello", "protocol": protocol, "version": "9"})
    client = own_worker([sys.executable, "-c", f"print({hello!r}, flush=True); import time; time.sleep(60)"])
    heard: list[Any] = []
    client.submit({"job": "about"}, heard.append)
    until(lambda: heard, client.tick)
    assert heard[0]["event"] == "failed"
    assert sentence in heard[0]["message"]
    assert client.process is None


def test_the_worker_refuses_a_viewer_of_another_protocol(child_home: Path) -> None:
    words = [sys.executable, "-m", "quietvoxel", "worker", "--protocol", "99"]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert "speaks protocol 99 and this program 1; update the package quietvoxel." in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["/no/such/program"], "could not be started"),
        ([sys.executable, "-m", "no_such_module"], "not installed completely"),
        ([sys.executable, "-c", "raise SystemExit(7)"], "(code 7)"),
    ],
)
def test_what_cannot_start_is_said(own_worker: Any, command: list[str], sentence: str) -> None:
    client = own_worker(command)
    heard: list[Any] = []
    client.submit({"job": "about"}, heard.append)
    until(lambda: heard, client.tick)
    assert sentence in heard[0]["message"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")  # noqa: PTH110
def test_a_full_disk_is_said_and_leaves_nothing(
    add_volume: Any, run: Any, warm_worker: Any, desk: Any, told: Any, scene: Any, plan: Any, monkeypatch: Any
) -> None:
    node = add_volume()
    full = desk.folder / "denoised.npy"
    full.symlink_to("/dev/full")
    usual = desk.path
    monkeypatch.setattr(desk, "path", lambda stem: full if stem == "denoised" else usual(stem))
    run.start(node, [plan])
    until(lambda: not run.busy, warm_worker.tick)
    assert "could not be written" in told.sentence
    assert "No space left on device" in told.sentence
    assert "free some space" in told.sentence
    assert volumes(scene) == ["CT abdomen"]
    assert not list(desk.folder.iterdir())


def test_a_result_that_is_removed_while_it_fills_ends_the_run(
    add_volume: Any, run: Any, warm_worker: Any, scene: Any, told: Any
) -> None:
    node = add_volume(noisy_array((30, 96, 96)))
    run.start(node, [LONG])
    until(lambda: run.result is not None, warm_worker.tick)
    result = run.result
    scene.RemoveNode(result)
    run.node_removed(result)
    until(lambda: not run.busy, warm_worker.tick)
    assert volumes(scene) == ["CT abdomen"]


def test_two_engines_run_in_turn_and_a_second_start_is_refused(
    add_volume: Any, run: Any, warm_worker: Any, told: Any, plan: Any
) -> None:
    node = add_volume()
    before = array_of(node).copy()
    other = Plan("relativeflow", "Stronger", settings={"steps": 1, "strength": 2.0})
    found: list[Any] = []
    run.start(node, [plan, other], lambda source, results: found.extend([source, *results]))
    run.start(node, [plan])
    assert told.sentence.startswith("A volume is being denoised")
    until(lambda: not run.busy, warm_worker.tick)
    assert [one.GetName() for one in found] == [
        "CT abdomen",
        "CT abdomen [RelativeFlow]",
        "CT abdomen [Stronger]",
    ]
    assert any(text.startswith("engine 2/2, slice") for _, text in told.progress)
    assert (array_of(found[1]) != array_of(found[2])).any()
    assert (array_of(node) == before).all()


def test_what_is_no_volume_is_refused_in_a_sentence(scene: Any, run: Any, told: Any, plan: Any) -> None:
    run.start(None, [plan])
    assert told.sentence.startswith("No volume is chosen")
    label = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Liver")
    run.start(label, [plan])
    assert told.sentence.startswith("Liver is no grey-value volume")
    run.start(scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty"), [plan])
    assert told.sentence == "Empty has no voxels; load the volume again."
    assert told.states == []


def test_voxels_that_are_no_numbers_are_refused(
    add_volume: Any, run: Any, warm_worker: Any, told: Any, plan: Any
) -> None:
    data = noisy_array(dtype="float32")
    data[0, 0, 0] = float("nan")
    run.start(add_volume(data), [plan])
    until(lambda: not run.busy, warm_worker.tick)
    assert "1 of 7680 voxels that are NaN or infinite" in told.sentence
    assert told.states[-1] == "idle"
