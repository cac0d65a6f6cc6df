"""Machines that train along: each starts its own processes for the stages that the first one begins."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from quietvoxel.errors import QuietVoxelError
from quietvoxel.training.members import read_meeting, start_member
from quietvoxel.training.runs import RunRecord, read_run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NODE_PATIENCE = 3600.0
"""Seconds that another node waits for the first one to begin a stage."""


def this_node() -> int:
    """The number of this machine: NODE_RANK, or SLURM_NODEID; 0 where neither is set."""
    for name in ("NODE_RANK", "SLURM_NODEID"):
        if os.environ.get(name, "").isdigit():
            return int(os.environ[name])
    return 0


def serve_node(folder: Path, devices: int, node: int) -> None:
    """Be one of several nodes: start this node's members for every stage that the first node begins.

    Parameters
    ----------
    folder : of the run, shared with the first node.
    devices : processes of this node.
    node : its number, from 1.

    Raises
    ------
    QuietVoxelError
        If the first node does not begin, or a member died.
    """
    began, seen = time.time(), time.time() - 5.0
    while True:
        meeting = read_meeting(folder)
        if meeting is not None and meeting["since"] > seen and not meeting["over"]:
            seen = meeting["since"]
            processes = [start_member(folder, meeting, local, node) for local in range(devices)]
            codes = [process.wait() for process in processes]
            still = read_meeting(folder)
            if any(codes) and still is not None and not still["over"]:
                msg = f"A process of node {node} ended unexpectedly (code {max(codes)}); see the first node."
                raise QuietVoxelError(msg)
            began = time.time()
        record = read_run(folder)
        over = (
            meeting is not None and meeting["since"] >= seen and meeting["over"] and time.time() - began > 5.0
        )
        if over and record is not None and (not record.resumable or _all_done(record, meeting)):
            return
        if over or time.time() - began > NODE_PATIENCE:
            if over:
                return
            msg = f"The first node did not begin to train in {folder}; start it with the same command, NODE_RANK=0."
            raise QuietVoxelError(msg)
        time.sleep(0.5)


def _all_done(record: RunRecord, meeting: Mapping[str, Any] | None) -> bool:
    return meeting is not None and int(meeting["stage"]) == len(record.stages) - 1
