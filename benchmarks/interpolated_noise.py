"""RelativeFlow on the correlated noise of MR images that were interpolated by filling k-space with zeros.

    OMP_NUM_THREADS=1 python benchmarks/interpolated_noise.py

Most scanners interpolate. The truth images of the standard points, the middle slices; PSNR with range 1 in the
foreground; the noise is told. Writes docs/tables/interpolated_noise.md and the figures into the model's card.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from truth_images import truth_images
from volumes import add_data_option

from quietvoxel.degradation.rician import add_rician
from quietvoxel.inference import InferenceOptions, denoise
from quietvoxel.models.store import BUNDLED
from quietvoxel.quality import foreground_mask, psnr
from quietvoxel.volume import Geometry, Modality, Volume

TABLE = Path(__file__).parent.parent / "docs" / "tables" / "interpolated_noise.md"
MODELS = ("relativeflow-mr", "relativeflow-mr-interpolated")
SLICES = 6
LEVELS = (0.03, 0.06)
ACQUIRED = ((1.0, 1.0), (0.8, 0.8), (0.6, 0.8), (0.6, 0.6))
NAMES = ("phantom-T2-thick", "cleaned-prostatex0218_T2tra_s5", "cleaned-rorden_prisma_T1_HFS")


def main() -> None:
    """Degrade, denoise, score."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_option(parser)
    options = parser.parse_args()
    lines = [
        (
            f"Made by `python benchmarks/interpolated_noise.py`: mean over {len(NAMES)} volumes ({', '.join(NAMES)}),"
            f" the middle {SLICES} slices, PSNR in dB with range 1."
        ),
        "",
        "| share of k-space measured | Rician σ | noisy | " + " | ".join(MODELS) + " |",
        "|---|---|---|" + "---|" * len(MODELS),
    ]
    quality = []
    for acquired in ACQUIRED:
        for level in LEVELS:
            scores = []
            for truth in truth_images(options.data, "MR", NAMES):
                first = (len(truth.data) - SLICES) // 2
                clean = np.ascontiguousarray(truth.data[first : first + SLICES])
                mask = foreground_mask(clean)
                noisy = add_rician(
                    torch.from_numpy(clean)[:, None],
                    level,
                    torch.Generator().manual_seed(11),
                    torch.tensor([acquired] * SLICES),
                )[:, 0].numpy()
                z, y, x = truth.spacing_zyx
                volume = Volume(noisy, Geometry((x, y, z)), Modality.MR)
                told = InferenceOptions(sigma=level, axis="0")
                images = [noisy, *(denoise(volume, model, None, told).volume.data for model in MODELS)]
                scores.append([psnr(image, clean, data_range=1.0, mask=mask) for image in images])
            share = " x ".join(f"{100 * a:.0f} %" for a in acquired)
            before, general, special = np.mean(scores, axis=0)
            quality.append(
                f"noise {level:g} of the 99.5th percentile, {share} of k-space measured: PSNR {special:.2f} dB, of the"
                f" input {before:.2f}, of {MODELS[0]} {general:.2f} (mean over {len(NAMES)} noise-free volumes;"
                " range 1; benchmarks/interpolated_noise.py)"
            )
            means = " | ".join(f"{mean:.2f}" for mean in np.mean(scores, axis=0))
            lines.append(f"| {share} | {level} | {means} |")
            print(lines[-1], flush=True)
    card = BUNDLED / f"{MODELS[1]}.json"
    stored = json.loads(card.read_text("utf-8"))
    card.write_text(json.dumps({**stored, "quality": quality}, indent=2) + "\n", "utf-8")
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
