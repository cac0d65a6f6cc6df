"""What a training is asked for, and what of it the trainer, the starting networks and the kept references are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from quietvoxel.errors import BadInputError, ModelError
from quietvoxel.inference.devices import choose_precision
from quietvoxel.models import load_tensors
from quietvoxel.models.store import model_named
from quietvoxel.training.settings import SCRATCH, PlanName, TrainingSettings
from quietvoxel.training.stacks import Stack, read_index
from quietvoxel.training.trainer import TrainingPlan
from quietvoxel.training.tunable import tunable

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from quietvoxel.training.runs import RunRecord

CACHE = "references"
"""Folder of the kept references in that of a run."""

TUNING_RATE, SCRATCH_RATE = 1e-4, 3e-4
"""AdamW's learning rates; Muon's matrices have `MATRIX_FACTOR` times that."""

MATRIX_FACTOR = 20.0

PRECISIONS = {torch.bfloat16: "bf16-mixed", torch.float32: "32-true"}
"""Lightning's names."""


@dataclass(frozen=True)
class TrainingOrder:
    """What the user asks for.

    Attributes
    ----------
    references : files and folders of noisy scans.
    engine : which engine is trained.
    name : of the run and of its model.
    start : name of the starting model, "scratch", or "" for the general model of engine and modality.
    plan, settings : how long and how.
    max_steps : steps of each stage, whatever the plan's time; None: what the plan has time for.
    modality : "CT" or "MR", where neither model nor files say.
    device, devices, nodes : where.
    card : title, description, licence and intended_use of the model, as far as the user gives them.
    save : put the model into the store at the end; otherwise it waits in the run's folder.
    """

    references: tuple[Path, ...]
    engine: str
    name: str
    start: str = ""
    plan: PlanName = "standard"
    settings: TrainingSettings = field(default_factory=TrainingSettings)
    max_steps: int | None = None
    modality: str | None = None
    device: str = "auto"
    devices: int = 1
    nodes: int = 1
    card: tuple[tuple[str, str], ...] = ()
    save: bool = True


def stage_plan(record: RunRecord, steps: int, batch: int, patch: int, device: torch.device) -> TrainingPlan:
    """The trainer's plan for a stage of a run."""
    settings = record.settings
    rate = settings.learning_rate or (SCRATCH_RATE if record.start == SCRATCH else TUNING_RATE)
    return TrainingPlan(
        max_steps=steps,
        batch=batch,
        patch=patch,
        learning_rate=rate,
        matrix_rate=MATRIX_FACTOR * rate,
        warmup=max(1, min(100, steps // 20)),
        # The average reaches over a twentieth of the training: long enough to be calm, short enough to arrive.
        ema=1.0 - 1.0 / max(2.0, min(500.0, steps / 20)),
        seed=settings.seed,
        precision=PRECISIONS[choose_precision(device, settings.precision)],
    )


def starting_networks(record: RunRecord) -> dict[str, nn.Module]:
    """The networks that a run starts from: those of its model, or new ones, always the same for a seed.

    Raises
    ------
    ModelError
        If the starting model is gone or another one by now.
    """
    engine = tunable(record.engine)
    recipe = engine.recipe_class.model_validate(record.recipe)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(record.settings.seed)
        if record.start == SCRATCH:
            return engine.build(recipe)
        card = model_named(record.start)
        if record.start_sha256 and card.sha256 != record.start_sha256:
            msg = f"The model '{card.name}' is not the one that this training began with; begin anew with --overwrite."
            raise ModelError(msg)
        return engine.load(recipe, load_tensors(card))


def known_stacks(folder: Path) -> list[Stack]:
    """The references that a run has kept.

    Raises
    ------
    BadInputError
        If they are gone.
    """
    found = read_index(folder / CACHE)
    if found is None:
        msg = f"The references of the training '{folder.name}' are gone; begin it anew with --overwrite."
        raise BadInputError(msg)
    return found
