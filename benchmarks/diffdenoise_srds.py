"""What the mirrored pair brings: variance over seeds, PSNR against the truth, and the student beside its teacher.

python benchmarks/diffdenoise_srds.py             # both modalities; goes on where it was stopped
python benchmarks/diffdenoise_srds.py --quick     # one point and few seeds, to see that it runs

PSNR of MR has the range 1 (mask as in standard_points.py), of CT the range 400 HU, without clipping. The seconds of
student and teacher are of the same slices in the same run. Results: runs/diffdenoise/srds/*.json.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from diffdenoise_runs import RESULTS, SAMPLED, blind_spot_alone, bundled, denoised, once
from standard_points import points
from truth_scores import psnr
from volumes import add_data_option

from quietvoxel.engines.diff_denoise.settings import DiffDenoiseSettings
from quietvoxel.models import find_model

if TYPE_CHECKING:
    from standard_points import StandardPoint

    from quietvoxel.engines.diff_denoise.engine import DiffDenoiseEngine

SEEDS = 16
STEPS = (10, 20, 50)
STRENGTHS = (0.25, 0.5, 0.75, 1.5, 2.0, 3.0)
"""Other starts than the matched one: where the best one is not at 1, the recipe's `start_power` is to be changed."""


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


def gains(engine: DiffDenoiseEngine, point: StandardPoint, steps: tuple[int, ...]) -> dict[str, Any]:
    """PSNR of single samples and pairs from both starts, of the blind-spot network, the student and its teacher."""
    unit, (dz, dy, dx) = unit_of(point), point.spacing_zyx
    stack, sigma, ratio = point.noisy / unit, point.sigma_added / unit, dz / (0.5 * (dy + dx))
    data_range = 1.0 if point.modality == "MR" else 0.4
    middle = len(stack) // 2
    slices = range(middle - 1, middle + 1)
    ways: dict[str, DiffDenoiseSettings] = {"student": DiffDenoiseSettings()}
    for start in ("matched", "noise"):
        for count in steps:
            for pairs in (1, 4):
                way = SAMPLED.touched(start=start, ddim_steps=count, pairs=pairs)
                ways[f"{start}, {count} steps, {pairs} pair(s)"] = way
            ways[f"{start}, {count} steps, one sample"] = SAMPLED.touched(
                start=start, ddim_steps=count, srds=False
            )
    for strength in STRENGTHS:
        ways[f"matched, 20 steps, strength {strength:g}"] = SAMPLED.touched(strength=strength)
        ways[f"student, strength {strength:g}"] = DiffDenoiseSettings(strength=strength)
    found: dict[str, Any] = {"psnr": {}, "seconds": {}}
    truth, mask = point.reference[slices.start : slices.stop] / unit, point.mask[slices.start : slices.stop]
    alone = np.stack([blind_spot_alone(engine, stack, z, sigma, ratio) for z in slices])
    found["psnr"]["noisy"] = psnr(stack[slices.start : slices.stop], truth, mask, data_range)
    found["psnr"]["blind-spot network"] = psnr(alone, truth, mask, data_range)
    for name, settings in ways.items():
        began = time.perf_counter()
        images = [denoised(engine, stack, z, sigma, ratio, settings).image[0, 0].numpy() for z in slices]
        found["seconds"][name] = round((time.perf_counter() - began) / len(images), 3)
        found["psnr"][name] = psnr(np.stack(images), truth, mask, data_range)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_option(parser)
    parser.add_argument("--modality", nargs="+", choices=("MR", "CT"), default=("MR", "CT"))
    parser.add_argument(
        "--quick", action="store_true", help="the first point, 2 seeds, 5 steps; nothing is kept"
    )
    options = parser.parse_args()
    for modality in options.modality:
        engine = bundled(modality)
        weights = find_model(engine="diffdenoise", modality=modality).sha256[:12]
        levels = (0.06,) if modality == "MR" else (20.0,)
        for number, point in enumerate(
            points(options.data, modality=modality, kinds=("truth",), levels=levels)
        ):
            if options.quick:
                print(
                    point.key, gains(engine, point, (5,)), variance(engine, point, 2, "matched"), flush=True
                )
                break

            def measure(
                engine: DiffDenoiseEngine = engine,
                weights: str = weights,
                point: StandardPoint = point,
                number: int = number,
            ) -> dict[str, Any]:
                result: dict[str, Any] = {"point": point.key, "model": weights, **gains(engine, point, STEPS)}
                if number < 2:
                    for start in ("matched", "noise"):
                        result[f"variance, {start}"] = variance(engine, point, SEEDS, start)
                return result

            result = once(RESULTS / "srds" / f"{weights}-{point.key}.json", measure)
            print(point.key, result["psnr"], flush=True)


if __name__ == "__main__":
    main()
