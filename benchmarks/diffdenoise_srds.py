"""What the mirrored pair brings: variance over seeds, PSNR against the truth, and the student beside its teacher.

python benchmarks/diffdenoise_srds.py             # both modalities; goes on where it was stopped
python benchmarks/diffdenoise_srds.py --quick     # one point and few seeds, to see that it runs

PSNR of MR has the range 1 (mask as in standard_points.py), of CT the range 400 HU, without clipping. The seconds of
student and teacher are of the same slices in the same run. Results: runs/diffdenoise/srds/*.json.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from diffdenoise_runs import RESULTS, SAMPLED, blind_spot_alone, bundled, denoised, once
from standard_points import SEED, points
from truth_scores import psnr
from volumes import add_data_option

from quietvoxel.engines.diff_denoise.settings import DiffDenoiseSettings
from quietvoxel.errors import QuietVoxelError
from quietvoxel.models import find_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from standard_points import StandardPoint

    from quietvoxel.engines.diff_denoise.engine import DiffDenoiseEngine

TABLE = Path(__file__).parent.parent / "docs" / "tables" / "diffdenoise_srds.md"
SEEDS = 16
STEPS = (10, 20, 50)
SIDE = 256
"""Larger slices are cut to their middle: sampling takes 41 to 401 passes through the network."""
NAMES = {
    "MR": ("phantom-T2-thick", "cleaned-pgbm001_T1post", "cleaned-openms_patient20_study2_FLAIR"),
    "CT": ("phantom-abdomen-3mm", "cleaned-STS_042_ct", "cleaned-STS_048_ct"),
}
LEVELS = {"MR": (0.06,), "CT": (20.0,)}


def unit_of(point: StandardPoint) -> float:
    return 1000.0 if point.modality == "CT" else 1.0


def variance(engine: DiffDenoiseEngine, point: StandardPoint, seeds: int, start: Any) -> dict[str, float]:
    """Spread over seeds at a fixed input: single samples, the mean of two, the mirrored pair; and corr(+, -)."""
    stack, z = point.noisy / unit_of(point), len(point.noisy) // 2
    sigma, mask = point.sigma_added / unit_of(point), point.mask[z]
    zy = point.spacing_zyx
    ratio = zy[0] / (0.5 * (zy[1] + zy[2]))
    pair = SAMPLED.touched(start=start)
    found: dict[str, list[np.ndarray]] = {"plus": [], "minus": [], "two": [], "pair": []}
    for seed in range(seeds):

        def run(settings: DiffDenoiseSettings, seed: int = seed) -> np.ndarray:
            return denoised(engine, stack, z, sigma, ratio, settings, seed).image[0, 0].numpy()[mask]

        mean, plus = run(pair), run(pair.touched(srds=False))
        found["pair"].append(mean)
        found["plus"].append(plus)
        found["minus"].append(2 * mean - plus)  # the pair's mean is half of each
        found["two"].append(run(pair.touched(srds=False, pairs=2)))
    spread = {name: float(np.var(images, axis=0, ddof=1).mean()) for name, images in found.items()}
    plus, minus = (np.array(found[name]) - np.mean(found[name], axis=0) for name in ("plus", "minus"))
    return {
        **{f"variance {name}": value for name, value in spread.items()},
        "pair below two samples by": 1.0 - spread["pair"] / spread["two"],
        "correlation": float((plus * minus).mean() / (plus.std() * minus.std())),
    }


def ways(steps: Sequence[int]) -> dict[str, DiffDenoiseSettings]:
    """Everything that is compared, by name."""
    found = {"student": DiffDenoiseSettings(), "teacher": SAMPLED.touched(ddim_steps=20)}
    for start, count in product(("matched", "noise"), steps):
        own = SAMPLED.touched(start=start, ddim_steps=count)
        found[f"{start}, {count} steps, one sample"] = own.touched(srds=False)
        found[f"{start}, {count} steps, pair"] = own
    found["matched, 20 steps, 4 pairs"] = SAMPLED.touched(ddim_steps=20, pairs=4)
    return found


def gains(engine: DiffDenoiseEngine, point: StandardPoint, steps: Sequence[int]) -> dict[str, Any]:
    """PSNR of single samples and pairs from both starts, of the blind-spot network, the student and its teacher."""
    unit, (dz, dy, dx) = unit_of(point), point.spacing_zyx
    stack, sigma, ratio = point.noisy / unit, point.sigma_added / unit, dz / (0.5 * (dy + dx))
    data_range = 1.0 if point.modality == "MR" else 0.4
    middle = len(stack) // 2
    slices = range(middle - 1, middle + 1)
    found: dict[str, Any] = {"psnr": {}, "seconds": {}}
    truth, mask = point.reference[slices.start : slices.stop] / unit, point.mask[slices.start : slices.stop]
    alone = np.stack([blind_spot_alone(engine, stack, z, sigma, ratio) for z in slices])
    found["psnr"]["noisy"] = psnr(stack[slices.start : slices.stop], truth, mask, data_range)
    found["psnr"]["blind-spot network"] = psnr(alone, truth, mask, data_range)
    for name, settings in ways(steps).items():
        began = time.perf_counter()
        images = [denoised(engine, stack, z, sigma, ratio, settings).image[0, 0].numpy() for z in slices]
        found["seconds"][name] = round((time.perf_counter() - began) / len(images), 3)
        found["psnr"][name] = psnr(np.stack(images), truth, mask, data_range)
    return found


def noise_left(engine: DiffDenoiseEngine, point: StandardPoint) -> dict[str, float]:
    """What two noises on one phantom become, the same noise level told: SD of their difference over that before.

    Signal and noise can be told apart so: what does not differ between the two is signal, right or wrong.
    """
    unit, (dz, dy, dx) = unit_of(point), point.spacing_zyx
    sigma, ratio, z = point.sigma_added / unit, dz / (0.5 * (dy + dx)), len(point.noisy) // 2
    if point.modality == "MR":
        white = sigma * np.random.default_rng(1).standard_normal((2, *point.reference.shape))
        other = np.hypot(point.reference + white[0], white[1]).astype(np.float32)
    else:
        from ct_insertion import inserted_noise

        added = inserted_noise(point.name, point.reference, point.mask, (dy, dx), point.level, SEED + 1)
        other = point.reference + added
    pair = [stack / np.float32(unit) for stack in (point.noisy, other)]
    runs: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "noisy": lambda stack: stack[z],
        "blind-spot network": lambda stack: blind_spot_alone(engine, stack, z, sigma, ratio),
        "student": lambda stack: (
            denoised(engine, stack, z, sigma, ratio, DiffDenoiseSettings()).image[0, 0].numpy()
        ),
        "teacher": lambda stack: denoised(engine, stack, z, sigma, ratio, SAMPLED).image[0, 0].numpy(),
    }
    mask = point.mask[z]
    spread = {name: float(np.std((run(pair[0]) - run(pair[1]))[mask])) for name, run in runs.items()}
    return {name: round(value / spread["noisy"], 4) for name, value in spread.items()}


def cut(point: StandardPoint) -> StandardPoint:
    """The middle of each slice, no larger than `SIDE`."""
    rows, columns = (
        slice(max(0, (length - SIDE) // 2), max(0, (length - SIDE) // 2) + SIDE)
        for length in point.noisy.shape[1:]
    )
    noisy, reference, mask = (
        np.ascontiguousarray(data[:, rows, columns]) for data in (point.noisy, point.reference, point.mask)
    )
    return replace(point, noisy=noisy, reference=reference, mask=mask)


def table(results: Sequence[dict[str, Any]]) -> list[str]:
    """Lines of the table: a column for each point."""
    lines = [
        "| PSNR in dB | " + " | ".join(one["point"] for one in results) + " |",
        "|---" * (1 + len(results)) + "|",
    ]
    lines += [
        f"| {name} | " + " | ".join(f"{one['psnr'][name]:.2f}" for one in results) + " |"
        for name in results[0]["psnr"]
    ]
    seconds = [one["seconds"] for one in results]
    faster = " | ".join(f"{one['teacher'] / one['student']:.0f}" for one in seconds)
    lines += [f"| times that the student is faster | {faster} |", ""]
    for start in ("matched", "noise"):
        for one in results:
            if found := one.get(f"variance, {start}"):
                lines.append(
                    f"- {one['point']}, start {start}, {SEEDS} seeds: the pair's variance is "
                    f"{100 * found['pair below two samples by']:.1f} % below that of two independent samples; "
                    f"corr(+, -) = {found['correlation']:.3f}."
                )
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_data_option(parser)
    parser.add_argument("--modality", nargs="+", choices=("MR", "CT"), default=("MR", "CT"))
    parser.add_argument("--quick", action="store_true", help="one point, 2 seeds, 5 steps; nothing is kept")
    options = parser.parse_args()
    for modality in options.modality:
        engine = bundled(modality)
        weights = find_model(engine="diffdenoise", modality=modality).sha256[:12]
        for point in points(
            options.data,
            modality=modality,
            kinds=("truth",),
            levels=LEVELS[modality],
            names=NAMES[modality][: 1 if options.quick else None],
        ):
            own = cut(point)
            if options.quick:
                print(point.key, gains(engine, own, (5,)), variance(engine, own, 2, "matched"), flush=True)
                continue

            def measure(
                engine: DiffDenoiseEngine = engine, weights: str = weights, point: StandardPoint = own
            ) -> dict[str, Any]:
                result: dict[str, Any] = {"point": point.key, "model": weights, **gains(engine, point, STEPS)}
                if point.name == NAMES[point.modality][0]:
                    for start in ("matched", "noise"):
                        result[f"variance, {start}"] = variance(engine, point, SEEDS, start)
                return result

            result = once(RESULTS / "srds" / f"{weights}-{point.key}.json", measure)
            print(point.key, result["psnr"], flush=True)
            if point.name == NAMES[modality][0]:
                path = RESULTS / "srds" / f"{weights}-{modality}-noise-left.json"
                print(once(path, partial(noise_left, engine, point)), flush=True)
    if not options.quick:
        write_table()


def section_before(modality: str) -> list[str]:
    """What the table says of a modality, for which there is no new result."""
    text = TABLE.read_text(encoding="utf-8") if TABLE.exists() else ""
    _, heading, after = text.partition(f"## {modality}\n")
    own = after.partition("\n## ")[0].strip().splitlines()
    return [heading.strip(), "", *own, ""] if heading else []


def write_table() -> None:
    """Write what is there for the models that are installed now; a modality without a result stays as it was."""
    lines = ["# SRDS, starts, steps and the student", "", __doc__.strip().splitlines()[0], ""]
    lines += [
        "Made by `python benchmarks/diffdenoise_srds.py`. MR: range 1; CT: range 400 HU. Teacher: 20 steps, one",
        "mirrored pair, matched start. The middle 256 x 256 pixels of two slices.",
        "",
    ]
    for modality, names in NAMES.items():
        found = []
        try:
            weights = find_model(engine="diffdenoise", modality=modality).sha256[:12]
        except QuietVoxelError:
            continue
        for name in names:
            for level in LEVELS[modality]:
                path = RESULTS / "srds" / f"{weights}-{modality}-truth-{name}-{level:g}.json"
                if path.exists():
                    found.append(json.loads(path.read_text()))
        if not found:
            lines += section_before(modality)
            continue
        lines += [f"## {modality}", "", *table(found)]
        path = RESULTS / "srds" / f"{weights}-{modality}-noise-left.json"
        if path.exists():
            said = ", ".join(f"{name} {share:.2f}" for name, share in json.loads(path.read_text()).items())
            lines += [f"Noise left (SD of the difference of two noises on the first phantom): {said}.", ""]
    TABLE.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
