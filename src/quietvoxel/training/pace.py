"""How long a step takes on this machine, measured on a few real ones, and how many steps a plan therefore has."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import psutil
import torch

from quietvoxel.errors import OutOfMemoryError
from quietvoxel.inference.devices import is_out_of_memory, release_memory
from quietvoxel.training.references import Reference
from quietvoxel.training.trainer import TrainingPlan, averaging, optimizer_for, step_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from quietvoxel.engines.contract import TrainingStage

WARM_UP, MEASURED = 2, 4
"""Steps: the first ones choose convolutions and fill caches."""

USABLE = 0.85
"""Of a stage's time goes into steps; judging and checkpoints take the rest."""

LEAST_STEPS = 20


@dataclass(frozen=True)
class Pace:
    """What a few real steps showed.

    Attributes
    ----------
    seconds_per_step : of forward, backward, update, and making the batch.
    memory_bytes : the most that was held: of the GPU, or of the whole process on a CPU.
    plan : with the batch and patch that fit into memory.
    notes : sentences to say.
    """

    seconds_per_step: float
    memory_bytes: int
    plan: TrainingPlan
    notes: tuple[str, ...] = ()


def measure_pace(
    stage: TrainingStage,
    references: Sequence[Reference],
    plan: TrainingPlan,
    device: torch.device,
    dtype: torch.dtype,
    go_on: Callable[[], None] = lambda: None,
) -> Pace:
    """Run a few steps as the trainer will; where memory runs out, with half the batch, then with a smaller patch.

    Parameters
    ----------
    stage, references, plan : as for `train_stage`; the trained network is thrown away.
    device, dtype : where and how precisely.
    go_on : called before each step; may raise to stop.

    Raises
    ------
    OutOfMemoryError
        If not even one image of the smallest patch fits.
    """
    notes: list[str] = []
    while True:
        try:
            seconds, memory = _few_steps(stage, references, plan, device, dtype, go_on)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        else:
            return Pace(seconds, memory, plan, tuple(notes))
        gc.collect()
        release_memory(device)
        plan = smaller(plan)
        notes.append(
            f"Memory ran out; going on with a batch of {plan.batch} and a patch of {plan.patch} pixels."
        )


def smaller(plan: TrainingPlan) -> TrainingPlan:
    """The plan with half the batch, or, with a batch of one, half the patch.

    Raises
    ------
    OutOfMemoryError
        If there is nothing left to make smaller.
    """
    if plan.batch > 1:
        return replace(plan, batch=plan.batch // 2)
    if plan.patch >= 64:
        return replace(plan, patch=plan.patch // 32 * 16)
    msg = "The memory does not hold one training image of the smallest patch; close other programs or train on the CPU."
    raise OutOfMemoryError(msg)


def _few_steps(
    stage: TrainingStage,
    references: Sequence[Reference],
    plan: TrainingPlan,
    device: torch.device,
    dtype: torch.dtype,
    go_on: Callable[[], None],
) -> tuple[float, int]:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    network = stage.build().to(device).train()
    averaged = averaging(network, plan)
    optimizer = optimizer_for(network, plan)
    began, most = 0.0, 0
    for step in range(WARM_UP + MEASURED):
        go_on()
        if step == WARM_UP:
            _wait(device)
            began = time.perf_counter()
        # The last steps of a curriculum are as any other; the first ones are not.
        batch = step_batch(stage, references, replace(plan, seed=plan.seed + 1), plan.max_steps - 1 - step)
        batch = {name: tensor.to(device) for name, tensor in batch.items()}
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            loss = stage.loss(network, batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch's stubs
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        averaged.update_parameters(network)
        most = max(most, psutil.Process().memory_info().rss)
    _wait(device)
    seconds = (time.perf_counter() - began) / MEASURED
    if device.type == "cuda":
        most = torch.cuda.max_memory_allocated(device)
    return seconds, most


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def steps_for(seconds: float, seconds_per_step: float) -> int:
    """How many steps fit into a stage's time."""
    return max(LEAST_STEPS, int(USABLE * seconds / max(seconds_per_step, 1e-6)))


def stand_in(halo: int) -> list[Reference]:
    """A reference of random numbers, for a stage whose real ones a teacher has yet to make."""
    rng = np.random.default_rng(0)
    data = rng.random((2 * halo + 3, 192, 192)).astype(np.float16)
    noise = np.stack([data, np.full_like(data, 0.05), np.ones_like(data)])
    return [Reference("stand-in", data, 2.0, noise)]
