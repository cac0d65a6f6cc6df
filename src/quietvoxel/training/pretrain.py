"""Train the bundled models: `python -m quietvoxel.training.pretrain ENGINE --modality ct --data DIR`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from quietvoxel.engines.fdn.training import FDNStage
from quietvoxel.engines.relative_flow.training import RelativeFlowStage
from quietvoxel.errors import BadInputError, QuietVoxelError
from quietvoxel.models import load_tensors
from quietvoxel.models.store import BUNDLED, model_named
from quietvoxel.networks.weights import load_network
from quietvoxel.phantoms import ct_phantom, mr_phantom
from quietvoxel.training.diff_denoise import SHARES, STACKS, train_diff_denoise, trained_so_far
from quietvoxel.training.export import export_model, tensors_of
from quietvoxel.training.prepare import load_references, read_references
from quietvoxel.training.recipes import (
    diff_denoise_recipe_for,
    fdn_recipe_for,
    interpolated_recipe_for,
    plain_recipe_for,
    recipe_for,
)
from quietvoxel.training.trainer import TrainingPlan, train_stage
from quietvoxel.volume import Modality, Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from quietvoxel.engines.contract import TrainingStage
    from quietvoxel.models import ModelCard
    from quietvoxel.phantoms import MRContrast
    from quietvoxel.training.references import Reference

PHANTOM_SPACINGS = ((1.0, 1.0, 1.0), (0.7, 0.7, 0.7), (3.0, 0.9, 0.9), (1.6, 0.8, 0.8))
"""Phantoms add thin slices with known truth, of which public scans have few: (z, y, x) mm."""

TRAINING_DATA = {
    "CT": [
        "TCIA NSCLC Radiogenomics (CC BY 3.0)",
        "TCIA Lung-PET-CT-Dx (CC BY 4.0)",
        "TotalSegmentator test CT (Apache-2.0)",
        "TCIA Soft-tissue-Sarcoma (CC BY 3.0)",
        "TCIA COVID-19-NY-SBU (CC BY 4.0)",
        "QuietVoxel phantoms (Apache-2.0)",
    ],
    "MR": [
        "Longitudinal MS lesion database, Lesjak et al. (CC BY)",
        "TCIA PROSTATEx (CC BY 4.0)",
        "TCIA Soft-tissue-Sarcoma (CC BY 3.0)",
        "FNNDSC volunteer brain (Apache-2.0)",
        "QuietVoxel phantoms (Apache-2.0)",
    ],
}


def phantom_volumes(modality: Modality, count: int) -> list[tuple[str, Volume]]:
    """Phantoms for training; their seeds are used nowhere else."""
    volumes: list[tuple[str, Volume]] = []
    for index in range(count):
        spacing = PHANTOM_SPACINGS[index % len(PHANTOM_SPACINGS)]
        if modality == Modality.CT:
            volume = ct_phantom((24, 384, 384), spacing, seed=1001 + index)
        else:
            contrasts: tuple[MRContrast, ...] = ("T1", "T2", "FLAIR")
            contrast = contrasts[index % 3]
            volume = mr_phantom((64, 224, 224), spacing, seed=1001 + index, contrast=contrast)
        volumes.append((f"phantom-{index}", volume))
    return volumes


def parser() -> argparse.ArgumentParser:
    """What can be said on the command line."""
    parser = argparse.ArgumentParser(prog="python -m quietvoxel.training.pretrain", description=__doc__)
    parser.add_argument("engine", choices=tuple(TRAINED))
    parser.add_argument("--modality", choices=["ct", "mr"], required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder of reference volumes")
    parser.add_argument("--folder", type=Path, help="checkpoints and events; default runs/ENGINE-MODALITY")
    parser.add_argument("--max-steps", type=int, default=7000)
    parser.add_argument("--phantoms", type=int, default=6, help="phantom volumes trained on beside the data")
    parser.add_argument("--skip", nargs="*", default=[], help="leave out volumes whose names start so")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--start",
        help="go on from this model, the whole range of noise at once; diffdenoise: take over what fits of this model, "
        "of either modality",
    )
    parser.add_argument("--rate", type=float, default=1.0, help="of the usual learning rates")
    parser.add_argument(
        "--stacks", type=int, default=STACKS, help="diffdenoise: stacks that the student learns from"
    )
    parser.add_argument(
        "--shares",
        nargs=3,
        type=float,
        default=SHARES,
        help="diffdenoise: steps of blind-spot network, diffusion and student, as shares of --max-steps",
    )
    parser.add_argument(
        "--out", type=Path, default=BUNDLED, help="folder of the model; default: the bundled ones"
    )
    parser.add_argument("--name", help="of the model; default ENGINE-MODALITY, as in its card")
    parser.add_argument("--export-only", action="store_true", help="write the model from the last checkpoint")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the recipe."""
    options = parser().parse_args(arguments)
    try:
        if options.export_only:
            print(f"Wrote {export_checkpoint(options).origin}")
        else:
            run(options)
    except QuietVoxelError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def run(options: argparse.Namespace) -> None:
    """Load references, train, write the model."""
    modality = Modality(options.modality.upper())
    folder = options.folder or Path("runs") / f"{options.engine}-{options.modality}"
    engine, recipe, plan = TRAINED[options.engine], started_recipe(options), plan_of(options)

    def say(text: str) -> None:
        print(text, flush=True)

    cache = Path("runs") / "noise-bank"
    references: list[Reference] = read_references(
        options.data, modality, cache=cache, skip=tuple(options.skip), tell=say
    )
    if options.phantoms:
        references += load_references(
            phantom_volumes(modality, options.phantoms), modality, cache=cache, tell=say
        )

    spared = 0

    def tell(event: dict[str, Any]) -> None:
        nonlocal spared
        stage = f"{event['stage']}: " if "stage" in event else ""
        if event["event"] == "taught":
            say(f"{stage}{event['done']}/{event['total']} stacks denoised for the student")
            return
        if event["event"] == "enough":
            spared += event["steps"] - event["step"]
            say(f"{stage}ended early, after {event['step']} of {event['steps']} steps")
            return
        say(
            f"{stage}step {event['step']}/{event['steps']}  loss {event['loss']:.4f}"
            f"  {event['eta_s'] / 60:.0f} min left"
        )

    if engine.stage is None:
        weights = load_tensors(model_named(options.start)) if options.start else None
        networks = train_diff_denoise(
            references,
            recipe,
            plan,
            folder,
            shares=options.shares,
            stacks=options.stacks,
            start=weights,
            tell=tell,
        )
    else:
        stage = engine.stage(recipe)
        start = started_network(stage, options.start)
        networks = {stage.name: train_stage(stage, references, plan, folder, start=start, tell=tell).averaged}
    steps = plan.max_steps
    if engine.stage is None:
        steps = sum(max(1, round(plan.max_steps * share)) for share in options.shares)
    say(f"Wrote {export(networks, recipe, options, steps - spared).origin}")


