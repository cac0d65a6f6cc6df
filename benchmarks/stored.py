"""Scores that were measured once and are kept with the project, beside those still lying in runs/."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from volumes import RUNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

STORED = Path(__file__).parent / "scores.jsonl"

Result = dict[str, Any]
Key = tuple[str, str, float, str, str]


def key_of(result: Result) -> Key:
    """Modality, kind, level, volume, method: what a score belongs to."""
    return (result["modality"], result["kind"], result["level"], result["name"], result["method"])


def merged(kept: Path, new: Iterable[Path], key: Callable[[Result], Any]) -> dict[Any, Result]:
    """Results by their keys: the kept ones, one a line, and new ones, a file each, which win."""
    lines = kept.read_text(encoding="utf-8").splitlines() if kept.exists() else []
    texts = (*lines, *(path.read_text(encoding="utf-8") for path in new))
    return {key(one): one for one in map(json.loads, texts)}


def all_results() -> dict[Key, Result]:
    """Every score; a new one in runs/ wins over the kept one."""
    new = (path for folder in ("peers", "ours") for path in sorted((RUNS / folder).glob("*.json")))
    return merged(STORED, new, key_of)


def keep(results: dict[Any, Result], path: Path = STORED) -> None:
    """Write all results, one a line, in an order that does not change."""
    lines = [json.dumps(results[key], sort_keys=True) for key in sorted(results)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
