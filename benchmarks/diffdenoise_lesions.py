"""Do faint discs keep their contrast? Discs of 4 to 16 pixels in flat tissue, many seeds, by contrast-to-noise ratio.

A disc's contrast is the mean inside it less the mean of a ring around it, over its true contrast; the same is measured
on the noisy images, whose mean must be 1. The structure check judges every residual.

python benchmarks/diffdenoise_lesions.py           # goes on where it was stopped
python benchmarks/diffdenoise_lesions.py --quick   # 2 seeds; nothing is kept

Results: runs/diffdenoise/lesions/*.json.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from diffdenoise_runs import RESULTS, SAMPLED, bundled, denoised, once
from standard_points import add_rician
from volumes import add_data_option

from quietvoxel.engines.diff_denoise.settings import DiffDenoiseSettings
from quietvoxel.models import find_model
from quietvoxel.quality import check_structure

DIAMETERS = (4, 6, 8, 12, 16)
CONTRASTS = (0.5, 1.0, 2.0)
SEEDS = 20
SIDE, DEPTH = 224, 5
SIGMA = {"MR": 0.06, "CT": 0.020}
WAYS = {"student": DiffDenoiseSettings(), "sampled": SAMPLED}


def flat_with_discs(modality: str, cnr: float) -> tuple[np.ndarray, list[tuple[int, int, int]]]:
    """A flat stack (z, y, x) in network units with discs through all slices, and their (diameter, row, column)."""
    level = 0.6 if modality == "MR" else 0.05
    stack = np.full((DEPTH, SIDE, SIDE), level, np.float32)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    discs = []
    for i, diameter in enumerate(DIAMETERS):
        for j in range(4):
            row, column = 24 + 44 * i, 28 + 56 * j
            far = np.hypot(rows - row, columns - column)
            stack += cnr * SIGMA[modality] * np.clip(diameter / 2 - far + 0.5, 0, 1).astype(np.float32)
            discs.append((diameter, row, column))
    return stack, discs


def noisy_stack(modality: str, clean: np.ndarray, seed: int) -> np.ndarray:
    """White noise for MR; for CT white noise smoothed as a soft kernel does, of the same standard deviation."""
    rng = np.random.default_rng(seed)
    if modality == "MR":
        return add_rician(clean + rng.normal(0, 1e-6, clean.shape).astype(np.float32), SIGMA["MR"])
    from scipy.ndimage import gaussian_filter

    noise = np.stack([gaussian_filter(rng.standard_normal(plane.shape), 0.7) for plane in clean])
    return (clean + SIGMA["CT"] * noise / noise.std()).astype(np.float32)


def contrasts(image: np.ndarray, discs: list[tuple[int, int, int]], height: float) -> dict[int, list[float]]:
    """Contrast of each disc over the true one, by diameter."""
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    found: dict[int, list[float]] = {diameter: [] for diameter in DIAMETERS}
    for diameter, row, column in discs:
        far = np.hypot(rows - row, columns - column)
        ring = (far > diameter / 2 + 2) & (far < diameter / 2 + 8)
        step = image[far <= diameter / 2 - 0.5].mean() - image[ring].mean()
        found[diameter].append(float(step) / height)
    return found


def measure(modality: str, cnr: float, seeds: int) -> dict[str, Any]:
    """Mean contrast kept, by way and diameter, and the structure check's verdicts."""
    engine = bundled(modality)
    clean, discs = flat_with_discs(modality, cnr)
    sigma, z = SIGMA[modality], DEPTH // 2
    kept: dict[str, dict[int, list[float]]] = {name: {d: [] for d in DIAMETERS} for name in ("noisy", *WAYS)}
    verdicts: dict[str, list[str]] = {name: [] for name in WAYS}
    for seed in range(seeds):
        noisy = noisy_stack(modality, clean, seed)
        images = {"noisy": noisy[z]}
        for name, settings in WAYS.items():
            output = denoised(engine, noisy, z, sigma, 1.0, settings, seed)
            images[name] = output.image[0, 0].numpy()
            check = check_structure(noisy[z : z + 1], images[name][None], (1.0, 1.0, 1.0))
            verdicts[name].append(str(check.verdict))
        for name, image in images.items():
            for diameter, values in contrasts(image, discs, cnr * sigma).items():
                kept[name][diameter] += values
    return {
        "modality": modality,
        "cnr": cnr,
        "kept": {n: {d: round(float(np.mean(v)), 3) for d, v in by.items()} for n, by in kept.items()},
        "verdicts": {n: {v: found.count(v) for v in sorted(set(found))} for n, found in verdicts.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_option(parser)
    parser.add_argument("--modality", nargs="+", choices=("MR", "CT"), default=("MR", "CT"))
    parser.add_argument("--quick", action="store_true", help="2 seeds; nothing is kept")
    options = parser.parse_args()
    for modality in options.modality:
        weights = find_model(engine="diffdenoise", modality=modality).sha256[:12]
        for cnr in CONTRASTS:
            if options.quick:
                print(measure(modality, cnr, 2), flush=True)
                continue
            path = RESULTS / "lesions" / f"{weights}-{modality}-{cnr:g}.json"
            result = once(path, lambda modality=modality, cnr=cnr: measure(modality, cnr, SEEDS))
            print(modality, cnr, result["kept"], result["verdicts"], flush=True)


if __name__ == "__main__":
    main()
