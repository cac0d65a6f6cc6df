"""DiffDenoise trained stage after stage; a run that is stopped goes on in the stage where it was."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from quietvoxel.engines.diff_denoise.engine import DiffDenoiseEngine, DiffDenoiseNetworks, build_networks
from quietvoxel.engines.diff_denoise.network import DiffusionNetwork
from quietvoxel.engines.diff_denoise.student import StudentStage
from quietvoxel.engines.diff_denoise.training import BlindSpotStage, DiffusionStage, noisy_images
from quietvoxel.networks.weights import take_over
from quietvoxel.training.distil import SIDE, TEACHER, taught_stacks
from quietvoxel.training.trainer import TrainingPlan, train_stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor, nn

    from quietvoxel.engines.diff_denoise.settings import DiffDenoiseRecipe, DiffDenoiseSettings
    from quietvoxel.engines.diff_denoise.training import ImageSource
    from quietvoxel.training.references import Reference

STAGES = ("blind_spot", "diffusion", "student")

SHARES = (0.5, 1.0, 0.6)
"""Steps of the blind-spot network, the diffusion and the student, as a share of the plan's."""

STACKS = 240
"""How many stacks the teacher denoises for the student."""


def train_diff_denoise(
    references: Sequence[Reference],
    recipe: DiffDenoiseRecipe,
    plan: TrainingPlan,
    folder: Path,
    *,
    shares: Sequence[float] = SHARES,
    stacks: int = STACKS,
    side: int = SIDE,
    teacher: DiffDenoiseSettings = TEACHER,
    images: ImageSource = noisy_images,
    start: Mapping[str, Tensor] | None = None,
    tell: Callable[[dict[str, Any]], None] = lambda event: None,
) -> dict[str, nn.Module]:
    """Train the blind-spot network, the diffusion and the student.

    Parameters
    ----------
    references : volumes to train on, normalised; noisy ones will do.
    plan : each stage takes a share of its steps.
    shares : of the three stages.
    folder : each stage has a folder of its name in it.
    stacks, side, teacher : see `taught_stacks`.
    images : where noisy slabs come from; the references degraded to several levels when not given.
    start : weights of a model, of either modality, to start from: each network takes over what fits.
    tell : called with each progress event, which names its stage.

    Returns
    -------
    The networks by their names in a model file.
    """

    def train(stage: Any, volumes: Sequence[Reference], **more: Any) -> nn.Module:
        share = dict(zip(STAGES, shares, strict=True))[stage.name]
        own = replace(plan, max_steps=max(1, round(plan.max_steps * share)))
        network = stage.build() if start else None
        if network is not None and start:
            take_over(network, start, stage.name)
        return train_stage(
            stage,
            volumes,
            own,
            folder / stage.name,
            start=network,
            tell=lambda event: tell({**event, "stage": stage.name}),
            **more,
        ).averaged

    blind_spot = train(BlindSpotStage(recipe, images), references)
    stage = DiffusionStage(recipe, blind_spot, images)
    diffusion = train(stage, references, stop=stage.finished)
    if not isinstance(diffusion, DiffusionNetwork):
        msg = f"The diffusion stage left a {type(diffusion).__name__}."
        raise TypeError(msg)
    engine = DiffDenoiseEngine(DiffDenoiseNetworks(blind_spot, diffusion), recipe)
    taught = taught_stacks(
        engine,
        references,
        stacks,
        folder / "stacks",
        seed=plan.seed,
        side=side,
        teacher=teacher,
        images=images,
        tell=lambda event: tell({**event, "stage": "teacher"}),
    )
    student = train(StudentStage(recipe), taught)
    return {"blind_spot": blind_spot, "diffusion": diffusion, "student": student}


def trained_so_far(recipe: DiffDenoiseRecipe, folder: Path) -> tuple[dict[str, nn.Module], int]:
    """The averaged networks of the last checkpoints of a run, finished or not, and the steps done in all.

    The student may be missing; the engine then samples always.
    """
    found: dict[str, nn.Module] = {}
    steps = 0
    for name, network in build_networks(recipe).items():
        path = folder / name / "last.ckpt"
        if name == "student" and not path.exists():
            continue
        checkpoint = torch.load(path, map_location="cpu", weights_only=False)
        prefix = "averaged.module."
        network.load_state_dict(
            {k.removeprefix(prefix): v for k, v in checkpoint["state_dict"].items() if k.startswith(prefix)}
        )
        found[name] = network
        steps += int(checkpoint["global_step"])
    return found, steps
