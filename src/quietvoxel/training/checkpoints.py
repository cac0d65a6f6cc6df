"""Files that a training must never lose: each appears whole or not at all, and a full disk leaves the one before."""

from __future__ import annotations

import errno
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from lightning.fabric.plugins.io import CheckpointIO
from lightning.pytorch.callbacks import Callback
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from quietvoxel.errors import QuietVoxelError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import lightning as L
    from torch import Tensor

LAST = "last.ckpt"
"""The newest complete state of a stage: weights, averaged weights, optimizer, schedule, loops."""


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` make a file beside `path`, and put it in place only when it is on the disk.

    Raises
    ------
    QuietVoxelError
        If the disk is full or refuses; what was at `path` before stays.
    """
    partial = path.with_name(path.name + ".part")
    try:
        write(partial)
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        partial.replace(path)
    except (OSError, RuntimeError) as error:
        # torch's own writer says "unexpected pos" or "file write failed" where the disk is full.
        partial.unlink(missing_ok=True)
        reason = disk_reason(error, path.parent)
        if reason is None:
            raise
        msg = (
            f"The training stopped because {reason}; the last good checkpoint is kept: "
            "free some space, then go on with --resume."
        )
        raise QuietVoxelError(msg) from error


def disk_reason(error: BaseException, folder: Path) -> str | None:
    """Why the disk did not take a file, as a clause; None if the error is about something else."""
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return f"the disk of {folder} is full"
        return f"{folder} cannot be written to ({error.strerror or error})"
    text = str(error)
    if "file write failed" in text or "unexpected pos" in text:
        return f"the disk of {folder} is full"
    return None


class WholeCheckpoints(CheckpointIO):
    """Lightning's checkpoints, each written whole or not at all, and read without running any code."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, *_: Any, **_more: Any) -> None:
        """Write the state to `path`."""
        write_whole(Path(path), lambda partial: torch.save(checkpoint, partial))

    def load_checkpoint(self, path: Any, *_: Any, **_more: Any) -> dict[str, Any]:
        """Read a state; tensors and numbers only, never a pickled object.

        Raises
        ------
        QuietVoxelError
            If the file is damaged.
        """
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            msg = f"{path} is not a readable checkpoint; begin the training anew with --overwrite."
            raise QuietVoxelError(msg) from error
        return state

    def remove_checkpoint(self, path: Any) -> None:
        """Delete a checkpoint."""
        Path(path).unlink(missing_ok=True)


class Checkpoints(Callback):
    """Saves the state every so many steps, and at least every so many seconds.

    Parameters
    ----------
    folder : of the stage.
    steps, seconds : the longest way between two checkpoints.
    told : called with the step of each checkpoint that is there.
    """

    def __init__(
        self, folder: Path, steps: int, seconds: float, told: Callable[[int], None] = lambda step: None
    ) -> None:
        self.path = folder / LAST
        self.steps, self.seconds, self.told = steps, seconds, told
        self.saved_at, self.saved_step = time.monotonic(), -1

    def on_train_start(self, *_: Any) -> None:
        """Count the time from here."""
        self.saved_at = time.monotonic()

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        """Save if it is time to; the first process decides for all."""
        step = trainer.global_step
        late = time.monotonic() - self.saved_at > self.seconds
        due = step % self.steps == 0 or step == trainer.max_steps or late
        if trainer.world_size > 1:
            due = bool(trainer.strategy.broadcast(due))
        if due:
            self.save(trainer)

    def save(self, trainer: L.Trainer) -> None:
        """Save now, unless this step was saved before; in all processes together."""
        step = trainer.global_step
        if step != self.saved_step:
            trainer.save_checkpoint(self.path)
            self.saved_step, self.saved_at = step, time.monotonic()
            self.told(step)


def save_best(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write weights in full precision with what is known of them, whole or not at all.

    Raises
    ------
    QuietVoxelError
        If the disk is full or refuses.
    """
    content = save(
        {name: value.detach().cpu().contiguous() for name, value in tensors.items()},
        metadata={"facts": json.dumps(dict(facts))},
    )
    write_whole(path, lambda partial: _write(partial, content))


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)


def load_best(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The weights that `save_best` wrote and what was known of them; None where there are none."""
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as stored:
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118  # no mapping
            facts: dict[str, Any] = json.loads((stored.metadata() or {})["facts"])
    except (SafetensorError, KeyError, ValueError, OSError) as error:
        msg = f"{path} is damaged; begin the training anew with --overwrite."
        raise QuietVoxelError(msg) from error
    return tensors, facts
