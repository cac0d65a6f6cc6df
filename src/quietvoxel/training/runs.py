"""Trainings on the disk: one folder each, from which a stopped one goes on; nothing in it names a patient. No torch."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import psutil
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from quietvoxel.errors import BadInputError, QuietVoxelError
from quietvoxel.training.settings import PlanName, TrainingSettings  # noqa: TC001  # pydantic reads them

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORD, LOCK, EVENTS = "run.json", "running.json", "events.jsonl"

PICTURES = ("reference", "degraded", "start", "now")
"""The validation slice as .npy files: `validation-reference.npy` and so on; float32 (H, W), HU or share of the
99.5th percentile."""


class StageRecord(BaseModel):
    """A stage of a run: how many steps it has, and how it was judged at its start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    steps: int
    batch: int
    patch: int
    seconds_per_step: float
    stacks: int = 0
    judged_every: int = 0
    psnr_start: float | None = None
    ssim_start: float | None = None
    done: bool = False


class RunRecord(BaseModel):
    """What is known of a training; written at each change, whole or not at all.

    Attributes
    ----------
    name : of the run and of the model that it makes.
    start : name of the starting model, or "scratch".
    state : "preparing" until the first step is possible, "training", "trained" when the best weights wait to be saved
        as a model, "unchanged" when nothing was better than the starting model, "saved" when the model is in the store.
    summary : of the references, in numbers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    engine: str
    start: str
    start_sha256: str = ""
    plan: PlanName
    settings: TrainingSettings
    max_steps: int | None = None
    device: str = "auto"
    devices: int = 1
    nodes: int = 1
    modality: str = ""
    recipe: dict[str, Any] = {}
    card: dict[str, str] = {}
    save: bool = True
    state: Literal["preparing", "training", "trained", "unchanged", "saved"] = "preparing"
    summary: dict[str, Any] = {}
    stages: tuple[StageRecord, ...] = ()
    seconds: float = 0.0
    figures: dict[str, float] = {}
    stopped_early: bool = False
    version: str = ""

    @property
    def resumable(self) -> bool:
        """Whether training can go on from here."""
        return self.state == "training"


def runs_folder() -> Path:
    """Where runs lie: QUIETVOXEL_HOME/runs, or `runs` in the platform's data folder."""
    home = os.environ.get("QUIETVOXEL_HOME")
    if home:
        return Path(home) / "runs"
    from platformdirs import user_data_path  # only where it is needed: keeps --help fast

    return user_data_path("quietvoxel", appauthor=False) / "runs"


def run_folder(name: str) -> Path:
    """The folder of a run, whether it is there or not.

    Raises
    ------
    BadInputError
        If the name cannot be one.
    """
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789._-")
    if not name or set(name) - allowed or not name[0].isalnum():
        msg = (
            f"'{name}' cannot be a model's name; use small letters, digits, '-', '.' and '_', "
            "a letter or digit first."
        )
        raise BadInputError(msg)
    return runs_folder() / name


def read_run(folder: Path) -> RunRecord | None:
    """The record of a run, or None if there is none.

    Raises
    ------
    QuietVoxelError
        If it is damaged.
    """
    path = folder / RECORD
    if not path.exists():
        return None
    try:
        return RunRecord.model_validate(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        msg = f"{path} is damaged; begin the training anew with --overwrite."
        raise QuietVoxelError(msg) from error


def write_run(folder: Path, record: RunRecord) -> None:
    """Write the record of a run, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{RECORD}.part"
    partial.write_text(record.model_dump_json(indent=1) + "\n", "utf-8")
    partial.replace(folder / RECORD)


def all_runs() -> list[tuple[Path, RunRecord]]:
    """Every readable run, the newest first."""
    found = []
    folder = runs_folder()
    for path in folder.glob(f"*/{RECORD}") if folder.is_dir() else ():
        try:
            record = read_run(path.parent)
        except QuietVoxelError:
            continue
        if record is not None:
            found.append((path.stat().st_mtime, path.parent, record))
    return [(where, record) for _, where, record in sorted(found, key=lambda one: -one[0])]


def interrupted_runs() -> list[tuple[Path, RunRecord]]:
    """Runs that were stopped in the middle and can go on: those whose process is there are not among them."""
    return [(folder, record) for folder, record in all_runs() if record.resumable and not is_running(folder)]


def is_running(folder: Path) -> bool:
    """Whether a process is at work in the folder; a process that was killed is not."""
    try:
        owner = json.loads((folder / LOCK).read_text("utf-8"))
        # The number alone does not do: another program may have it by now.
        return bool(abs(psutil.Process(int(owner["pid"])).create_time() - owner["since"]) < 1.0)
    except (OSError, ValueError, KeyError, psutil.Error):
        return False


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """Mark the folder as one in which this process works.

    Raises
    ------
    BadInputError
        If another process does.
    """
    if is_running(folder):
        msg = f"The training '{folder.name}' is running already; wait for it, or give another name."
        raise BadInputError(msg)
    folder.mkdir(parents=True, exist_ok=True)
    me = psutil.Process()
    lock = folder / LOCK
    lock.write_text(json.dumps({"pid": me.pid, "since": me.create_time()}), "utf-8")
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def remove_run(folder: Path) -> None:
    """Delete a run with its checkpoints and kept references.

    Raises
    ------
    BadInputError
        If it is running.
    """
    if is_running(folder):
        msg = f"The training '{folder.name}' is running; stop it first."
        raise BadInputError(msg)
    shutil.rmtree(folder, ignore_errors=True)
