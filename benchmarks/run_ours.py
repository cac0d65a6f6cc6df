"""Run our engines at every standard point and keep the scores in the form that `run_peers.py` uses.

python benchmarks/run_ours.py                        # told the true noise, as the peers are
python benchmarks/run_ours.py --ways estimated best  # estimating it; averaging eight flips and rotations
QUIETVOXEL_MODELS=runs/models python benchmarks/run_ours.py --ways plain   # a model that is not bundled
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, field
from typing import Any

import torch
from run_peers import facts, result_file
from scoring import score
from standard_points import KINDS, StandardPoint, points
from volumes import RUNS, add_data_option

from quietvoxel.engines.registry import engine_info
from quietvoxel.inference import InferenceOptions, denoise
from quietvoxel.models import ModelCard, find_model
from quietvoxel.volume import Geometry, Modality, Volume

RESULTS = RUNS / "ours"


@dataclass(frozen=True)
class Way:
    """One way to denoise; `told` says whether it is told the noise, `model` is named where it is no bundled one."""

    name: str
    engine: str = "relativeflow"
    settings: dict[str, Any] = field(default_factory=dict)
    told: bool = True
    model: str = ""

    def card(self, modality: str) -> ModelCard:
        """The model it uses."""
        name = self.model.format(modality=modality.lower()) or None
        return find_model(name, engine=self.engine, modality=modality)


#: short name -> way
WAYS = {
    "told": Way("RelativeFlow"),
    "one": Way("RelativeFlow 1 step", settings={"steps": 1}),
    "best": Way("RelativeFlow best quality", settings={"best_quality": True}),
    "estimated": Way("RelativeFlow estimated noise", told=False),
    "diffdenoise": Way("DiffDenoise", "diffdenoise"),
    "fdn": Way("FDN", "fdn"),
    "fdn-predicted": Way("FDN predicted", "fdn", {"noise_latent": "predicted"}),
    "plain": Way("plain network", settings={"steps": 1}, model="plain-{modality}"),
}


def run_point(point: StandardPoint, way: Way) -> dict[str, Any]:
    """Denoise a point and score the result."""
    z, y, x = point.spacing_zyx
    volume = Volume(point.noisy, Geometry((x, y, z)), Modality(point.modality))
    sigma = point.sigma_added if way.told and point.sigma_added > 0 else None
    options = InferenceOptions(sigma=sigma, axis="0")
    began = time.perf_counter()
    wanted = engine_info(way.engine).settings(**way.settings)
    result = denoise(volume, way.card(point.modality), wanted, options)
    seconds = time.perf_counter() - began
    return {
        "method": way.name,
        **facts(point),
        "scores": score(point, result.volume.data),
        "seconds": seconds,
        "settings": {**way.settings, "sigma": result.sigma, "model": result.provenance["model_sha256"][:12]},
        "device": f"{result.provenance['device']}, {result.provenance['precision']}, "
        f"{torch.get_num_threads()} thread(s)",
    }


def main() -> None:
    """Run what has no result yet from the models that are installed now."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_option(parser)
    parser.add_argument("--modality", nargs="+", choices=("MR", "CT"), default=("MR", "CT"))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--ways", nargs="+", choices=tuple(WAYS), default=("told",))
    options = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    for modality in options.modality:
        ways = [WAYS[one] for one in options.ways]
        weights = {way.name: way.card(modality).sha256[:12] for way in ways}
        for point in points(options.data, modality=modality, kinds=options.kinds):
            for way in ways:
                path = result_file(RESULTS, point.key, way.name)
                if path.exists() and json.loads(path.read_text())["settings"]["model"] == weights[way.name]:
                    continue
                result = run_point(point, way)
                path.write_text(json.dumps(result, indent=1))
                print(
                    point.key,
                    way.name,
                    f"{result['scores']['psnr']:.2f} dB {result['seconds']:.0f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
