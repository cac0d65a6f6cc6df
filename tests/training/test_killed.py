"""Killed at any moment, a training goes on to where an uninterrupted one ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from quietvoxel.training.runs import LOCK, read_run, run_folder

pytest.importorskip("lightning", reason="needs the train extra (lightning)")

from quietvoxel.training.judge import BEST

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1] / "src"
STEPS = "400"
"""Enough that a fast machine is not done before it was killed four times."""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks, to start only once")
def test_a_training_killed_again_and_again_ends_as_one_that_was_not(home: Path, references: Path) -> None:
    lines = {}
    for name, kills in (("whole", 0), ("killed", 4)):
        done = subprocess.run(
            [sys.executable, HERE / "killing.py", references, name, STEPS, str(kills)],
            env=os.environ | {"PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        lines[name] = [json.loads(line) for line in done.stdout.splitlines()]
        assert lines[name][-1] == {"deaths": kills, "code": 0}, done.stderr
    assert all(line["checkpoint"] for line in lines["killed"][:-1])
    whole, killed = (read_run(run_folder(name)) for name in ("whole", "killed"))
    assert whole is not None
    assert killed is not None
    assert killed.state == whole.state == "trained"
    assert killed.figures == pytest.approx(whole.figures, abs=2e-3)
    # What was judged best survived every death.
    from safetensors.torch import load_file

    best = [load_file(run_folder(name) / "velocity" / BEST) for name in ("whole", "killed")]
    for key, value in best[0].items():
        torch.testing.assert_close(best[1][key], value, rtol=1e-4, atol=1e-6)
    assert not (run_folder("killed") / LOCK).exists()
