"""What each part of RelativeFlow brings: small networks, equal budgets, scored against a known truth (MR).

Every variant trains on the same references: anatomy without noise (cleaned training scans and phantoms), each volume
with Rician noise of its own level, 0.01 to 0.05, so that no reference is clean. They are judged on other patients
against the truth. Run `python benchmarks/ablations.py`; it goes on where it was stopped. The table is written to
docs/tables/ablations.md.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from standard_points import SEED, add_rician
from truth_images import TruthImage, cleaned_scan, phantom_images
from truth_scores import TruthPoint, rms, truth_points
from volumes import RUNS, add_data_option, indexed_volumes

from quietvoxel.engines.relative_flow.engine import RelativeFlowEngine
from quietvoxel.engines.relative_flow.settings import RelativeFlowRecipe, RelativeFlowSettings
from quietvoxel.engines.relative_flow.training import RelativeFlowStage
from quietvoxel.phantoms import mr_phantom
from quietvoxel.training.references import Reference
from quietvoxel.training.trainer import TrainingPlan, train_stage

if TYPE_CHECKING:
    from pathlib import Path

SMALL: dict[str, Any] = {"widths": (32, 64, 128), "blocks": (2, 2, 2)}
PLAN: dict[str, Any] = {"max_steps": 1000, "batch": 16, "patch": 64, "ema": 0.99}
PLAN |= {"learning_rate": 1e-3, "matrix_rate": 0.02, "cooldown": 0.3}  # short trainings take large steps
REFERENCES = (
    "adi_MEMPRAGE_trio",
    "openms_patient01_study2_T1W",
    "openms_patient04_study1_T2W",
    "openms_patient12_study1_FLAIR",
    "openms_patient19_study2_T1W",
    "prostatex0000_T2tra_s4",
    "openms_patient03_study2_FLAIR",
    "sts001_T1_native",
)

STEPS: dict[str, Any] = {"3 steps": RelativeFlowSettings(steps=3), "1 step": RelativeFlowSettings(steps=1)}
WAYS: dict[str, Any] = {
    **STEPS,
    "3 steps, identity": RelativeFlowSettings(steps=3, update_rule="identity"),
    "fixed 0.2, 0.1, 0.05": (0.2, 0.1, 0.05),
}

#: name -> what differs from the full recipe, and from the plan
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "full": ({}, {}),
    "naive": ({"loss": "image", "curriculum": False, "degrade_references": False}, {}),
    "no curriculum": ({"curriculum": False}, {}),
    "fixed delta 0.2": ({"curriculum": False, "delta_min": 0.19, "delta_max": 0.21}, {}),
    "Gaussian operator": ({"operator": "gaussian"}, {}),
    "bare velocity loss": ({"loss": "velocity"}, {}),
    "one delta a batch": ({"delta_per_sample": False}, {}),
    "references not degraded first": ({"degrade_references": False}, {}),
    "totals not told": ({"tell_totals": False}, {}),
    "longest delta 10 instead of 3": ({"delta_max": 10.0}, {}),
    "AdamW instead of Muon": ({}, {"optimizer": "adamw", "learning_rate": 2e-3}),
    "neighbours as loud as the slice": ({"quiet_neighbours": False}, {}),
    "three slices": ({"halo": 1}, {}),
    "2-D (no neighbours)": ({"halo": 0}, {}),
}
#: how many seeds; the spread over those of "full" and "naive" says which differences are ties
SEEDS = {"full": 3, "naive": 3, "2-D (no neighbours)": 2}


def noisy_references(data: Path) -> list[Reference]:
    """Anatomy with mixed Rician noise; every volume has one level."""
    clean: list[TruthImage] = [
        cleaned_scan(v) for v in indexed_volumes(data, "train/mr") if v.name in REFERENCES
    ]
    for seed, contrast in ((1001, "T1"), (1002, "T2")):
        volume = mr_phantom((48, 192, 192), (1.0, 1.0, 1.0), seed=seed, contrast=contrast)
        image = volume.as_float32() / np.percentile(volume.data, 99.5).astype(np.float32)
        clean.append(TruthImage(volume.source.format, image, (1.0, 1.0, 1.0)))
    levels = np.linspace(0.01, 0.05, len(clean))
    references = []
    for image, sigma in zip(clean, np.random.default_rng(SEED).permutation(levels), strict=True):
        noisy = add_rician(image.data, float(sigma)).astype(np.float16)
        references.append(Reference(image.name, noisy, image.spacing_ratio, None, float(np.sqrt(noisy.size))))
    return references


def validation(data: Path) -> list[TruthImage]:
    """Phantoms and cleaned scans of other patients."""
    return [*phantom_images("MR"), *[cleaned_scan(v) for v in indexed_volumes(data, "val/mr")]]


class FixedSteps(RelativeFlowEngine):
    """Walks in given steps, whatever the noise."""

    def __init__(self, engine: RelativeFlowEngine, deltas: tuple[float, ...]) -> None:
        super().__init__(engine.network, engine.recipe)
        self.deltas = deltas

    def schedule(self, _settings: RelativeFlowSettings, _sigma: float) -> tuple[float, ...]:
        """The given steps."""
        return self.deltas


def denoised(engine: RelativeFlowEngine, point: TruthPoint, deltas: Any) -> np.ndarray:
    """Denoise a point's slices; `deltas` are settings, or a fixed schedule of steps."""
    if isinstance(deltas, RelativeFlowSettings):
        return point.denoised(engine, deltas)
    return point.denoised(FixedSteps(engine, tuple(deltas)), RelativeFlowSettings())


