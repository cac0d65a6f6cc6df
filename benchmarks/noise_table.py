"""The results of the noise experiments: kept with the project, and written as docs/tables/diffdenoise_noise.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from diffdenoise_runs import RESULTS
from stored import keep, merged
from truth_scores import SIGNAL

if TYPE_CHECKING:
    from stored import Result

KEPT = Path(__file__).with_name("diffdenoise_noise.jsonl")
TABLE = Path(__file__).parent.parent / "docs" / "tables" / "diffdenoise_noise.md"
SIDE = 128
"""Everything is judged on the middle of each slice, no larger than this: BM4D takes two minutes a megavoxel."""

COLUMNS = (
    "noisy",
    "blind-spot network",
    "Noise2Void (CAREamics)",
    "non-local means",
    "BM4D",
    "DiffDenoise, sampled from pure noise",
    "DiffDenoise, sampled",
    "DiffDenoise",
    "DiffDenoise, recorrupted",
    "supervised",
)


def all_results() -> dict[Any, Result]:
    """Everything measured, by noise, radius and group; what lies in runs/ wins over what is kept with the project."""
    new = sorted((RESULTS / "noise").glob("*.json"))
    return merged(KEPT, new, lambda one: (one["noise"], one["radius"], one["group"]))


def rows(psnr: dict[str, dict[str, float]], head: str) -> list[str]:
    """A row for each image, and their mean."""
    lines = []
    for image in sorted(next(iter(psnr.values()))):
        cells = [f"{psnr[way][image]:.2f}" if way in psnr else "–" for way in COLUMNS]
        lines.append(f"{head} | {image} | " + " | ".join(cells) + " |")
    means = [f"**{np.mean(list(psnr[way].values())):.2f}**" if way in psnr else "–" for way in COLUMNS]
    return [*lines, f"{head} | **mean** | " + " | ".join(means) + " |"]


def write_table(steps: int) -> None:
    """Keep all results there are, and write them; `steps` is what networks have unless a result says otherwise."""
    results = all_results()
    keep(results, KEPT)
    seconds: dict[int, float] = {}
    for (_, radius, group), one in sorted(results.items()):
        if group == "ours" and "seconds" in one:
            seconds[radius] = max(one["seconds"], seconds.get(radius, 0.0))
    took = ", ".join(f"{most / 60:.0f} minutes (radius {radius})" for radius, most in sorted(seconds.items()))
    fewer = [
        f"{noise} (radius {radius})"
        for (noise, radius, group), one in sorted(results.items())
        if group == "ours" and one["student_steps"] < steps
    ]
    said = (
        "Made by `python benchmarks/diffdenoise_noise.py` and `... --noise gaussian --radii 1 2`. PSNR in dB against"
        f" the truth, range 1, where it is brighter than {SIGNAL}; the middle {SIDE} x {SIDE} pixels of the middle"
        " slice. Every method learns from the same noisy images but the supervised network, which is"
        f" shown the truth. Small networks, {steps} steps of diffusion, of the student and of the"
        f" supervised network; all stages took {took} of one core, and Noise2Void had as long. Non-local means has the"
        " settings that are best on three training images, in 2-D or 3-D. It, BM4D and the recorrupted student are told"
        " the law of the noise."
    )
    if fewer:
        said += f" The student of its teacher alone had 600 steps for {', '.join(fewer)}."
    lines = ["# DiffDenoise and the noises of its experiments", "", said, ""]
    lines += [
        "| noise | blind spot | image | " + " | ".join(COLUMNS) + " |",
        "|---" * (3 + len(COLUMNS)) + "|",
    ]
    results = {key: one for key, one in results.items() if one["psnr"]}
    for noise, radius in dict.fromkeys(key[:2] for key in sorted(results)):
        psnr: dict[str, dict[str, float]] = {}
        for key in sorted(results):
            if key[:2] == (noise, radius):
                psnr |= results[key]["psnr"]
        lines += rows(psnr, f"| {noise} | radius {radius}")
    lines += ["", "Settings of non-local means, h and sigma in units of the noise:", ""]
    for (noise, _, group), one in sorted(results.items()):
        if group == "non-local means":
            lines.append(f"- {noise}: {json.dumps(one['settings'])}")
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
