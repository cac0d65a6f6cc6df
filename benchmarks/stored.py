"""Scores that were measured once and are kept with the project, beside those still lying in runs/."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from volumes import RUNS

STORED = Path(__file__).parent / "scores.jsonl"

Result = dict[str, Any]
Key = tuple[str, str, float, str, str]


def key_of(result: Result) -> Key:
    """Modality, kind, level, volume, method: what a score belongs to."""
    return (result["modality"], result["kind"], result["level"], result["name"], result["method"])


def all_results() -> dict[Key, Result]:
    """Every score; a new one in runs/ wins over the kept one."""
    kept = [json.loads(line) for line in STORED.read_text().splitlines()] if STORED.exists() else []
    new = [
        json.loads(path.read_text())
        for folder in ("peers", "ours")
        for path in sorted((RUNS / folder).glob("*.json"))
    ]
    return {key_of(result): result for result in (*kept, *new)}


def keep(results: dict[Key, Result]) -> None:
    """Write all scores, one a line, in an order that does not change."""
    lines = [json.dumps(results[key], sort_keys=True) for key in sorted(results)]
    STORED.write_text("\n".join(lines) + "\n")
