"""What each part of FDN brings: small networks, equal budgets, scored against a known truth (MR).

References, truth and noise are those of `ablations.py`. The table of the seed (depth, split) is repeated in our
setting, and "squeeze is indispensable" is tried by masked couplings at full resolution with the same share of z_C.
Run `python benchmarks/fdn_ablations.py`; it goes on where it was stopped. Results: runs/fdn-ablations/*.json.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ablations import noisy_references, quiet_lightning, validation
from truth_scores import LEVELS, truth_points
from volumes import RUNS, add_data_option

from quietvoxel.engines.fdn.engine import FDNEngine
from quietvoxel.engines.fdn.settings import FDNRecipe, FDNSettings
from quietvoxel.engines.fdn.training import FDNStage
from quietvoxel.engines.relative_flow.engine import RelativeFlowEngine
from quietvoxel.engines.relative_flow.settings import RelativeFlowRecipe, RelativeFlowSettings
from quietvoxel.engines.relative_flow.training import RelativeFlowStage
from quietvoxel.training.trainer import TrainingPlan, train_stage

if TYPE_CHECKING:
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
    **{
        f"{blocks} x {steps}": {"blocks": blocks, "steps": steps}
        for blocks in (1, 2, 3)
        for steps in (4, 8)
        if (blocks, steps) != (2, 8)
    },
    **{f"content {parts} of 8": {"content": parts / 8} for parts in (1, 2, 4, 7)},
    "no squeeze (checkerboard)": {"masks": "checkerboard"},
    "content not shrunk": {"shrink_content": False},
    "bare flow": BARE,
    **{f"bare, content {parts} of 8": {**BARE, "content": parts / 8} for parts in (1, 2, 4, 7)},
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
NAMES = ("full", "plain", *[name for name in VARIANTS if name != "full"])
TABLE = Path(__file__).parent.parent / "docs" / "tables" / "fdn_ablations.md"
WAYS: dict[str, FDNSettings] = {
    "zero": FDNSettings(shifts=1),
    "predicted": FDNSettings(shifts=1, noise_latent="predicted"),
    "sampled, mean of 1": FDNSettings(shifts=1, noise_latent="sampled", samples=1),
    "sampled, mean of 8": FDNSettings(shifts=1, noise_latent="sampled"),
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
    for name, seed in runs():
        stored = folder / f"{name.replace(' ', '_')}-{seed}.json"
        if (options.only and name not in options.only) or stored.exists():
            continue
        result = run(name, seed, references, images, folder)
        stored.write_text(json.dumps(result, indent=1))
        means = {way: round(float(np.mean(list(s.values()))), 2) for way, s in result["scores"].items()}
        print(f"{name} seed {seed}: {means} dB, {result['training_seconds']} s", flush=True)
        write_table(folder)


def runs() -> list[tuple[str, int]]:
    """What is trained, in this order: those with several seeds first, whose spread says what a tie is."""
    return [(name, seed) for name in NAMES for seed in range(SEEDS.get(name, 1))]


def mean_at(scores: dict[str, float], level: float) -> float:
    """Over the images, at one level of noise."""
    return float(np.mean([psnr for name, psnr in scores.items() if name.endswith(f"@{level:g}")]))


def write_table(folder: Path) -> None:
    """Write what there is so far."""
    lines = [
        "# What each part of FDN brings",
        "",
        f"Made by `python benchmarks/fdn_ablations.py`: small networks, {PLAN['max_steps']} steps of {PLAN['batch']}",
        f"patches of {PLAN['patch']} x {PLAN['patch']}, MR; the noisy references, truth and noise are those of",
        "[ablations.md](ablations.md). PSNR in dB at noise 0.03 / 0.06 / 0.10, mean over the images, by what",
        "becomes of z_N. Where there are several seeds: mean, and in brackets the greatest difference between two",
        "of them. Time is of training on one thread, other programs running.",
        "",
        "| variant | parameters | z_N zero | z_N predicted | time, s |",
        "|---|---|---|---|---|",
    ]
    for name in NAMES:
        paths = [folder / f"{name.replace(' ', '_')}-{seed}.json" for seed in range(SEEDS.get(name, 1))]
        results = [json.loads(path.read_text()) for path in paths if path.exists()]
        if not results:
            continue
        ways = [way for way in WAYS if way in results[0]["scores"]]
        cells = {}
        for way in ways:
            levels = [[mean_at(one["scores"][way], level) for one in results] for level in LEVELS]
            spread = max(float(np.ptp(values)) for values in levels)
            said = f" ({spread:.2f})" if len(results) > 1 else ""
            cells[way] = " / ".join(f"{np.mean(values):.2f}" for values in levels) + said
        seconds = np.mean([one["training_seconds"] for one in results])
        row = [
            name,
            str(results[0]["parameters"]),
            cells["zero"],
            cells.get("predicted", ""),
            f"{seconds:.0f}",
        ]
        lines.append(f"| {' | '.join(row)} |")
        lines += [f"| {name}, {way} |  | {cells[way]} |  |  |" for way in ways if way.startswith("sampled")]
    TABLE.write_text("\n".join([*lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
