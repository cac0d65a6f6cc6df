"""`quietvoxel worker`: orders in, events out, the same voxels as `denoise`, and no traceback whatever comes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import Queue
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from quietvoxel.io import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOURCE = Path(__file__).resolve().parents[2] / "src"


class Driver:
    """A viewer that drives the worker through pipes."""

    def __init__(self, home: Path, *words: str) -> None:
        environment = os.environ | {
            "PYTHONPATH": str(SOURCE),
            "QUIETVOXEL_HOME": str(home),
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, "-m", "quietvoxel", "worker", *words]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, encoding="utf-8"
        )
        self.told: Queue[dict[str, Any] | None] = Queue()
        self.seen: list[dict[str, Any]] = []
        self.count = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.told.put(json.loads(line))
        self.told.put(None)

    def send(self, job: str, **order: Any) -> int:
        self.count += 1
        self.write(json.dumps({"id": self.count, "job": job, **order}))
        return self.count

    def write(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def until(self, *events: str, id: int | None = None) -> dict[str, Any]:
        while True:
            record = self.told.get(timeout=60)
            assert record is not None, self.process.stderr.read()  # type: ignore[union-attr]
            self.seen.append(record)
            if record["event"] in events and record.get("id") == id:
                return record

    def ask(self, job: str, **order: Any) -> dict[str, Any]:
        return self.until("finished", "failed", "cancelled", id=self.send(job, **order))

    def end(self) -> tuple[int, str]:
        """Close its input; gives the exit code and what it said on the error stream."""
        assert self.process.stdin is not None
        assert self.process.stderr is not None
        self.process.stdin.close()
        while self.told.get(timeout=60) is not None:
            continue
        errors = self.process.stderr.read()
        self.process.stderr.close()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(10), errors


@pytest.fixture(scope="module")
def worker(tiny_models: Path) -> Iterator[Driver]:
    """One worker for the tests that do not end it."""
    driver = Driver(tiny_models, "--protocol", "1")
    assert driver.until("hello")["protocol"] == 1
    yield driver
    code, errors = driver.end()
    assert (code, errors) == (0, "")


@pytest.fixture
def opened(worker: Driver, ct_file: Path, tmp_path: Path) -> tuple[str, Path]:
    """Let the worker hold the small CT under its file's name."""
    return send_volume(worker, ct_file, tmp_path), ct_file


def send_volume(worker: Driver, path: Path, folder: Path) -> str:
    volume = read(path)
    np.save(folder / "volume.npy", volume.data)
    geometry = volume.geometry
    record = worker.ask(
        "open",
        volume=path.name,
        title="The CT",
        file=str(folder / "volume.npy"),
        modality="CT",
        spacing=geometry.spacing,
        origin=geometry.origin,
        direction=geometry.direction,
    )
    assert record["event"] == "finished"
    assert record["modality"] == "CT"
    assert record["axis"] == 0
    assert record["sigma"] > 0
    return path.name


def test_what_there_is_is_told(worker: Driver) -> None:
    record = worker.ask("about")
    assert record["engines"][0]["name"] == "relativeflow"
    assert "steps" in record["engines"][0]["settings"]["properties"]
    assert record["models"]["CT"]["relativeflow"][0]["name"] == "relativeflow-ct"
    assert record["models"]["MR"]["relativeflow"][0]["name"] == "relativeflow-mr"
    assert record["measures_for"]["MR"] == ["snr", "sigma", "delta"]
    assert record["windows"]["Lung"] == [1500.0, -600.0]
    assert record["training"]["plans"]["quick"] == 600.0
    assert record["option_words"]["--patch"] == "Patch"
    assert not [words for words in record["option_words"].values() if words.startswith("-")]
    assert [one["name"] for one in worker.ask("devices")["devices"]][-1] == "cpu"


