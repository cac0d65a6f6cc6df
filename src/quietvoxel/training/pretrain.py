"""Train the bundled models: `python -m quietvoxel.training.pretrain relative-flow --modality ct --data DIR`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from quietvoxel.engines.relative_flow.settings import RelativeFlowRecipe
from quietvoxel.engines.relative_flow.training import RelativeFlowStage
from quietvoxel.errors import QuietVoxelError
from quietvoxel.phantoms import ct_phantom, mr_phantom
from quietvoxel.training.prepare import load_references, read_references
from quietvoxel.training.references import Reference
from quietvoxel.training.trainer import TrainingPlan, train_stage
from quietvoxel.volume import Modality, Volume

PHANTOM_SPACINGS = ((1.0, 1.0, 1.0), (0.7, 0.7, 0.7), (3.0, 0.9, 0.9), (1.6, 0.8, 0.8))
"""Phantoms add thin slices with known truth, of which public scans have few: (z, y, x) mm."""


def phantom_volumes(modality: Modality, count: int) -> list[tuple[str, Volume]]:
    """Phantoms for training; their seeds are above 1000, those for validation and demonstration below."""
    volumes: list[tuple[str, Volume]] = []
    for index in range(count):
        spacing = PHANTOM_SPACINGS[index % len(PHANTOM_SPACINGS)]
        if modality == Modality.CT:
            volume = ct_phantom((24, 384, 384), spacing, seed=1001 + index)
        else:
            contrast = ("T1", "T2", "FLAIR")[index % 3]
            volume = mr_phantom((64, 224, 224), spacing, seed=1001 + index, contrast=contrast)
        volumes.append((f"phantom-{index}", volume))
    return volumes


def main(arguments: list[str] | None = None) -> int:
    """Run the recipe."""
    parser = argparse.ArgumentParser(prog="python -m quietvoxel.training.pretrain", description=__doc__)
    parser.add_argument("engine", choices=["relative-flow"])
    parser.add_argument("--modality", choices=["ct", "mr"], required=True)
    parser.add_argument("--data", type=Path, required=True, help="folder of reference volumes")
    parser.add_argument("--folder", type=Path, help="checkpoints and events; default runs/ENGINE-MODALITY")
    parser.add_argument("--max-steps", type=int, default=7000)
    parser.add_argument("--phantoms", type=int, default=6, help="phantom volumes trained on beside the data")
    parser.add_argument("--skip", nargs="*", default=[], help="leave out volumes whose names start so")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="weight file to write; default: the bundled model's place")
    options = parser.parse_args(arguments)
    try:
        run(options)
    except QuietVoxelError as error:
        print(error, file=sys.stderr)  # noqa: T201  # a command-line program speaks on the terminal
        return error.exit_code
    return 0


def run(options: argparse.Namespace) -> None:
    """Load references, train, write the model."""
    modality = Modality(options.modality.upper())
    folder = options.folder or Path("runs") / f"{options.engine}-{options.modality}"

    def say(text: str) -> None:
        print(text, flush=True)  # noqa: T201  # a command-line program speaks on the terminal

    cache = Path("runs") / "noise-bank"
    references: list[Reference] = read_references(
        options.data, modality, cache=cache, skip=tuple(options.skip), tell=say
    )
    if options.phantoms:
        references += load_references(phantom_volumes(modality, options.phantoms), modality, cache=cache, tell=say)
    delta_max = 1.0 if modality == Modality.CT else 3.0
    recipe = RelativeFlowRecipe(modality=modality.value, delta_max=delta_max)
    plan = TrainingPlan(max_steps=options.max_steps, seed=options.seed)

    def tell(event: dict[str, Any]) -> None:
        say(f"step {event['step']}/{event['steps']}  loss {event['loss']:.4f}  {event['eta_s'] / 60:.0f} min left")

    train_stage(RelativeFlowStage(recipe), references, plan, folder, tell=tell)


if __name__ == "__main__":
    sys.exit(main())
