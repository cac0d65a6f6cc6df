"""Several processes that train one network: Lightning's strategy joins them, this starts, watches and ends them.

The first process of the first node does everything else as well; the others, its members, read what they need from
the run's folder, which several nodes have to share. Lightning would start members by running the command line again;
they would then read the references again, and on Windows there is no command line to run.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.strategies import DDPStrategy

from quietvoxel.errors import BadInputError, QuietVoxelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import torch

    from quietvoxel.training.runs import RunRecord

MEETING = "members.json"
"""Tells other nodes which stage is trained and where its processes meet."""

PATIENCE = timedelta(days=7)
"""A pause keeps the other processes waiting for the first one."""


class Place(LightningEnvironment):
    """Where a process stands among all: the processes are there already, Lightning need not start any.

    Parameters
    ----------
    local, node : number of the process in its node, and of the node.
    address, port : where all of them meet.
    """

    def __init__(self, local: int, node: int, address: str, port: int) -> None:
        super().__init__()
        self._local, self._node, self._address, self._port = local, node, address, port

    @property
    def creates_processes_externally(self) -> bool:
        """All processes are started by us."""
        return True

    @property
    def main_address(self) -> str:
        """Name or number of the first node."""
        return self._address

    @property
    def main_port(self) -> int:
        """Port of the first process."""
        return self._port

    def local_rank(self) -> int:
        """Number of the process in its node."""
        return self._local

    def node_rank(self) -> int:
        """Number of the node."""
        return self._node

    def group_rank(self) -> int:
        """Number of the node."""
        return self._node


def where(device: torch.device, record: RunRecord, place: Place | None) -> Mapping[str, Any]:
    """Lightning's words for the devices of a run; `place` where there are several processes."""
    accelerator = "gpu" if device.type == "cuda" else device.type
    if place is None:
        return {"accelerator": accelerator, "devices": [device.index or 0] if accelerator == "gpu" else 1}
    backend = "nccl" if device.type == "cuda" and sys.platform != "win32" else "gloo"
    return {
        "accelerator": accelerator,
        "devices": record.devices,
        "num_nodes": record.nodes,
        "strategy": DDPStrategy(process_group_backend=backend, timeout=PATIENCE),
        "plugins": [place],
    }


def check_devices(device: torch.device, devices: int) -> None:
    """Refuse more devices than there are.

    Raises
    ------
    BadInputError
        If there are fewer.
    """
    import torch

    there = {"cuda": torch.cuda.device_count(), "mps": 1}.get(device.type, os.cpu_count() or 1)
    if devices > there:
        what = "processor cores" if device.type == "cpu" else f"{device.type} devices"
        msg = f"--devices is {devices}, but this machine has {there} {what}; give a smaller number."
        raise BadInputError(msg)


@contextmanager
def members(record: RunRecord, index: int, folder: Path) -> Iterator[Place | None]:
    """Start the members of this node for a stage, and end them with it.

    Yields
    ------
    The place of this process; None where it is alone.

    Raises
    ------
    QuietVoxelError
        If a member died.
    """
    if record.devices * record.nodes == 1:
        yield None
        return
    address = os.environ.get("MASTER_ADDR", "127.0.0.1")
    port = (
        int(os.environ["MASTER_PORT"]) if record.nodes > 1 and "MASTER_PORT" in os.environ else _free_port()
    )
    meeting = {"stage": index, "address": address, "port": port, "since": time.time(), "over": False}
    _announce(folder, meeting)
    processes = [start_member(folder, meeting, local, 0) for local in range(1, record.devices)]
    try:
        yield Place(0, 0, address, port)
    except Exception as error:
        # When a member dies, this process fails as well, in the midst of what they do together.
        time.sleep(0.5)
        died = [process.poll() for process in processes if process.poll() not in (None, 0)]
        if died and not isinstance(error, QuietVoxelError):
            count = record.devices * record.nodes
            msg = (
                f"One of the {count} processes of the training ended unexpectedly (code {died[0]}); "
                "go on from the last checkpoint with --resume."
            )
            raise QuietVoxelError(msg) from error
        raise
    finally:
        _announce(folder, {**meeting, "over": True})
        _end(processes)


def start_member(folder: Path, meeting: Mapping[str, Any], local: int, node: int) -> subprocess.Popen[bytes]:
    """Start a process that joins the others at a meeting."""
    words = [meeting["stage"], local, node, meeting["address"], meeting["port"]]
    # What it complains of goes into a file: a full pipe that nobody reads would hold it up.
    with (folder / f"member-{node}-{local}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "quietvoxel.training.member", str(folder), *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _end(processes: list[subprocess.Popen[bytes]], seconds: float = 10.0) -> None:
    """Let members end by themselves for a while; then end them."""
    until = time.monotonic() + seconds
    for process in processes:
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _announce(folder: Path, meeting: Mapping[str, Any]) -> None:
    partial = folder / f"{MEETING}.part"
    partial.write_text(json.dumps(dict(meeting)), "utf-8")
    partial.replace(folder / MEETING)


def read_meeting(folder: Path) -> dict[str, Any] | None:
    """What `members` wrote for other nodes; None where there is nothing yet."""
    try:
        found: dict[str, Any] = json.loads((folder / MEETING).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def end_with_parent(number: int = 0) -> None:
    """End this process when whoever started it is gone: its end of our standard input is closed then."""

    def watch() -> None:
        try:
            while os.read(number, 64):
                pass
        except OSError:
            pass
        # Where the training has ended, this comes after its last words.
        time.sleep(5.0)
        os._exit(1)

    threading.Thread(target=watch, name="quietvoxel-parent", daemon=True).start()