def test_a_volume_comes_out_as_from_the_command_line(
    worker: Driver, opened: tuple[str, Path], quietvoxel: Callable[..., Any], tmp_path: Path
) -> None:
    name, path = opened
    record = worker.ask("denoise", volume=name, output=str(tmp_path / "out.npy"), settings={"steps": 2})
    assert record["event"] == "finished"
    events = [one for one in worker.seen if one.get("id") == worker.count]
    kinds = [one["event"] for one in events]
    assert kinds[:2] == ["prepared", "started"]
    assert kinds.count("slice") == 4
    assert kinds.count("progress") == 8
    assert record["provenance"]["settings"]["steps"] == 2
    assert quietvoxel("denoise", path, "out.nii.gz", "--steps", 2, "--quiet").code == 0
    made = np.moveaxis(np.load(record["output"]), 0, events[0]["axis"])
    assert np.array_equal(made, read(tmp_path / "out.nii.gz").data)


def test_a_preview_is_a_slice_of_it_and_the_newest_wins(
    worker: Driver, opened: tuple[str, Path], tmp_path: Path
) -> None:
    name, _ = opened
    whole = np.load(worker.ask("denoise", volume=name, output=str(tmp_path / "o.npy"))["output"])
    worker.send("preview", volume=name, folder=str(tmp_path), index=0)
    newest = worker.send("preview", volume=name, folder=str(tmp_path), index=2)
    while (record := worker.until("preview", "failed", id=newest))["quality"] != "final":
        assert record["index"] == 2
    assert record["newest"] is True
    assert np.array_equal(np.rint(np.load(record["output"])).astype(np.int16), whole[2])
    assert worker.ask("no-preview")["event"] == "finished"


def test_a_training_is_asked_for_in_words_that_the_program_understands(worker: Driver) -> None:
    from quietvoxel.cli.app import build_app

    asked = {
        "name": "my-ct",
        "references": ["--odd.nrrd", "folder"],
        "engine": "relativeflow",
        "start": "relativeflow-ct",
        "plan": "quick",
        "settings": {"patch": 64, "precision": "float32"},
        "modality": "CT",
        "card": {"title": "--Ours", "intended_use": "low-dose abdomen", "description": ""},
        "overwrite": True,
    }
    words = worker.ask("training", request=asked)["arguments"]
    function, bound, _ = build_app("relativeflow").parse_args(words, exit_on_error=False, print_error=False)
    assert function.__name__ == "train"
    said = bound.arguments
    assert [str(one) for one in said["references"]] == asked["references"]
    assert (said["name"], said["plan"], said["start"]) == ("my-ct", "quick", "relativeflow-ct")
    assert (said["title"], said["intended_use"]) == ("--Ours", "low-dose abdomen")
    assert (said["settings"].patch, said["settings"].precision) == (64, "float32")
    assert said["overwrite"]
    assert said.get("save", True)
    assert "--measure" in worker.ask("training", request={"measure": True})["arguments"]
    assert worker.ask("training", request={"name": "x", "resume": True})["arguments"][-1] == "--resume"


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ({"plan": "forever"}, "There is no plan 'forever'; choose one of: quick, standard, overnight."),
        ({"settings": {"patch": 7}}, "Patch"),
        ({"engine": "none"}, "none"),
    ],
)
def test_a_training_that_cannot_be_is_refused_before_it_starts(
    worker: Driver, request_: dict[str, Any], sentence: str
) -> None:
    record = worker.ask("training", request=request_)
    assert record["event"] == "failed"
    assert sentence in record["message"]
    assert "\n" not in record["message"]