def scores(engine: RelativeFlowEngine, images: list[TruthImage], ways: dict[str, Any]) -> dict[str, Any]:
    """PSNR against the truth for several ways of integrating, by level and volume."""
    found: dict[str, Any] = {way: {} for way in ways}
    spread: dict[str, list[float]] = {"before": [], "after": []}
    for image in images:
        points = {point.level: point for point in truth_points(image, slices=2)}
        outputs = {}
        for level, point in points.items():
            for way, deltas in ways.items():
                out = denoised(engine, point, deltas)
                found[way][point.name] = point.psnr(out)
                if way == "3 steps":
                    outputs[level] = out
        for a, b in ((0.03, 0.06), (0.06, 0.10), (0.03, 0.10)):
            spread["before"].append(points[a].distance(points[b]))
            spread["after"].append(rms(outputs[a] - outputs[b], points[a].mask))
    found["distance between noise levels"] = {k: round(float(np.mean(v)), 4) for k, v in spread.items()}
    return found


def quiet_lightning() -> None:
    """Let Lightning say only what went wrong."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")


def main() -> None:
    quiet_lightning()
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_option(parser)
    parser.add_argument("--only", nargs="*", help="names of variants")
    options = parser.parse_args()
    folder = RUNS / "ablations"
    folder.mkdir(parents=True, exist_ok=True)
    references, images = noisy_references(options.data), validation(options.data)
    jobs = [(name, seed) for seed in range(3) for name in VARIANTS if seed < SEEDS.get(name, 1)]
    for name, seed in jobs:
        if options.only and name not in options.only:
            continue
        stored = folder / f"{name.replace(' ', '_')}-{seed}.json"
        if stored.exists():
            continue
        began = time.monotonic()
        recipe = RelativeFlowRecipe.model_validate({**SMALL, **VARIANTS[name][0]})
        plan = TrainingPlan(**{**PLAN, **VARIANTS[name][1]}, seed=seed, checkpoint_every=10**9)
        trained = train_stage(
            RelativeFlowStage(recipe),
            references,
            plan,
            folder / f"work-{name}-{seed}".replace(" ", "-"),
            resume=False,
        )
        averaged, last = (RelativeFlowEngine(net, recipe) for net in (trained.averaged, trained.last))
        ways = WAYS if name == "full" else STEPS
        result = {"variant": name, "seed": seed, "scores": scores(averaged, images, ways)}
        if name == "full":
            result["last weights"] = scores(last, images, {"3 steps": WAYS["3 steps"]})
        result["seconds"] = round(time.monotonic() - began)
        stored.write_text(json.dumps(result, indent=1))
        mean = np.mean(list(result["scores"]["3 steps"].values()))
        print(f"{name} seed {seed}: {mean:.2f} dB in 3 steps, {result['seconds']} s", flush=True)


if __name__ == "__main__":
    main()
