"""Which share of the noise variance n steps should walk through: measured on training anatomy, never on validation.

Prints PSNR and SSIM against the truth of cleaned training scans, by steps and share (docs/relativeflow.md).

python benchmarks/matched_share.py
python benchmarks/matched_share.py --modality CT --steps 1 3
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np
import torch
from ablations import REFERENCES, FixedSteps
from scoring import score
from standard_points import StandardPoint, ct_point, mr_point
from truth_images import cleaned_scan
from truth_scores import slab_of
from volumes import add_data_option, indexed_volumes

from quietvoxel.engines.contract import EngineContext
from quietvoxel.engines.relative_flow.engine import RelativeFlowEngine, load_relative_flow
from quietvoxel.engines.relative_flow.settings import RelativeFlowSettings
from quietvoxel.engines.relative_flow.transport import step_schedule
from quietvoxel.intensity import HU_PER_UNIT
from quietvoxel.models import find_model, load_tensors
from quietvoxel.training.references import MAX_SPACING_RATIO

SLICES = 4
LEVELS = {"MR": (0.03, 0.10), "CT": (10.0, 40.0)}
#: thick and thin slices of several scanners; the others of train/ct are single slices
CT_REFERENCES = ("STS_003_ct", "STS_025_ct", "STS_036_ct", "lungdx_A0002_chest8mm", "totalseg_abdomen_part")


def denoised(engine: RelativeFlowEngine, point: StandardPoint, share: float, steps: int) -> np.ndarray:
    """The point's slices after so many steps through this share of its noise."""
    unit = HU_PER_UNIT if point.modality == "CT" else 1.0
    sigma = point.sigma_added / unit
    deltas = step_schedule(engine.noise_time.time(share * sigma**2), steps, engine.recipe.delta_max)
    walk, settings = FixedSteps(engine, deltas), RelativeFlowSettings()
    z, y, x = point.spacing_zyx
    context = EngineContext(
        sigma, min(2 * z / (y + x), MAX_SPACING_RATIO), torch.device("cpu"), torch.bfloat16
    )
    stack = point.noisy / np.float32(unit)
    slabs = torch.cat([slab_of(stack, k, engine.halo(settings)) for k in range(len(stack))])
    return walk.denoise(slabs, settings, context).image[:, 0].numpy() * unit


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_option(parser)
    parser.add_argument("--modality", choices=("MR", "CT"), default="MR")
    parser.add_argument("--steps", nargs="+", type=int, default=(1, 2, 3, 4))
    parser.add_argument("--shares", nargs="+", type=float, default=(0.6, 0.7, 0.8, 0.9, 1.0))
    options = parser.parse_args()
    card = find_model(engine="relativeflow", modality=options.modality)
    engine = load_relative_flow(card.architecture, load_tensors(card), torch.device("cpu"))
    make = mr_point if options.modality == "MR" else ct_point
    found = defaultdict(list)
    for volume in indexed_volumes(options.data, f"train/{options.modality.lower()}"):
        if volume.name not in (*REFERENCES, *CT_REFERENCES):
            continue
        image = cleaned_scan(volume)
        first = len(image.data) // 2 - SLICES // 2
        truth = image.data[first : first + SLICES]
        for level in LEVELS[options.modality]:
            point = make(image.name, "truth", level, truth, 0.0, image.spacing_zyx)
            for steps in options.steps:
                for share in options.shares:
                    scores = score(point, denoised(engine, point, share, steps))
                    found[level, steps, share].append((scores["psnr"], scores["ssim"]))
    print("| noise | steps | " + " | ".join(f"c = {share:g}" for share in options.shares) + " |")
    print("|---" * (2 + len(options.shares)) + "|")
    for level in LEVELS[options.modality]:
        for steps in options.steps:
            means = [np.mean(found[level, steps, share], axis=0) for share in options.shares]
            cells = " | ".join(f"{psnr:.2f} / {ssim:.4f}" for psnr, ssim in means)
            print(f"| {level:g} | {steps} | {cells} |")


if __name__ == "__main__":
    main()
