"""What a training step costs, and which share of it goes into making the batch (wanted: under 10 %).

python benchmarks/training_step.py --modality ct    # needs the noise bank that a training has left in runs/
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from volumes import RUNS, add_data_option

from quietvoxel.engines.relative_flow.training import RelativeFlowStage
from quietvoxel.training.prepare import read_references
from quietvoxel.training.pretrain import recipe_for
from quietvoxel.training.references import draw_slabs
from quietvoxel.training.trainer import TrainingPlan
from quietvoxel.volume import Modality


def main() -> None:
    """Time batches and whole steps."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    add_data_option(parser)
    parser.add_argument("--modality", choices=("ct", "mr"), default="ct")
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    modality = Modality(options.modality.upper())
    skip = ("sbu", "STS_0") if modality == Modality.CT else ("openms_patient0", "openms_patient1")
    folder = options.data / "train" / options.modality
    references = read_references(folder, modality, cache=RUNS / "noise-bank", skip=skip)
    stage, plan = RelativeFlowStage(recipe_for(modality)), TrainingPlan()
    network = stage.build()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-4)
    making, whole = [], []
    for step in range(options.steps + 2):
        began = time.perf_counter()
        slabs = draw_slabs(references, plan.batch, plan.patch, stage.halo, np.random.default_rng(step))
        batch = stage.prepare(slabs, 1.0, torch.Generator().manual_seed(step))
        making.append(time.perf_counter() - began)
        with torch.autocast("cpu", torch.bfloat16):
            loss = stage.loss(network, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        whole.append(time.perf_counter() - began)
    batch_s, step_s = float(np.median(making[2:])), float(np.median(whole[2:]))
    print(
        f"{modality}: batch of {plan.batch} slabs of {plan.patch} x {plan.patch}: {batch_s * 1000:.0f} ms of a step of"
        f" {step_s * 1000:.0f} ms ({batch_s / step_s:.0%}), {torch.get_num_threads()} thread(s)"
    )


if __name__ == "__main__":
    main()
