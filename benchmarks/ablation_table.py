"""Turn the results of `ablations.py` into docs/tables/ablations.md."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from volumes import RUNS

TABLE = Path(__file__).parent.parent / "docs" / "tables" / "ablations.md"
LEVELS = ("0.03", "0.06", "0.1")
THIN = ("phantom-T1-thin",)

Scores = dict[str, float]


def at_level(scores: Scores, level: str, names: tuple[str, ...] | None = None) -> float:
    """Mean PSNR over volumes at a noise level."""
    values = [
        v
        for key, v in scores.items()
        if key.endswith(f"@{level}") and (names is None or key.startswith(names))
    ]
    return float(np.mean(values))


def cell(values: list[float]) -> str:
    """Mean over seeds, with half their range where there are several."""
    spread = f" ± {(max(values) - min(values)) / 2:.2f}" if len(values) > 1 else ""
    return f"{np.mean(values):.2f}{spread}"


def row(title: str, runs: list[Scores], names: tuple[str, ...] | None = None) -> str:
    """One line: PSNR at each level."""
    return (
        f"| {title} | "
        + " | ".join(cell([at_level(s, level, names) for s in runs]) for level in LEVELS)
        + " |"
    )


HEAD = ["| | σ = 0.03 | σ = 0.06 | σ = 0.10 |", "|---|---|---|---|"]


def table(results: dict[str, list[dict[str, Any]]]) -> list[str]:
    """The whole page."""
    full = results["full"]
    thick = tuple(sorted({key.split("@")[0] for key in full[0]["scores"]["3 steps"]} - set(THIN)))
    lines = [
        (
            "Made by `python benchmarks/ablations.py && python benchmarks/ablation_table.py`. MR, small network"
            " (32, 64, 128 channels, 1.1 M parameters), equal budgets of 1 000 steps; references of mixed noise"
            " (σ 0.01 to 0.05), none clean; PSNR in dB against the truth (range 1, mask > 0.08), mean over nine"
            " volumes of other patients, ± half the range over seeds. Differences below that are ties."
        ),
        "",
        "**What is trained** (3 Euler steps; for naive training its one evaluation)",
        "",
        *HEAD,
    ]
    for name, runs in results.items():
        way = "1 step" if name == "naive" else "3 steps"
        lines.append(row(f"{name} ({len(runs)} seeds)", [r["scores"][way] for r in runs]))
    lines += ["", "**How it is integrated** (the full recipe)", "", *HEAD]
    lines += [
        row(way, [r["scores"][way] for r in full]) for way in full[0]["scores"] if "distance" not in way
    ]
    lines += ["", "**Averaged weights against the last ones** (the full recipe, 3 steps)", "", *HEAD]
    lines.append(row("averaged", [r["scores"]["3 steps"] for r in full]))
    lines.append(row("last", [r["last weights"]["3 steps"] for r in full]))
    if "2-D (no neighbours)" in results:
        flat = results["2-D (no neighbours)"]
        lines += ["", "**Neighbouring slices by spacing** (3 steps)", "", *HEAD]
        for title, runs in (("five slices", full), ("2-D", flat)):
            lines.append(row(f"1 mm slices, {title}", [r["scores"]["3 steps"] for r in runs], THIN))
            lines.append(row(f"3 to 6.5 mm slices, {title}", [r["scores"]["3 steps"] for r in runs], thick))
    lines += [
        "",
        "**One anatomy at three noise levels**: RMS distance between the images of each two levels, before and after",
        "",
        "| | before | after |",
        "|---|---|---|",
    ]
    for name in ("full", "naive"):
        distances = [r["scores"]["distance between noise levels"] for r in results[name]]
        before, after = (f"{np.mean([d[k] for d in distances]):.4f}" for k in ("before", "after"))
        lines.append(f"| {name} | {before} | {after} |")
    return lines


def main() -> None:
    """Read all results and write the table."""
    results: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted((RUNS / "ablations").glob("*.json")):
        result = json.loads(path.read_text())
        if "variant" in result:
            results[result["variant"]].append(result)
    order = sorted(results, key=lambda name: (name != "full", name != "naive", name))
    lines = table({name: results[name] for name in order})
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
