"""Find each peer's best settings on training volumes and store them in `peer_settings.json`.

    OMP_NUM_THREADS=1 nice -n 19 python benchmarks/tune_peers.py

One setting after the other is varied, twice round, in 2-D and in 3-D, on crops of scans with little noise of
their own and of a phantom; what counts is the mean PSNR. Every level and modality has settings of its own.
BM4D has no settings but the noise, which it is told.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from ct_insertion import inserted_noise
from peers import PEERS, SETTINGS_FILE, Settings, Told, told
from scoring import score
from standard_points import CT_LEVELS, MR_LEVELS, SEED, StandardPoint, add_rician, scan_reference
from volumes import add_data_option, indexed_volumes

from quietvoxel.phantoms import ct_phantom, mr_phantom
from quietvoxel.quality import body_mask, foreground_mask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

#: Training volumes with little noise of their own, thin and thick, several anatomies.
TUNED_ON = {
    "MR": ("adi_MEMPRAGE_trio", "openms_patient12_study1_T1W", "prostatex0000_T2sag_s3"),
    "CT": ("STS_028_ct", "STS_019_ct", "totalseg_abdomen_part"),
}
CROP = (12, 112, 112)

GRIDS: dict[str, dict[str, list[Any]]] = {
    "total variation": {
        "weight": [1.0, 0.4, 0.7, 1.4, 2.0, 2.8],
        "stabilise": [True, False],
    },
    "anisotropic diffusion": {
        "iterations": [10, 1, 2, 3, 5, 20],
        "conductance": [3.0, 0.5, 1.0, 2.0, 5.0],
        "stabilise": [True, False],
    },
    "non-local means": {
        "patch_size": [3, 5],
        "h": [0.8, 0.4, 0.6, 1.0, 1.3, 1.7],
        "sigma": [1.0, 0.5, 0.0],
        "patch_distance": [5, 7],
        "stabilise": [True, False],
    },
}


def _cropped(point: StandardPoint) -> StandardPoint:
    """Cut out the part of a point around the middle of its mask."""
    middle = [int(np.median(index)) for index in np.nonzero(point.mask)]
    middle[0] = len(point.mask) // 2
    cut = tuple(
        slice(first, first + size)
        for size, first in (
            (size, max(0, min(centre - size // 2, n - size)))
            for size, centre, n in zip(CROP, middle, point.mask.shape, strict=True)
        )
    )
    return replace(point, noisy=point.noisy[cut], reference=point.reference[cut], mask=point.mask[cut])


def _references(data: Path, modality: str) -> Iterator[tuple[str, Any, tuple[float, float, float]]]:
    for volume in indexed_volumes(data, f"train/{modality.lower()}"):
        if volume.name in TUNED_ON[modality]:
            image, _, spacing = scan_reference(volume)
            yield volume.name, image, spacing
    if modality == "MR":
        phantom = mr_phantom((16, 192, 192), (1.5, 1.2, 1.2), seed=80001, contrast="T2").as_float32()
        yield "phantom", phantom / np.percentile(phantom, 99.5), (1.5, 1.2, 1.2)
    else:
        phantom = ct_phantom((16, 256, 256), (3.0, 1.4, 1.4), seed=80001, centre_z_mm=-60.0).as_float32()
        yield "phantom", phantom, (3.0, 1.4, 1.4)


def tuning_points(data: Path, modality: str, level: float) -> Iterator[tuple[StandardPoint, Told]]:
    """Yield crops of the tuning volumes at one noise level, with what a peer may know of them."""
    for name, reference, spacing in _references(data, modality):
        if modality == "MR":
            noisy, mask = add_rician(reference, level), foreground_mask(reference)
        else:
            mask = body_mask(reference)
            noisy = reference + inserted_noise(name, reference, mask, spacing[1:], level, SEED)
        point = StandardPoint(
            name, modality, "scan", level, noisy, reference, mask, level, 0.0, spacing, counts=True
        )
        crop = _cropped(point)
        yield crop, told(crop)


def searched(
    starts: Sequence[Settings],
    grid: dict[str, list[Any]],
    quality: Callable[[Settings], float],
    rounds: int = 2,
) -> tuple[Settings, float]:
    """Vary one setting after the other and keep what is best; returns the settings and their quality.

    `starts` hold what is not varied; every one is followed, from the first values of the grid.
    """
    tried: dict[str, float] = {}

    def known(settings: Settings) -> float:
        key = json.dumps(settings, sort_keys=True)
        if key not in tried:
            tried[key] = quality(settings)
        return tried[key]

    ends = []
    for start in starts:
        best: Settings = {**start, **{name: values[0] for name, values in grid.items()}}
        for _ in range(rounds):
            before = dict(best)
            for name, values in grid.items():
                best = max(({**best, name: value} for value in values), key=known)
            if best == before:
                break
        ends.append(best)
    best = max(ends, key=known)
    return best, known(best)


def tune(peer: str, points: list[tuple[StandardPoint, Told]]) -> tuple[Settings, float]:
    """Find the settings of a peer in 2-D and in 3-D; returns the better and the mean PSNR, dB."""
    grid = dict(GRIDS[peer])
    if points[0][0].modality == "CT":
        grid["stabilise"] = [False]

    def quality(settings: Settings) -> float:
        return float(np.mean([score(p, PEERS[peer](t, settings))["psnr"] for p, t in points]))

    return searched([{"dims": 2}, {"dims": 3}], grid, quality)


def main() -> None:
    """Tune every peer at every level; what is stored already is kept."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    add_data_option(parser)
    parser.add_argument("--modality", nargs="+", choices=("MR", "CT"), default=("MR", "CT"))
    parser.add_argument("--again", action="store_true", help="tune anew what is stored already")
    options = parser.parse_args()
    stored: dict[str, Any] = {"settings": {}}
    if SETTINGS_FILE.exists():
        stored = json.loads(SETTINGS_FILE.read_text())
    stored["command"] = "python benchmarks/tune_peers.py"
    stored["tuned_on"] = {m: [*names, "phantom"] for m, names in TUNED_ON.items()}
    for modality in options.modality:
        points = {
            level: list(tuning_points(options.data, modality, level))
            for level in (MR_LEVELS if modality == "MR" else CT_LEVELS)
        }
        for peer in GRIDS:
            levels = stored["settings"].setdefault(modality, {}).setdefault(peer, {})
            for level, at_level in points.items():
                if f"{level:g}" in levels and not options.again:
                    continue
                start = time.perf_counter()
                best, psnr = tune(peer, at_level)
                levels[f"{level:g}"] = {"settings": best, "psnr": round(psnr, 3)}
                SETTINGS_FILE.write_text(json.dumps(stored, indent=1) + "\n")
                print(
                    f"{modality} {peer} {level:g}: {psnr:.2f} dB {best} {time.perf_counter() - start:.0f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