def plan_of(options: argparse.Namespace) -> TrainingPlan:
    """How long and at which rates."""
    usual = TrainingPlan()
    return TrainingPlan(
        max_steps=options.max_steps,
        seed=options.seed,
        learning_rate=options.rate * usual.learning_rate,
        matrix_rate=options.rate * usual.matrix_rate,
    )


def started_recipe(options: argparse.Namespace) -> Any:
    """The recipe, without a curriculum where a model is gone on from.

    Raises
    ------
    BadInputError
        If the model is another engine's, or another modality's where the network is taken over whole.
    """
    engine, modality = TRAINED[options.engine], Modality(options.modality.upper())
    recipe = engine.recipe_for(modality)
    if options.start is None:
        return recipe
    card = model_named(options.start)
    whole = engine.stage is not None
    if card.engine != engine.engine or (whole and card.modality != modality):
        msg = f"{options.start} is no model that {options.engine} for {modality} can go on from; leave --start out."
        raise BadInputError(msg)
    return recipe.model_copy(update={"curriculum": False}) if hasattr(recipe, "curriculum") else recipe


def started_network(stage: TrainingStage, name: str | None) -> nn.Module | None:
    """The network of a model, to go on from."""
    if name is None:
        return None
    network = stage.build()
    load_network(network, load_tensors(model_named(name)), stage.name)
    return network


