"""Do faint discs keep their contrast? Discs of 4 to 16 pixels in flat tissue, many seeds, by contrast-to-noise ratio.

A disc's contrast is the mean inside it less the mean of a ring around it, over its true contrast; the same is measured
on the noisy images, whose mean must be 1. The structure check judges every residual.

python benchmarks/faint_discs.py           # goes on where it was stopped
python benchmarks/faint_discs.py --quick   # 2 seeds; nothing is kept

Results: runs/faint-discs/*.json; writes docs/tables/faint_discs.md.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from diffdenoise_runs import DEVICE, SAMPLED, denoised, once
from volumes import RUNS, add_data_option

from quietvoxel.engines.registry import engine_info
from quietvoxel.errors import QuietVoxelError
from quietvoxel.inference.loaded import load_engine
from quietvoxel.models import ModelCard, find_model
from quietvoxel.quality import check_structure

TABLE = Path(__file__).parent.parent / "docs" / "tables" / "faint_discs.md"
RESULTS = RUNS / "faint-discs"
DIAMETERS = (4, 6, 8, 12, 16)
CONTRASTS = (0.5, 1.0, 2.0)
SEEDS = 20
SIDE, DEPTH = 224, 5
SIGMA = {"MR": 0.06, "CT": 0.020}

#: name -> engine and settings
WAYS: dict[str, tuple[str, Any]] = {
    "RelativeFlow": ("relativeflow", engine_info("relativeflow").settings()),
    "DiffDenoise": ("diffdenoise", engine_info("diffdenoise").settings()),
    "DiffDenoise, sampled": ("diffdenoise", SAMPLED),
    "FDN": ("fdn", engine_info("fdn").settings()),
}


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
    """Rician noise for MR; for CT white noise smoothed as a soft kernel does, of the same standard deviation."""
    rng = np.random.default_rng(seed)
    if modality == "MR":
        real, imaginary = SIGMA["MR"] * rng.standard_normal((2, *clean.shape))
        return np.hypot(clean + real, imaginary).astype(np.float32)
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


def measure(way: str, modality: str, cnr: float, seeds: int) -> dict[str, Any]:
    """Mean contrast kept by diameter, before and after, and the structure check's verdicts."""
    name, settings = WAYS[way]
    engine = load_engine(find_model(engine=name, modality=modality), DEVICE)
    clean, discs = flat_with_discs(modality, cnr)
    sigma, z = SIGMA[modality], DEPTH // 2
    kept: dict[str, dict[int, list[float]]] = {part: {d: [] for d in DIAMETERS} for part in ("noisy", "kept")}
    verdicts = []
    for seed in range(seeds):
        noisy = noisy_stack(modality, clean, seed)
        image = denoised(engine, noisy, z, sigma, 1.0, settings, seed).image[0, 0].numpy()
        verdicts.append(str(check_structure(noisy[z : z + 1], image[None], (1.0, 1.0, 1.0)).verdict))
        for part, shown in (("noisy", noisy[z]), ("kept", image)):
            for diameter, values in contrasts(shown, discs, cnr * sigma).items():
                kept[part][diameter] += values
    return {
        **{part: {d: round(float(np.mean(v)), 3) for d, v in by.items()} for part, by in kept.items()},
        "verdicts": {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
    }


def model(way: str, modality: str) -> ModelCard | None:
    """That a way uses, if there is one."""
    try:
        return find_model(engine=WAYS[way][0], modality=modality)
    except QuietVoxelError:
        return None


def result_file(card: ModelCard, way: str, modality: str, cnr: float) -> Path:
    """Of these weights."""
    return RESULTS / f"{card.sha256[:12]}-{way.replace(', ', '-')}-{modality}-{cnr:g}.json"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_option(parser)
    parser.add_argument("--modality", nargs="+", choices=("MR", "CT"), default=("MR", "CT"))
    parser.add_argument("--ways", nargs="+", choices=tuple(WAYS), default=tuple(WAYS))
    parser.add_argument("--quick", action="store_true", help="2 seeds; nothing is kept")
    options = parser.parse_args()
    for modality, way, cnr in product(options.modality, options.ways, CONTRASTS):
        card = model(way, modality)
        if card is None:
            continue
        if options.quick:
            result = measure(way, modality, cnr, 2)
        else:
            path = result_file(card, way, modality, cnr)
            result = once(path, partial(measure, way, modality, cnr, SEEDS))
        print(modality, way, cnr, result, flush=True)
    if not options.quick:
        write_table()


def write_table() -> None:
    """Write what is there for the models that are installed now; rows without a result stay as they were."""
    before = rows_before()
    lines = [
        "# Contrast of faint discs",
        "",
        f"Made by `python benchmarks/faint_discs.py`: flat tissue of {SIDE} x {SIDE} pixels, four discs of each",
        f"diameter, {SEEDS} seeds; noise {SIGMA['MR']} (MR, Rician), {1000 * SIGMA['CT']:g} HU (CT, correlated as a",
        "soft kernel leaves it). Mean contrast kept, by contrast-to-noise ratio in a pixel and diameter in pixels;",
        "wanted of DiffDenoise: 0.9 to 1.1 from 8 pixels and a ratio of 1 on.",
        "",
        "| image | ratio | engine | " + " | ".join(f"{d} px" for d in DIAMETERS) + " | structure check |",
        "|---" * (4 + len(DIAMETERS)) + "|",
    ]
    for modality, cnr in product(SIGMA, CONTRASTS):
        first = True
        for way in WAYS:
            card = model(way, modality)
            path = card and result_file(card, way, modality, cnr)
            if not path or not path.exists():
                keys = rows_of(modality, cnr, way, first=first)
                lines += [before[key] for key in keys if key in before]
                first = False
                continue
            result = json.loads(path.read_text())
            if first:
                lines.append(row(modality, cnr, "none", result["noisy"], ""))
                first = False
            said = ", ".join(f"{count} {verdict}" for verdict, count in result["verdicts"].items())
            lines.append(row(modality, cnr, way, result["kept"], said))
    TABLE.write_text("\n".join([*lines, ""]), encoding="utf-8")


def rows_before() -> dict[str, str]:
    """The rows of the table as it is, by their first three columns."""
    if not TABLE.exists():
        return {}
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return {
        "|".join(line.split("|")[1:4]).strip(): line for line in lines if line.startswith(("| MR", "| CT"))
    }


def rows_of(modality: str, cnr: float, way: str, *, first: bool) -> list[str]:
    """Keys of the rows of an engine; that of the noisy images stands above the first engine's."""
    return [f"{modality} | {cnr:g} | {name}" for name in (["none"] if first else []) + [way]]


def row(modality: str, cnr: float, way: str, kept: dict[str, float], said: str) -> str:
    """One line of the table."""
    return (
        f"| {modality} | {cnr:g} | {way} | "
        + " | ".join(f"{kept[str(d)]:.2f}" for d in DIAMETERS)
        + f" | {said} |"
    )


if __name__ == "__main__":
    main()
