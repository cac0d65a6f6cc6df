"""How fast the trainer is: against a bare loop that has its batch ready, and against the machine's convolutions.

python benchmarks/training_speed.py                       # wanted: 90 % of the bare loop or more
python benchmarks/training_speed.py --modality ct --batch 8 --patch 128 --steps 30
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from machine import facts_of_the_machine
from torch.utils.flop_counter import FlopCounterMode

from quietvoxel.engines.relative_flow.training import RelativeFlowStage
from quietvoxel.inference.devices import choose_device, choose_precision
from quietvoxel.inference.speed import convolution_rate
from quietvoxel.training.ahead import Ahead
from quietvoxel.training.fine_tune import quiet_libraries
from quietvoxel.training.recipes import recipe_for
from quietvoxel.training.references import Reference
from quietvoxel.training.trainer import TrainingPlan, averaging, optimizer_for, step_batch, train_stage
from quietvoxel.volume import Modality

WARM_UP = 5


def references(folder: Path, modality: Modality, count: int = 4) -> list[Reference]:
    """Volumes of random numbers, mapped into memory as the kept references of a run are; speed asks no more."""
    rng, found = np.random.default_rng(0), []
    for k in range(count):
        arrays: list[Any] = []
        shapes = ((24, 384, 384), (2, 24, 384, 384)) if modality == Modality.CT else ((24, 384, 384),)
        for part, shape in enumerate(shapes):
            path = folder / f"{k}-{part}.npy"
            np.save(path, rng.random(shape, np.float32).astype(np.float16))
            arrays.append(np.load(path, mmap_mode="r"))
        found.append(Reference(f"{k}", arrays[0], 3.0, arrays[1] if len(arrays) > 1 else None))
    return found


class Clock(Callback):
    """The time at the end of every step."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.times = device, []

    def on_train_batch_end(self, *_: Any) -> None:
        """Note it."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        self.times.append(time.perf_counter())


def bare(
    stage: RelativeFlowStage, plan: TrainingPlan, batch: dict[str, torch.Tensor], device: torch.device
) -> float:
    """Median seconds of a step without trainer and without making batches."""
    network = stage.build().to(device).train()
    averaged, optimizer = averaging(network, plan), optimizer_for(network, plan)
    dtype = choose_precision(device)
    times = [time.perf_counter()]
    for _ in range(plan.max_steps):
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            loss = stage.loss(network, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        averaged.update_parameters(network)
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter())
    return float(np.median(np.diff(times)[WARM_UP:]))


def trained(
    stage: RelativeFlowStage, plan: TrainingPlan, volumes: list[Reference], folder: Path, device: torch.device
) -> tuple[float, float]:
    """Median seconds of a step of the trainer, and of waiting for its batch."""
    waits: list[float] = []
    take = Ahead.take

    def timed(self: Ahead[Any], step: int) -> Any:
        began = time.perf_counter()
        found = take(self, step)
        waits.append(time.perf_counter() - began)
        return found

    Ahead.take = timed  # type: ignore[method-assign]
    clock = Clock(device)
    try:
        train_stage(stage, volumes, plan, folder, callbacks=[clock])
    finally:
        Ahead.take = take  # type: ignore[method-assign]
    return float(np.median(np.diff(clock.times)[WARM_UP:])), float(np.median(waits[WARM_UP:]))


def main() -> None:
    """Time both, several times in turn, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--modality", choices=("ct", "mr"), default="mr")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--patch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    quiet_libraries()
    modality = Modality(options.modality.upper())
    device = choose_device()
    dtype = choose_precision(device)
    stage = RelativeFlowStage(recipe_for(modality))
    plan = TrainingPlan(
        max_steps=options.steps + WARM_UP,
        batch=options.batch,
        patch=options.patch,
        precision="bf16-mixed" if dtype == torch.bfloat16 else "32-true",
    )
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        volumes = references(folder, modality)
        made = time.perf_counter()
        batch = {name: value.to(device) for name, value in step_batch(stage, volumes, plan, 0).items()}
        made = time.perf_counter() - made
        with FlopCounterMode(display=False) as counter:
            stage.loss(stage.build().to(device), batch).backward()
        rows = []
        for number in range(options.rounds):
            alone = bare(stage, plan, batch, device)
            rows.append((alone, *trained(stage, plan, volumes, folder / str(number), device)))
    alone, step, wait = np.median(np.array(rows), axis=0)
    rate, peak = counter.get_total_flops() / step, convolution_rate(device, dtype)
    print(
        f"{facts_of_the_machine()}; {device}, {str(dtype).removeprefix('torch.')}, {torch.get_num_threads()} threads"
    )
    print(f"{modality}, batch {plan.batch}, patch {plan.patch}: making a batch takes {1000 * made:.0f} ms")
    print(
        f"bare loop {1000 * alone:.1f} ms a step, trainer {1000 * step:.1f} ms: {alone / step:.0%} of its speed"
    )
    print(f"waiting for the batch {1000 * wait:.1f} ms a step ({wait / step:.1%})")
    print(f"{rate / 1e9:.0f} GFLOP/s, {rate / peak:.0%} of a bare convolution's {peak / 1e9:.0f} GFLOP/s")


if __name__ == "__main__":
    main()
