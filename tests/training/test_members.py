"""Several processes train one network: each draws batches of its own, and their gradients are averaged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

pytest.importorskip("lightning", reason="needs the train extra (lightning)")

from quietvoxel.errors import QuietVoxelError
from quietvoxel.training import fine_tune as fine_tuning
from quietvoxel.training.members import members
from quietvoxel.training.nodes import this_node
from quietvoxel.training.order import CACHE, stage_plan
from quietvoxel.training.run_stage import _Work
from quietvoxel.training.runs import read_run, run_folder
from quietvoxel.training.stacks import training_references
from quietvoxel.training.trainer import optimizer_for, step_batch

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE = Path(__file__).resolve().parents[2] / "src"

pytestmark = pytest.mark.filterwarnings(
    "ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::ResourceWarning"
)


def test_the_first_process_draws_what_one_alone_draws_and_the_others_something_else() -> None:
    alone, first, second = (
        np.random.default_rng(seeds).integers(2**62) for seeds in ([3, 7], [3, 7, 0], [3, 7, 1])
    )
    assert alone == first
    assert first != second


@pytest.mark.slow
def test_two_processes_make_the_steps_of_one_with_both_batches(
    order: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fine_tuning, "_tidy", lambda folder: None)
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    fine_tuning.fine_tune(order(max_steps=2, device="cpu", devices=2))
    folder = run_folder("mine")
    record = read_run(folder)
    assert record is not None
    state = torch.load(folder / "velocity" / "last.ckpt", weights_only=True)["state_dict"]

    work = _Work.of(record, 0, folder)
    network = work.networks["velocity"].train()
    references = training_references(folder / CACHE, work.stacks)
    plan = stage_plan(record, 2, 2, 32, torch.device("cpu"))
    optimizer = optimizer_for(network, plan)
    rates = [group["lr"] for group in optimizer.param_groups]
    different = []
    for step, factor in enumerate((1.0, 1 / 1.2)):
        batches = [step_batch(work.stage, references, plan, step, rank) for rank in (0, 1)]
        different.append(bool((batches[0]["slab"] - batches[1]["slab"]).abs().max() > 0.01))
        loss = torch.stack([work.stage.loss(network, batch) for batch in batches]).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * factor
        optimizer.step()
    assert different == [True, True]
    for name, value in network.state_dict().items():
        torch.testing.assert_close(state[f"network.{name}"], value, rtol=1e-4, atol=1e-6)


def test_a_process_that_dies_is_said_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from quietvoxel.training.runs import RunRecord
    from quietvoxel.training.settings import TrainingSettings

    record = RunRecord(
        name="a", engine="relativeflow", start="", plan="quick", settings=TrainingSettings(), devices=2
    )

    def dead(*_: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"], stdin=subprocess.PIPE)
        process.wait()
        return process

    monkeypatch.setattr("quietvoxel.training.members.start_member", dead)
    with (
        pytest.raises(QuietVoxelError, match=r"One of the 2 processes .* \(code 7\); go on"),
        members(record, 0, tmp_path),
    ):
        raise RuntimeError


def test_nodes_are_numbered_by_their_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NODE_RANK", "SLURM_NODEID"):
        monkeypatch.delenv(name, raising=False)
    assert this_node() == 0
    monkeypatch.setenv("SLURM_NODEID", "2")
    assert this_node() == 2
    monkeypatch.setenv("NODE_RANK", "1")
    assert this_node() == 1
    assert os.environ["NODE_RANK"] == "1"
