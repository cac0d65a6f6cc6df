"""Merge the scores of the peers and of RelativeFlow into docs/tables/quality.md: every volume, then the means.

python benchmarks/run_peers.py && python benchmarks/run_ours.py && python benchmarks/table.py
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from stored import Result, all_results, keep

from quietvoxel.models import find_model, list_models
from quietvoxel.models.store import BUNDLED

TABLE = Path(__file__).parent.parent / "docs" / "tables" / "quality.md"
OURS = "RelativeFlow"
ORDER = (
    "noisy",
    "total variation",
    "anisotropic diffusion",
    "non-local means",
    "BM4D",
    "RelativeFlow 1 step",
    OURS,
    "RelativeFlow best quality",
    "RelativeFlow estimated noise",
    "Noise2Void",
    "blind-spot network",
    "DiffDenoise",
    "FDN",
    "FDN predicted",
    "plain network",
)
ENGINES = {"relativeflow": OURS, "diffdenoise": "DiffDenoise", "fdn": "FDN"}
RANGES = {
    "CT": "PSNR with range 400 HU in the window -160 to 240 HU, SSIM in that window",
    "MR": "PSNR and SSIM with range 1",
}
KINDS = {
    "scan": "noise on the scan itself, scored against the scan, which is noisy too",
    "truth": "noise on a noise-free image (phantom, or a scan cleaned by heavy 3-D non-local means)",
    "repeat": "real repeated scans: each frame against the mean of the others",
}


def load() -> dict[tuple[str, str, float, str], dict[str, Result]]:
    """All results: (modality, kind, level, volume) -> method -> result; kept for a machine without them."""
    found: dict[tuple[str, str, float, str], dict[str, Result]] = defaultdict(dict)
    results = all_results()
    keep(results)
    for key, result in results.items():
        found[key[:4]][result["method"]] = result
    return found


def figure(result: Result | None) -> str:
    """PSNR and SSIM of one cell."""
    return "–" if result is None else f"{result['scores']['psnr']:.2f} / {result['scores']['ssim']:.3f}"


def section(
    modality: str, kind: str, points: dict[tuple[str, str, float, str], dict[str, Result]]
) -> list[str]:
    """The table of one modality and kind."""
    chosen = {k: v for k, v in points.items() if k[:2] == (modality, kind)}
    methods = [m for m in ORDER if any(m in results for results in chosen.values())]
    lines = [
        "",
        f"## {modality}, {kind}: {KINDS[kind]}",
        "",
        f"{RANGES[modality]}. dB / SSIM.",
        "",
        "| volume | level | clean image | " + " | ".join(methods) + " |",
        "|---" * (len(methods) + 3) + "|",
    ]
    for key in sorted(chosen, key=lambda k: (k[2], k[3])):
        results = chosen[key]
        fact = next(iter(results.values()))
        clean = fact["clean_image_psnr"]
        level = f"{key[2]:g}" + ("" if fact["counts"] else " (does not count)")
        cells = " | ".join(figure(results.get(m)) for m in methods)
        lines.append(f"| {key[3]} | {level} | {'–' if clean is None else f'{clean:.2f}'} | {cells} |")
    for level in sorted({key[2] for key in chosen}):
        counted = [r for k, r in chosen.items() if k[2] == level and next(iter(r.values()))["counts"]]
        if counted:
            cells = " | ".join(mean_cell(counted, m) for m in methods)
            lines.append(f"| **mean of {len(counted)} that count** | {level:g} | | {cells} |")
    return lines


def mean_cell(counted: list[dict[str, Result]], method: str) -> str:
    """The mean where every volume has a result; else the margin of RelativeFlow over those that have one."""
    there = [r for r in counted if method in r]
    if not there:
        return "–"
    if len(there) < len(counted):
        pairs = [r for r in there if OURS in r]
        if not pairs:
            return "–"
        gain = [
            np.mean([r[OURS]["scores"][s] - r[method]["scores"][s] for r in pairs]) for s in ("psnr", "ssim")
        ]
        return f"on {len(pairs)}: RelativeFlow {gain[0]:+.2f} / {gain[1]:+.3f}"
    psnr, ssim = (np.mean([r[method]["scores"][s] for r in there]) for s in ("psnr", "ssim"))
    return f"**{psnr:.2f} / {ssim:.3f}**"


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    points = load()
    lines = [
        "# Quality at the standard validation points",
        "",
        (
            "Made by `python benchmarks/run_peers.py`, `python benchmarks/table.py` and"
            " `python benchmarks/run_ours.py --ways told diffdenoise fdn plain`. Every method is told the true noise"
            " (RelativeFlow in three steps unless it says otherwise, CPU, bfloat16); peers are tuned on training"
            " volumes (`benchmarks/peer_settings.json`). The plain network is none of our engines: one pass of a"
            " network of FDN's size, for comparison (docs/fdn.md). A dash is a point that was not measured."
        ),
    ]
    for modality in ("MR", "CT"):
        for kind in KINDS:
            if any(key[:2] == (modality, kind) for key in points):
                lines += section(modality, kind, points)
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text("\n".join(lines) + "\n")
    print(f"Wrote {TABLE} with {len(points)} points")
    for modality in ("MR", "CT"):
        for engine in {card.engine for card in list_models() if card.modality == modality}:
            tell_card(modality, engine, points)


def tell_card(
    modality: str, engine: str, points: dict[tuple[str, str, float, str], dict[str, Result]]
) -> None:
    """Write the means against the truth into the bundled model's card, if they were measured with its weights."""
    card, method = find_model(engine=engine, modality=modality), ENGINES[engine]
    path = BUNDLED / f"{card.name}.json"
    figures = []
    for level in sorted({key[2] for key in points if key[:2] == (modality, "truth")}):
        rows = [r for k, r in points.items() if k[:3] == (modality, "truth", level) and method in r]
        mine = [r for r in rows if r[method]["settings"]["model"] == card.sha256[:12]]
        if not mine or len(mine) < len(rows):
            print(f"{card.name}: not all points at {level:g} were run with these weights")
            return
        ours, noisy = mean_cell(mine, method), mean_cell(mine, "noisy")
        added = f"{level:g} HU" if modality == "CT" else f"{level:g} of the 99.5th percentile"
        figures.append(
            f"noise {added}: PSNR in dB / SSIM {ours.strip('*')}, of the input {noisy.strip('*')}"
            f" (mean over {len(mine)} noise-free volumes, {RANGES[modality]}; benchmarks/run_ours.py)"
        )
    stored = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**stored, "quality": figures}, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