def test_regions_structure_quality_and_simulation_are_measured(
    worker: Driver, opened: tuple[str, Path], tmp_path: Path
) -> None:
    name, _ = opened
    simulated = worker.ask("simulate", volume=name, by="sigma", value=30.0, output=str(tmp_path / "s.npy"))
    assert simulated["sigma_added"] == 30.0
    assert np.load(simulated["output"]).dtype == np.int16
    np.save(tmp_path / "mask.npy", np.ones((1, 12, 12), bool))
    regions = [{"file": str(tmp_path / "mask.npy"), "corner": [1, 10, 10]}]
    found = worker.ask("regions", before=name, after=name, regions=regions, line=[[0, 5, 8], [0, 5, 30]])
    assert [row[0] for row in found["rows"]] == ["1  mean", "1  SD", "1  SNR"]
    assert found["profile"]["before"] == found["profile"]["after"]
    assert worker.ask("quality", reference=name, images=[name])["event"] in ("finished", "failed")
    checked = worker.ask("structure", before=name, after=name, output=str(tmp_path / "structure.npy"))
    assert checked["sentence"] == "Nothing was removed, so there is nothing to check."
    assert worker.ask("close", volume=name)["event"] == "finished"
    assert worker.ask("structure", before=name, after=name, output="x")["event"] == "failed"


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        ("nonsense", "A line that is no order came"),
        ('["a list"]', "A line that is no order came"),
        ('{"id": 900, "job": "dance"}', "There is no job 'dance'"),
        ('{"id": 900, "job": "denoise", "volume": "gone", "output": "x"}', "'gone' has not been opened"),
        ('{"id": 900, "job": "open", "volume": "v", "file": "/no/such.npy"}', "such.npy cannot be read"),
        ('{"id": 900, "job": "open", "volume": "v"}', "file"),
        ('{"id": 900, "job": "preview"}', "has not been opened"),
        ('{"id": 900, "job": "cancel"}', ""),
    ],
)
def test_bad_orders_are_answered_in_one_sentence(worker: Driver, order: str, sentence: str) -> None:
    worker.write(order)
    if not sentence:
        assert worker.ask("about")["event"] == "finished"
        return
    number = 900 if "900" in order else None
    record = worker.until("failed", id=number)
    assert sentence in record["message"]
    assert record["code"] in (1, 2)
    assert "Traceback" not in record["message"]
    assert "\n" not in record["message"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"settings": {"steps": 99}}, "steps is 99 but should be less than or equal to 8."),
        ({"settings": {"nothing": 1}}, "nothing"),
        ({"engine": "magic"}, "There is no engine 'magic'"),
        ({"model": "nope"}, "There is no model 'nope'"),
        ({"options": {"device": "gpu"}}, "There is no device 'gpu'"),
        ({"output": "/no/such/folder/out.npy"}, "folder for the result does not exist"),
    ],
)
def test_what_cannot_be_run_is_said_without_the_words_of_the_shell(
    worker: Driver, opened: tuple[str, Path], tmp_path: Path, settings: dict[str, Any], sentence: str
) -> None:
    order = {"volume": opened[0], "output": str(tmp_path / "out.npy"), **settings}
    record = worker.ask("denoise", **order)
    assert record["event"] == "failed"
    assert sentence in record["message"]
    assert "--" not in record["message"]
    assert not (tmp_path / "out.npy").exists()


def test_a_bad_geometry_and_bad_voxels_are_refused(worker: Driver, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.arange(2 * 20 * 20, dtype=np.float32).reshape(2, 20, 20))
    good = {"volume": "v", "file": str(tmp_path / "v.npy"), "origin": [0, 0, 0]}
    good |= {"spacing": [1, 1, 1], "direction": [1, 0, 0, 0, 1, 0, 0, 0, 1]}
    assert "spacing" in worker.ask("open", **good | {"spacing": [1, 0, 1]})["message"]
    assert "complete geometry" in worker.ask("open", **good | {"direction": None})["message"]
    np.save(tmp_path / "v.npy", np.zeros((20, 20), np.complex64))
    assert "no CT or MR volume" in worker.ask("open", **good)["message"]
    np.save(tmp_path / "v.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert "holds no array of voxels" in worker.ask("open", **good)["message"]


def test_cancel_and_the_end_of_the_input_stop_a_run(
    tiny_models: Path, make: Callable[..., Path], tmp_path: Path
) -> None:
    worker = Driver(tiny_models)
    worker.until("hello")
    name = send_volume(worker, make(tmp_path / "long.nii.gz", (60, 128, 128)), tmp_path)
    slow = {"volume": name, "output": str(tmp_path / "o.npy"), "settings": {"steps": 8, "best_quality": True}}
    number = worker.send("denoise", **slow)
    worker.until("progress", id=number)
    worker.write(json.dumps({"job": "cancel", "id": number}))
    assert worker.until("cancelled", "finished", id=number)["event"] == "cancelled"
    assert not (tmp_path / "o.npy").exists()

    number = worker.send("denoise", **slow)
    worker.until("progress", id=number)
    began = time.monotonic()
    code, errors = worker.end()
    assert (code, errors) == (3, "")
    assert time.monotonic() - began < 4.0
    assert not (tmp_path / "o.npy").exists()
