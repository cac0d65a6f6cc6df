"""Merge the scores of the peers and of our own engines into one markdown table.

    python benchmarks/table.py runs/peers runs/relative_flow -o benchmarks/results.md

Every folder holds JSON files of the form that `run_peers.py` writes: method, name, modality, kind, level, counts,
clean_image_psnr and scores. Each volume has a row, then comes the mean over the volumes at each level: over those that
count, and only where every method has a result for all of them.
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path
from statistics import fmean
from typing import Any

from standard_points import KINDS
from volumes import RUNS

Result = dict[str, Any]

TITLES = {
    "scan": "Noise added to a scan, scored against the scan, which is noisy itself",
    "truth": "Noise added to a noise-free image, scored against that",
    "repeat": "Real noise: a repeat against the mean of the others",
}
UNITS = {
    "MR": "PSNR in dB with range 1.0, SSIM, RMSE in thousandths of the 99.5th percentile; mask: reference > 0.08",
    "CT": "PSNR in dB with range 400 HU (-160 to 240 HU), SSIM in that window, RMSE in HU; mask: body",
}
FIRST = ("noisy", "total variation", "anisotropic diffusion", "non-local means", "BM4D")


def load(folders: list[Path]) -> list[Result]:
    """Read all results of some folders."""
    return [json.loads(path.read_text()) for folder in folders for path in sorted(folder.glob("*.json"))]


def cell(scores: dict[str, float], modality: str) -> str:
    """Write PSNR / SSIM / RMSE of one result."""
    error = scores["rmse"] * (1000 if modality == "MR" else 1)
    return f"{scores['psnr']:.2f} / {scores['ssim']:.4f} / {error:.1f}"


def mean_scores(results: list[Result]) -> dict[str, float]:
    """Average each score over results."""
    return {key: fmean(r["scores"][key] for r in results) for key in ("psnr", "ssim", "rmse")}


def section(results: list[Result], modality: str, kind: str, methods: list[str]) -> list[str]:
    """Write the table of one modality and kind of point, or nothing when there are no results."""
    chosen = [r for r in results if r["modality"] == modality and r["kind"] == kind]
    if not chosen:
        return []
    methods = [m for m in methods if any(r["method"] == m for r in chosen)]
    clean = ["clean image"] if kind != "truth" else []
    lines = [f"## {modality}: {TITLES[kind]}", "", UNITS[modality], ""]
    lines += [
        "| volume | level | counts | " + " | ".join([*methods, *clean]) + " |",
        "|" + "---|" * (3 + len(methods) + len(clean)),
    ]
    by_point = {(r["name"], r["level"], r["method"]): r for r in chosen}
    for level in sorted({r["level"] for r in chosen}):
        names = sorted({r["name"] for r in chosen if r["level"] == level})
        counting = []
        for name in names:
            any_result = next(r for r in chosen if r["name"] == name and r["level"] == level)
            if any_result["counts"]:
                counting.append(name)
            cells = [
                cell(by_point[name, level, m]["scores"], modality) if (name, level, m) in by_point else "-"
                for m in methods
            ]
            cells += [f"{any_result['clean_image_psnr']:.2f}"] if clean else []
            mark = "yes" if any_result["counts"] else "no"
            lines.append(f"| {name} | {level:g} | {mark} | " + " | ".join(cells) + " |")
        if counting:
            cells = []
            for method in methods:
                found = [by_point[n, level, method] for n in counting if (n, level, method) in by_point]
                whole = len(found) == len(counting)
                cells.append(f"**{cell(mean_scores(found), modality)}**" if whole else "incomplete")
            cells += [""] * len(clean)
            lines.append(f"| **mean of {len(counting)}** | {level:g} | | " + " | ".join(cells) + " |")
    return [*lines, ""]


def speed(results: list[Result], methods: list[str]) -> list[str]:
    """Write the mean seconds of each method, with the device it says it ran on."""
    lines = ["## Seconds per volume of at most 16 slices", "", "| method | seconds | on |", "|---|---|---|"]
    for method in methods:
        timed = [r for r in results if r["method"] == method and "seconds" in r]
        if timed:
            devices = ", ".join(sorted({str(r.get("device", "?")) for r in timed}))
            lines.append(f"| {method} | {fmean(r['seconds'] for r in timed):.1f} | {devices} |")
    return [*lines, ""]


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folders", type=Path, nargs="*", default=[RUNS / "peers"], help="folders of results")
    parser.add_argument("-o", "--output", type=Path, help="file to write; printed when left out")
    options = parser.parse_args()
    results = load(options.folders)
    found = {r["method"] for r in results}
    methods = [m for m in FIRST if m in found] + sorted(found - set(FIRST))
    lines = [
        "# Standard validation points",
        "",
        "PSNR / SSIM / RMSE. How the points are made: README.md here.",
        "",
    ]
    for modality in ("MR", "CT"):
        for kind in KINDS:
            lines += section(results, modality, kind, methods)
    lines += speed(results, methods)
    lines += [f"Machine: {platform.processor() or platform.machine()}, {platform.system()}.", ""]
    text = "\n".join(lines)
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
