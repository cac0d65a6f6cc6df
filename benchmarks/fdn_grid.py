"""What FDN's grid of 4 x 4 blocks costs: PSNR of the mean over shifts of the image against the grid, and its pattern.

One middle slice of each CT volume with known truth at 10 and 20 HU for the PSNR; for the pattern, real scans as they
come: the power of what is removed at periods of two and four pixels, over that of its neighbours (1 is no pattern).

python benchmarks/fdn_grid.py
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from standard_points import points
from truth_scores import slab_of
from volumes import REPOSITORY, add_data_option

from quietvoxel.engines.contract import MAX_SPACING_RATIO, EngineContext
from quietvoxel.engines.fdn.engine import FDNEngine, load_fdn
from quietvoxel.engines.fdn.settings import FDNSettings
from quietvoxel.intensity import HU_PER_UNIT, HU_RANGE
from quietvoxel.models import find_model, load_tensors
from quietvoxel.quality.metrics import psnr

sys.path.insert(0, str(REPOSITORY / "tests" / "support"))
from chequered import chequer_excess

WAYS = {
    "one": [(0, 0)],
    "(0, 0) and (2, 2)": [(0, 0), (2, 2)],
    "four": [(0, 0), (0, 2), (2, 0), (2, 2)],
    "all 16": list(product(range(4), repeat=2)),
}
WINDOW, SPAN = (-160.0, 240.0), 400.0
PATTERN_SIGMA = 30.0
"""HU that the flow is told of scans as they come; as in the tests."""


def by_shift(
    engine: FDNEngine, slab: torch.Tensor, sigma: float, ratio: float
) -> dict[tuple[int, int], np.ndarray]:
    """The middle slice in HU, denoised with each shift of the image against the grid."""
    context = EngineContext(
        sigma / HU_PER_UNIT, min(ratio, MAX_SPACING_RATIO), torch.device("cpu"), torch.float32
    )
    found = {}
    for down, right in product(range(4), repeat=2):
        moved = F.pad(slab, (right, 0, down, 0), mode="reflect")
        image = engine.denoise(moved, FDNSettings(shifts=1), context).image[0, 0, down:, right:]
        found[down, right] = HU_PER_UNIT * image.numpy()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_option(parser)
    options = parser.parse_args()
    card = find_model(engine="fdn", modality="CT")
    engine = load_fdn(card.architecture, load_tensors(card), torch.device("cpu"))
    gains, excess = defaultdict(list), defaultdict(list)
    for point in points(options.data, modality="CT", kinds=("truth", "scan")):
        if point.level not in ((10, 20) if point.kind == "truth" else (10,)):
            continue
        stack = point.noisy if point.kind == "truth" else point.reference
        middle, (height, width) = len(stack) // 2, (side // 4 * 4 for side in stack.shape[1:])
        units = np.clip(stack, *HU_RANGE)[:, :height, :width] / np.float32(HU_PER_UNIT)
        z, y, x = point.spacing_zyx
        sigma = point.sigma_added if point.kind == "truth" else PATTERN_SIGMA
        images = by_shift(engine, slab_of(units, middle, engine.recipe.halo), sigma, 2 * z / (y + x))
        means = {name: np.mean([images[shift] for shift in shifts], axis=0) for name, shifts in WAYS.items()}
        if point.kind == "truth":
            truth = point.reference[middle, :height, :width]
            figures = {
                name: psnr(image, truth, data_range=SPAN, window=WINDOW) for name, image in means.items()
            }
            gains[point.level].append([figures[name] - figures["one"] for name in WAYS])
        else:
            removed = {
                name: HU_PER_UNIT * units[middle].astype(float) - image for name, image in means.items()
            }
            for name in WAYS:
                excess[name].append(max(chequer_excess(removed[name], period) for period in (2, 4)))
            excess["the scan itself"].append(
                max(chequer_excess(units[middle].astype(float), p) for p in (2, 4))
            )
        print(f"{point.key} done", file=sys.stderr, flush=True)
    print("| | " + " | ".join(WAYS) + " |\n|" + "---|" * (len(WAYS) + 1))
    for level, rows in gains.items():
        cells = " | ".join(
            f"{low:+.2f} to {high:+.2f}" for low, high in zip(np.min(rows, 0), np.max(rows, 0), strict=True)
        )
        print(f"| PSNR at {level:g} HU, dB ({len(rows)} volumes) | {cells} |")
    for name, found in excess.items():
        print(f"pattern, {name}: {min(found):.1f} to {max(found):.1f} ({len(found)} scans)")


if __name__ == "__main__":
    main()
