"""Which share of the noise variance n steps should walk through: measured on training anatomy, never on validation.

Prints the table of docs/relativeflow.md: PSNR against the truth of cleaned training scans, by steps and share.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np
import torch
from ablations import REFERENCES, denoised
from truth_images import cleaned_scan
from truth_scores import truth_points
from volumes import add_data_option, indexed_volumes

from quietvoxel.degradation.noise_time import RICIAN_TIME
from quietvoxel.engines.relative_flow.engine import load_relative_flow
from quietvoxel.engines.relative_flow.transport import step_schedule
from quietvoxel.models import find_model, load_tensors

SHARES = (0.8, 0.9, 1.0)
SIGMAS = (0.03, 0.10)
STEPS = (1, 2, 3, 4)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_option(parser)
    options = parser.parse_args()
    card = find_model(engine="relativeflow", modality="MR")
    engine = load_relative_flow(card.architecture, load_tensors(card), torch.device("cpu"))
    found: dict[tuple[float, int, float], list[float]] = defaultdict(list)
    for volume in indexed_volumes(options.data, "train/mr"):
        if volume.name not in REFERENCES:
            continue
        image = cleaned_scan(volume)
        for point in truth_points(image, slices=2, levels=SIGMAS):
            for steps in STEPS:
                for share in SHARES:
                    time = RICIAN_TIME.time(share * point.level**2)
                    deltas = step_schedule(time, steps, engine.recipe.delta_max)
                    found[point.level, steps, share].append(point.psnr(denoised(engine, point, deltas)))
    print("| sigma | steps | " + " | ".join(f"c = {share}" for share in SHARES) + " |")
    print("|---" * (2 + len(SHARES)) + "|")
    for sigma in SIGMAS:
        for steps in STEPS:
            cells = " | ".join(f"{np.mean(found[sigma, steps, share]):.2f}" for share in SHARES)
            print(f"| {sigma} | {steps} | {cells} |")


if __name__ == "__main__":
    main()
