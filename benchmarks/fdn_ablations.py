"""What each part of FDN brings: small networks, equal budgets, scored against a known truth (MR).

References, truth and noise are those of `ablations.py`. The table of the seed (depth, split) is repeated in our
setting, and "squeeze is indispensable" is tried by masked couplings at full resolution with the same share of z_C.
Run `python benchmarks/fdn_ablations.py`; it goes on where it was stopped. Results: runs/fdn-ablations/*.json.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from ablations import noisy_references, quiet_lightning, validation
from truth_scores import truth_points
from volumes import RUNS, add_data_option

from quietvoxel.engines.fdn.engine import FDNEngine
from quietvoxel.engines.fdn.settings import FDNRecipe, FDNSettings
from quietvoxel.engines.fdn.training import FDNStage
from quietvoxel.engines.relative_flow.engine import RelativeFlowEngine
from quietvoxel.engines.relative_flow.settings import RelativeFlowRecipe, RelativeFlowSettings
from quietvoxel.engines.relative_flow.training import RelativeFlowStage
from quietvoxel.training.trainer import TrainingPlan, train_stage

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from truth_images import TruthImage

    from quietvoxel.engines.contract import Engine

SMALL: dict[str, Any] = {"widths": (32,), "latent_widths": (48, 96)}
#: the flow as published: nothing but z_N is taken away
BARE: dict[str, Any] = {"shrink_content": False, "predicted_share": 0.0}
PLAN: dict[str, Any] = {"max_steps": 1000, "batch": 8, "patch": 64}

#: name -> what differs from the full recipe
VARIANTS: dict[str, dict[str, Any]] = {
    "full": {},
    "content not shrunk": {"shrink_content": False},
    "bare flow": BARE,
    **{
        f"{blocks} x {steps}": {"blocks": blocks, "steps": steps}
        for blocks in (1, 2, 3)
        for steps in (4, 8)
        if (blocks, steps) != (2, 8)
    },
    **{f"content {parts} of 8": {"content": parts / 8} for parts in (1, 2, 4, 7)},
    **{f"bare, content {parts} of 8": {**BARE, "content": parts / 8} for parts in (1, 2, 4, 7)},
    **{
        f"bare {blocks} x {steps}": {**BARE, "blocks": blocks, "steps": steps}
        for blocks in (1, 2, 3)
        for steps in (4, 8)
        if (blocks, steps) != (2, 8)
    },
    "no squeeze (checkerboard)": {"masks": "checkerboard"},
    "bare, no squeeze (checkerboard)": {**BARE, "masks": "checkerboard"},
    "always zero": {"predicted_share": 0.0},
    "always predicted": {"predicted_share": 1.0},
    "L1": {"reconstruction": "l1"},
    "L2": {"reconstruction": "l2"},
    "no likelihood": {"weight_likelihood": 0.0},
    "likelihood x 10": {"weight_likelihood": 0.1},
    "z_N to the prior's mean": {"weight_noise_latent": 0.01},
    "z_N to the noise": {"weight_noise_latent": 0.01, "noise_latent_target": "noise"},
    "content consistency": {"weight_consistency": 0.1},
    "SSIM": {"weight_ssim": 0.5},
    "2-D (no neighbours)": {"halo": 0},
    "sub-networks on 2 x 2 blocks": {"grid": 2},
    "noisier references": {"noisier_references": True},
}
#: how many seeds; the spread over those of "full" and "plain" says which differences are ties
SEEDS = {"full": 3, "plain": 3}
WAYS: dict[str, FDNSettings] = {
    "zero": FDNSettings(),
    "predicted": FDNSettings(noise_latent="predicted"),
    "sampled, mean of 1": FDNSettings(noise_latent="sampled", samples=1),
    "sampled, mean of 8": FDNSettings(noise_latent="sampled"),
}


def parameters(network: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def plain_stage(wanted: int, recipe: FDNRecipe) -> RelativeFlowStage:
    """The plain convolutional network of the recipe's pairs whose number of parameters comes nearest."""
    stages = [
        RelativeFlowStage(
            RelativeFlowRecipe(
                halo=recipe.halo,
                widths=(width, 2 * width, 4 * width),
                blocks=(2, 2, 2),
                delta_min=recipe.delta_min,
                delta_max=recipe.delta_max,
                curriculum=False,
                degrade_references=False,
            )
        )
        for width in range(16, 65, 4)
    ]
    return min(stages, key=lambda stage: abs(parameters(stage.build()) - wanted))


def scores(engine: Engine, images: list[TruthImage], ways: dict[str, Any]) -> dict[str, dict[str, float]]:
    """PSNR against the truth, by level and volume."""
    found: dict[str, dict[str, float]] = {way: {} for way in ways}
    for image in images:
        for point in truth_points(image, slices=1):
            for way, settings in ways.items():
                found[way][point.name] = point.psnr(point.denoised(engine, settings))
    return found


def run(name: str, seed: int, references: Any, images: list[TruthImage], folder: Path) -> dict[str, Any]:
    """Train and score one variant."""
    began = time.monotonic()
    recipe = FDNRecipe.model_validate({**SMALL, **VARIANTS.get(name, {})})
    stage: Any = FDNStage(recipe)
    if name == "plain":
        stage = plain_stage(parameters(stage.build()), recipe)
    plan = TrainingPlan(**PLAN, seed=seed, checkpoint_every=10**9)
    network: Any = train_stage(
        stage, references, plan, folder / f"work-{name}-{seed}".replace(" ", "-"), resume=False
    ).averaged
    trained = time.monotonic() - began
    if name == "plain":
        engine: Engine = RelativeFlowEngine(network, stage.recipe)
        ways: dict[str, Any] = {"zero": RelativeFlowSettings(steps=1)}
    else:
        engine = FDNEngine(network, recipe)
        ways = WAYS if name == "full" else {way: WAYS[way] for way in ("zero", "predicted")}
    return {
        "variant": name,
        "seed": seed,
        "parameters": parameters(network),
        "scores": scores(engine, images, ways),
        "training_seconds": round(trained),
    }


def main() -> None:
    quiet_lightning()
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_option(parser)
    parser.add_argument("--only", nargs="*", help="names of variants")
    options = parser.parse_args()
    folder = RUNS / "fdn-ablations"
    folder.mkdir(parents=True, exist_ok=True)
    references, images = noisy_references(options.data), validation(options.data)
    names = ["full", "plain", *[name for name in VARIANTS if name != "full"]]
    for name, seed in [(name, seed) for seed in range(3) for name in names if seed < SEEDS.get(name, 1)]:
        stored = folder / f"{name.replace(' ', '_')}-{seed}.json"
        if (options.only and name not in options.only) or stored.exists():
            continue
        result = run(name, seed, references, images, folder)
        stored.write_text(json.dumps(result, indent=1))
        means = {way: round(float(np.mean(list(s.values()))), 2) for way, s in result["scores"].items()}
        print(f"{name} seed {seed}: {means} dB, {result['training_seconds']} s", flush=True)


if __name__ == "__main__":
    main()
