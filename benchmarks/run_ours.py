"""Run our engines at every standard point and keep the scores in the form that `run_peers.py` uses.

python benchmarks/run_ours.py                        # told the true noise, as the peers are
python benchmarks/run_ours.py --ways estimated best  # estimating it; averaging eight flips and rotations
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import torch
from run_peers import facts, result_file
from scoring import score
from standard_points import KINDS, StandardPoint, points
from volumes import RUNS, add_data_option

from quietvoxel.engines.registry import engine_info
from quietvoxel.inference import InferenceOptions, denoise
from quietvoxel.models import find_model
from quietvoxel.volume import Geometry, Modality, Volume

RESULTS = RUNS / "ours"

#: way -> engine, settings, and whether the engine is told the noise
WAYS: dict[str, tuple[str, dict[str, Any], bool]] = {
    "RelativeFlow": ("relativeflow", {}, True),
    "RelativeFlow 1 step": ("relativeflow", {"steps": 1}, True),
    "RelativeFlow best quality": ("relativeflow", {"best_quality": True}, True),
    "RelativeFlow estimated noise": ("relativeflow", {}, False),
    "DiffDenoise": ("diffdenoise", {}, True),
}
SHORT = {"told": "RelativeFlow", "one": "RelativeFlow 1 step", "best": "RelativeFlow best quality"}
SHORT |= {"estimated": "RelativeFlow estimated noise", "diffdenoise": "DiffDenoise"}


def run_point(point: StandardPoint, way: str) -> dict[str, Any]:
    """Denoise a point and score the result."""
    engine, settings, told = WAYS[way]
    z, y, x = point.spacing_zyx
    volume = Volume(point.noisy, Geometry((x, y, z)), Modality(point.modality))
    sigma = point.sigma_added if told and point.sigma_added > 0 else None
    options = InferenceOptions(sigma=sigma, axis="0")
    began = time.perf_counter()
    wanted = engine_info(engine).settings(**settings)
    result = denoise(volume, None, wanted, options, engine=engine)
    seconds = time.perf_counter() - began
    return {
        "method": way,
        **facts(point),
        "scores": score(point, result.volume.data),
        "seconds": seconds,
        "settings": {**settings, "sigma": result.sigma, "model": result.provenance["model_sha256"][:12]},
        "device": f"{result.provenance['device']}, {result.provenance['precision']}, "
        f"{torch.get_num_threads()} thread(s)",
    }


def main() -> None:
    """Run what has no result yet from the models that are installed now."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_option(parser)
    parser.add_argument("--modality", nargs="+", choices=("MR", "CT"), default=("MR", "CT"))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--ways", nargs="+", choices=tuple(SHORT), default=("told",))
    options = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    for modality in options.modality:
        weights = {
            engine: find_model(engine=engine, modality=modality).sha256[:12]
            for engine in {WAYS[SHORT[w]][0] for w in options.ways}
        }
        for point in points(options.data, modality=modality, kinds=options.kinds):
            for way in (SHORT[w] for w in options.ways):
                path = result_file(RESULTS, point.key, way)
                if (
                    path.exists()
                    and json.loads(path.read_text())["settings"]["model"] == weights[WAYS[way][0]]
                ):
                    continue
                result = run_point(point, way)
                path.write_text(json.dumps(result, indent=1))
                print(
                    point.key, way, f"{result['scores']['psnr']:.2f} dB {result['seconds']:.0f} s", flush=True
                )


if __name__ == "__main__":
    main()