@dataclass(frozen=True)
class Trained:
    """What is trained for an engine: `engine` as in model cards, and what a card says of the model.

    DiffDenoise's stages need one another's networks and have a program of their own; they are not named here.
    """

    engine: str
    description: str
    recipe_for: Callable[[Modality], Any]
    stage: Callable[[Any], TrainingStage] | None
    suits: str = ""


TRAINED = {
    "relative-flow": Trained(
        "relativeflow",
        "RelativeFlow for {}, trained on noisy references of mixed quality.",
        recipe_for,
        RelativeFlowStage,
    ),
    "relative-flow-interpolated": Trained(
        "relativeflow",
        "RelativeFlow for {} images that the scanner interpolated, trained on noisy references of mixed quality.",
        interpolated_recipe_for,
        RelativeFlowStage,
        suits="interpolated",
    ),
    "fdn": Trained(
        "fdn",
        "FDN for {}: an invertible network, trained on degraded references of mixed quality.",
        fdn_recipe_for,
        FDNStage,
    ),
    "diffdenoise": Trained(
        "diffdenoise",
        "DiffDenoise for {}: blind-spot network, diffusion and student, trained on noisy images alone.",
        diff_denoise_recipe_for,
        None,
    ),
    "plain": Trained(
        "relativeflow",
        "A plain convolutional network for {}, for comparison; give it 1 step, a --name and another --out.",
        plain_recipe_for,
        RelativeFlowStage,
    ),
}


def export(
    networks: Mapping[str, nn.Module], recipe: Any, options: argparse.Namespace, steps: int
) -> ModelCard:
    """Write trained networks as a model with its card."""
    engine = TRAINED[options.engine]
    modality = recipe.modality
    shares = " ".join(f"{share:g}" for share in options.shares)
    return export_model(
        options.out,
        tensors_of(networks),
        recipe,
        {
            "name": options.name or "-".join(filter(None, (engine.engine, modality.lower(), engine.suits))),
            "title": f"{modality} {engine.suits or 'general'}",
            "engine": engine.engine,
            "suits": engine.suits,
            "description": engine.description.format(modality),
            "training_data": TRAINING_DATA[modality],
            "training": {
                "steps": steps,
                "plan": asdict(plan_of(options)),
                "command": f"python -m quietvoxel.training.pretrain {options.engine}"
                f" --modality {modality.lower()} --data DIR --max-steps {options.max_steps}"
                f" --phantoms {options.phantoms} --seed {options.seed}"
                + (f" --skip {' '.join(options.skip)}" if options.skip else "")
                + (f" --start {options.start}" if options.start else "")
                + (f" --rate {options.rate:g}" if options.rate != 1.0 else "")
                + (f" --stacks {options.stacks} --shares {shares}" if engine.stage is None else ""),
            },
        },
    )


def export_checkpoint(options: argparse.Namespace) -> ModelCard:
    """Write the model from the last checkpoint of a run that is still going on."""
    folder = options.folder or Path("runs") / f"{options.engine}-{options.modality}"
    engine = TRAINED[options.engine]
    recipe = started_recipe(options)
    if engine.stage is None:
        networks, steps = trained_so_far(recipe, folder)
        return export(networks, recipe, options, steps)
    checkpoint = torch.load(folder / "last.ckpt", map_location="cpu", weights_only=False)
    prefix = "averaged.module."
    state = {k.removeprefix(prefix): v for k, v in checkpoint["state_dict"].items() if k.startswith(prefix)}
    stage = engine.stage(recipe)
    network = stage.build()
    network.load_state_dict(state)
    return export({stage.name: network}, recipe, options, int(checkpoint["global_step"]))


if __name__ == "__main__":
    sys.exit(main())
