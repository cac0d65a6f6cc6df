"""Run every peer at every standard point and keep the scores, one file each, so that a stop loses nothing.

OMP_NUM_THREADS=1 nice -n 19 python benchmarks/run_peers.py    # cheap peers first, BM4D last
OMP_NUM_THREADS=1 nice -n 19 python benchmarks/run_peers.py --modality MR --peers BM4D --kinds truth
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK
from peers import PEERS, told, tuned_settings
from scoring import clean_image_psnr, score
from standard_points import KINDS, StandardPoint, points
from stored import all_results
from volumes import RUNS, add_data_option

if TYPE_CHECKING:
    from pathlib import Path

    from peers import Settings

RESULTS = RUNS / "peers"


def result_file(folder: Path, key: str, method: str) -> Path:
    """Name the file that holds the scores of a method at a point."""
    return folder / f"{key}--{method.replace(' ', '_')}.json"


def facts(point: StandardPoint) -> dict[str, str | float | bool | None]:
    """Collect what a table has to know of a point; goes into every result file."""
    clean = clean_image_psnr(point)
    return {
        "name": point.name,
        "modality": point.modality,
        "kind": point.kind,
        "level": point.level,
        "counts": bool(point.counts),
        "sigma_added": float(point.sigma_added),
        "sigma_ref": float(point.sigma_ref),
        "clean_image_psnr": None if clean == float("inf") else float(clean),
    }


def around_mask(point: StandardPoint, margin: int = 16) -> StandardPoint:
    """Cut the air off in plane: scores look inside the mask only, and peers see no further than the margin."""
    rows, columns = (np.flatnonzero(point.mask.any(axis=axes)) for axes in ((0, 2), (0, 1)))
    inside = (
        slice(None),
        slice(max(0, rows[0] - margin), rows[-1] + margin + 1),
        slice(max(0, columns[0] - margin), columns[-1] + margin + 1),
    )
    return replace(
        point, noisy=point.noisy[inside], reference=point.reference[inside], mask=point.mask[inside]
    )


def run_peer(point: StandardPoint, peer: str, settings: Settings) -> dict[str, object]:
    """Denoise a point with a peer and score the result."""
    point = around_mask(point)
    known = told(point)
    start = time.perf_counter()
    image = PEERS[peer](known, settings)
    seconds = time.perf_counter() - start
    return {
        "method": peer,
        **facts(point),
        "scores": score(point, image),
        "seconds": seconds,
        "settings": settings,
        "device": f"CPU, {os.environ.get('OMP_NUM_THREADS', 'all')} thread(s)",
    }


def main() -> None:
    """Run what has no result yet."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    add_data_option(parser)
    parser.add_argument("--modality", nargs="+", choices=("MR", "CT"), default=("MR", "CT"))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--levels", nargs="+", type=float, help="only these noise levels")
    parser.add_argument("--counted", action="store_true", help="only points that count for ranking")
    parser.add_argument("--peers", nargs="+", choices=tuple(PEERS), default=tuple(PEERS))
    options = parser.parse_args()
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    RESULTS.mkdir(parents=True, exist_ok=True)
    measured = all_results()
    for peer in options.peers:
        for modality in options.modality:
            for point in points(options.data, modality=modality, kinds=options.kinds, levels=options.levels):
                path = result_file(RESULTS, point.key, peer)
                known = (modality, point.kind, float(point.level), point.name, peer) in measured
                if known or path.exists() or (options.counted and not point.counts):
                    continue
                result = run_peer(point, peer, tuned_settings(modality, peer, point.sigma_added))
                path.write_text(json.dumps(result, indent=1))
                scores = result["scores"]
                print(point.key, peer, f"{scores['psnr']:.2f} dB {result['seconds']:.0f} s", flush=True)


if __name__ == "__main__":
    main()
