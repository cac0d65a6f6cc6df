"""How much of the Rician bias DiffDenoise should undo: measured on training anatomy, never on validation.

Prints PSNR, SSIM and mean error of cleaned training scans, by the share of the noise whose bias is undone
(docs/diffdenoise.md).

python benchmarks/rician_bias.py
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np
from ablations import REFERENCES
from diffdenoise_runs import bundled, denoised
from scoring import score
from standard_points import MR_LEVELS, mr_point
from truth_images import cleaned_scan
from volumes import add_data_option, indexed_volumes

from quietvoxel.engines.diff_denoise.settings import DiffDenoiseSettings

SLICES = 2
SHARES = (0.0, 0.5, 0.7, 0.8, 0.85, 0.9, 1.0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_option(parser)
    options = parser.parse_args()
    engine = bundled("MR")
    found = defaultdict(list)
    for volume in indexed_volumes(options.data, "train/mr"):
        if volume.name not in REFERENCES:
            continue
        image = cleaned_scan(volume)
        first = len(image.data) // 2 - SLICES // 2
        truth = image.data[first : first + SLICES]
        for level in MR_LEVELS:
            point = mr_point(image.name, "truth", level, truth, 0.0, image.spacing_zyx)
            for share in SHARES:
                engine.rician_share = share
                slices = [
                    denoised(engine, point.noisy, k, level, image.spacing_ratio, DiffDenoiseSettings()).image
                    for k in range(SLICES)
                ]
                scores = score(point, np.concatenate([one[0].numpy() for one in slices]))
                found[level, share].append((scores["psnr"], scores["ssim"], scores["bias"]))
    print("| noise | " + " | ".join(f"{share:g}" for share in SHARES) + " |")
    print("|---" * (1 + len(SHARES)) + "|")
    for level in MR_LEVELS:
        means = [np.mean(found[level, share], axis=0) for share in SHARES]
        cells = " | ".join(f"{psnr:.2f} / {ssim:.3f} / {bias:+.4f}" for psnr, ssim, bias in means)
        print(f"| {level:g} | {cells} |")


if __name__ == "__main__":
    main()
