"""Which share of the noise variance n steps should walk through: measured on training anatomy, never on validation.

Prints the table of docs/relativeflow.md: PSNR against the truth of cleaned training scans, by steps and share.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np
import torch
from ablations import REFERENCES, ratio_of, run_slices
from standard_points import add_rician
from truth_images import cleaned_scan
from volumes import add_data_option, indexed_volumes

from quietvoxel.degradation.noise_time import RICIAN_TIME
from quietvoxel.engines.relative_flow.engine import load_relative_flow
from quietvoxel.engines.relative_flow.transport import step_schedule
from quietvoxel.models import find_model, load_tensors

SHARES = (0.8, 0.9, 1.0)


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
        middle = len(image.data) // 2
        wanted = range(middle - 1, middle + 1)
        truth = image.data[middle - 1 : middle + 1]
        for sigma in (0.03, 0.10):
            noisy = add_rician(image.data, sigma)
            for steps in (1, 2, 3, 4):
                for share in SHARES:
                    deltas = step_schedule(RICIAN_TIME.time(share * sigma**2), steps, engine.recipe.delta_max)
                    out = run_slices(engine, noisy, ratio_of(image), sigma, deltas, wanted)
                    squared = np.square(out - truth)[truth > 0.08].mean(dtype=np.float64)
                    found[sigma, steps, share].append(-10 * float(np.log10(squared)))
    print("| sigma | steps | " + " | ".join(f"c = {share}" for share in SHARES) + " |")
    print("|---" * (2 + len(SHARES)) + "|")
    for sigma in (0.03, 0.10):
        for steps in (1, 2, 3, 4):
            cells = " | ".join(f"{np.mean(found[sigma, steps, share]):.2f}" for share in SHARES)
            print(f"| {sigma} | {steps} | {cells} |")


if __name__ == "__main__":
    main()
