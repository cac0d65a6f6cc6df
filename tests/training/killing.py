"""Train in forked copies of a process that has imported everything once, and kill them: one start for many deaths.

python killing.py REFERENCES NAME STEPS KILLS: prints a JSON line for every death and one for the end.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

from quietvoxel.training import run_stage
from quietvoxel.training.fine_tune import fine_tune, quiet_libraries
from quietvoxel.training.order import TrainingOrder, stage_plan
from quietvoxel.training.runs import EVENTS, read_run, run_folder
from quietvoxel.training.settings import TrainingSettings

SECONDS_BETWEEN_CHECKPOINTS = 0.1


def train(order: TrainingOrder, *, resume: bool) -> None:
    """Train, with checkpoints as often as kills will come."""
    run_stage.stage_plan = lambda *words: replace(
        stage_plan(*words), checkpoint_seconds=SECONDS_BETWEEN_CHECKPOINTS
    )
    fine_tune(order, resume=resume)


def main(references: str, name: str, steps: str, kills: str) -> None:
    """Train a run to its end, killing it on the way."""
    quiet_libraries()
    settings = TrainingSettings(patch=32, batch=2, precision="float32")
    order = TrainingOrder(
        (Path(references),), "relativeflow", name, "", "quick", settings, int(steps), "MR", save=False
    )
    folder = run_folder(name)
    rng = random.Random(0)
    deaths = 0
    while True:
        record = read_run(folder)
        resume = record is not None and record.resumable
        child = os.fork()
        if child == 0:
            code = 1
            try:
                train(order, resume=resume)
                code = 0
            finally:
                os._exit(code)
        if deaths < int(kills):
            until_first_step(folder, deaths)
            time.sleep(rng.uniform(0.0, 0.15))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            deaths += 1
            last = folder / "velocity" / "last.ckpt"
            print(json.dumps({"death": deaths, "checkpoint": last.exists()}), flush=True)  # noqa: T201  # read by the test
            continue
        print(json.dumps({"deaths": deaths, "code": os.waitstatus_to_exitcode(status)}), flush=True)  # noqa: T201
        return


def until_first_step(folder: Path, deaths: int, seconds: float = 60.0) -> None:
    """Wait until the run has written a checkpoint since its newest start."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            lines = (folder / EVENTS).read_text().splitlines()
        except OSError:
            lines = []
        starts = [k for k, line in enumerate(lines) if '"started"' in line]
        if len(starts) > deaths and any('"saved"' in line for line in lines[starts[-1] :]):
            return
        time.sleep(0.02)


if __name__ == "__main__":
    main(*sys.argv[1:])
