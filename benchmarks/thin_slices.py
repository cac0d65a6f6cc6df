"""What neighbouring slices bring, by how thin the slices are: a brain phantom with Rician noise of 0.06.

RelativeFlow with its neighbours, and as if each slice were alone (its training shows it slices without neighbours);
beside it non-local means in 2-D and 3-D and BM4D, all told the true noise. The same anatomy at every spacing;
pixels of 0.67 mm. The middle 160 x 160 pixels of the four middle slices are judged.

python benchmarks/thin_slices.py      # BM4D where it is installed; writes docs/tables/thin_slices.md
"""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from diffdenoise_runs import DEVICE, context
from peers import Told, bm4d_filter, non_local_means, tuned_settings
from standard_points import add_rician
from truth_scores import SIGNAL, psnr, slab_of

from quietvoxel.engines.registry import engine_info
from quietvoxel.inference.loaded import load_engine
from quietvoxel.models import find_model
from quietvoxel.phantoms import mr_phantom

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

TABLE = Path(__file__).parent.parent / "docs" / "tables" / "thin_slices.md"
PIXEL, SIGMA, SLICES, SIDE, JUDGED = 0.67, 0.06, 16, 160, 4
SPACINGS = (0.67, 1.0, 1.5, 3.0, 5.0)
SEED = 90004
"""Training never draws it."""


def clean_stack(spacing: float) -> NDArray[np.float32]:
    """T1 slices (16, 160, 160) of one brain, normalised."""
    volume = mr_phantom((SLICES, 352, 352), (spacing, PIXEL, PIXEL), seed=SEED, contrast="T1").data
    image = (volume / np.percentile(volume, 99.5)).astype(np.float32)
    start = (352 - SIDE) // 2
    return np.ascontiguousarray(image[:, start : start + SIDE, start : start + SIDE])


def relative_flow(noisy: NDArray[np.float32], spacing: float, *, neighbours: bool) -> NDArray[np.float32]:
    """The judged slices, with their neighbours or without."""
    engine: Any = load_engine(find_model(engine="relativeflow", modality="MR"), DEVICE)
    settings = engine_info("relativeflow").settings()
    halo, first = engine.halo(settings), (SLICES - JUDGED) // 2
    slabs = torch.cat([slab_of(noisy, z, halo) for z in range(first, first + JUDGED)])
    if not neighbours:
        slabs[:, :halo] = slabs[:, halo + 1 :] = 0.0
    return engine.denoise(slabs, settings, context(SIGMA, spacing / PIXEL)).image[:, 0].numpy()


def ways(noisy: NDArray[np.float32], spacing: float) -> dict[str, Callable[[], NDArray[np.float32]]]:
    """Everything that is compared, by name; each gives the judged slices."""
    first = (SLICES - JUDGED) // 2
    judged = slice(first, first + JUDGED)
    told = Told(noisy, SIGMA, "MR", (spacing, PIXEL, PIXEL), None)
    means = tuned_settings("MR", "non-local means", SIGMA)
    found: dict[str, Callable[[], NDArray[np.float32]]] = {
        "noisy": lambda: noisy[judged],
        "non-local means, 2-D": lambda: non_local_means(told, {**means, "dims": 2})[judged],
        "non-local means, 3-D": lambda: non_local_means(told, {**means, "dims": 3})[judged],
        "RelativeFlow, slices alone": lambda: relative_flow(noisy, spacing, neighbours=False),
        "RelativeFlow": lambda: relative_flow(noisy, spacing, neighbours=True),
    }
    if importlib.util.find_spec("bm4d"):
        found["BM4D"] = lambda: bm4d_filter(told, tuned_settings("MR", "BM4D", SIGMA))[judged]
    return found


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    columns: dict[float, dict[str, float]] = {}
    for spacing in SPACINGS:
        clean = clean_stack(spacing)
        noisy, first = add_rician(clean, SIGMA), (SLICES - JUDGED) // 2
        truth = clean[first : first + JUDGED]
        columns[spacing] = {
            name: psnr(run(), truth, truth > SIGNAL) for name, run in ways(noisy, spacing).items()
        }
        print(spacing, columns[spacing], flush=True)
    lines = [
        "# Neighbouring slices, by their spacing",
        "",
        "Made by `python benchmarks/thin_slices.py`: a T1 brain phantom in pixels of 0.67 mm, Rician noise of 0.06,",
        "told; PSNR in dB, range 1, of the middle 160 x 160 pixels of four slices.",
        "",
        "| slice spacing | " + " | ".join(f"{spacing:g} mm" for spacing in SPACINGS) + " |",
        "|---" * (1 + len(SPACINGS)) + "|",
        *(
            f"| {name} | " + " | ".join(f"{columns[s][name]:.2f}" for s in SPACINGS) + " |"
            for name in columns[SPACINGS[0]]
        ),
    ]
    TABLE.write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
