"""Before the first step: what is trained, from which model, on which references, and for how long."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch

from quietvoxel import __version__
from quietvoxel.engines.registry import ENGINES
from quietvoxel.errors import BadInputError, ModelError
from quietvoxel.inference.devices import choose_device, choose_precision
from quietvoxel.models import ModelCard, find_model, load_tensors
from quietvoxel.models.store import model_named
from quietvoxel.training.candidates import Candidate, find_candidates
from quietvoxel.training.gather import Summary, gather
from quietvoxel.training.members import check_devices
from quietvoxel.training.pace import Pace, measure_pace, stand_in, steps_for
from quietvoxel.training.recipes import tuned_recipe
from quietvoxel.training.runs import RunRecord, StageRecord, write_run
from quietvoxel.training.settings import PLAN_PIXELS, PLAN_SECONDS, SCRATCH, PlanName, TrainingSettings
from quietvoxel.training.stacks import Stack, training_references
from quietvoxel.training.trainer import TrainingPlan
from quietvoxel.training.tunable import TunableEngine, tunable
from quietvoxel.volume import Modality

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from torch import nn

    from quietvoxel.training.references import Reference

    Tell = Callable[[dict[str, Any]], None]

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


def prepare_run(
    order: TrainingOrder, folder: Path, tell: Tell, go_on: Callable[[], None], spent: Callable[[], float]
) -> RunRecord:
    """Read the references and measure this machine, and write down what follows from it.

    Parameters
    ----------
    order : what the user asks for.
    folder : of the run.
    tell : called with the events `reading`, `references` and `plan`.
    go_on : called now and then; may raise to stop.
    spent : seconds since the start of the run.

    Raises
    ------
    BadInputError
        If references, model and settings do not fit together.
    OutOfMemoryError
        If not even the smallest batch fits.
    """
    engine = tunable(order.engine)
    candidates = find_candidates(order.references)
    modality, card = _starting_model(order, candidates)
    base = (
        engine.recipe_class.model_validate(card.architecture)
        if card
        else engine.recipe_for(Modality(modality))
    )
    recipe = tuned_recipe(base, order.settings, from_scratch=card is None)
    device = choose_device(order.device)
    check_devices(device, order.devices)

    def reading(done: int, total: int) -> None:
        go_on()
        tell({"event": "reading", "done": done, "total": total})

    summary, stacks = gather(
        candidates,
        folder / CACHE,
        modality=modality,
        stated=order.modality is not None,
        pixels=PLAN_PIXELS[order.plan],
        share=order.settings.validation_share,
        halo=recipe.halo,
        seed=order.settings.seed,
        go_on=reading,
    )
    facts = summary_facts(summary)
    tell({"event": "references", **facts})
    record = RunRecord(
        name=order.name,
        engine=order.engine,
        start=card.name if card else SCRATCH,
        start_sha256=card.sha256 if card else "",
        plan=order.plan,
        settings=order.settings,
        max_steps=order.max_steps,
        device=order.device,
        devices=order.devices,
        nodes=order.nodes,
        modality=summary.modality,
        recipe=recipe.model_dump(mode="json"),
        card=dict(order.card),
        save=order.save,
        summary=facts,
        version=__version__,
    )
    paces = _paces(engine, record, recipe, training_references(folder / CACHE, stacks), device, go_on)
    left = PLAN_SECONDS[order.plan] - spent()
    record = record.model_copy(
        update={
            "state": "training",
            "stages": tuple(_stage_records(engine, order, paces, left)),
            "seconds": spent(),
        }
    )
    write_run(folder, record)
    tell({"event": "plan", **plan_facts(record, paces, device)})
    return record


def _starting_model(order: TrainingOrder, candidates: Sequence[Candidate]) -> tuple[str, ModelCard | None]:
    """The modality that is trained, and the card of the starting model."""
    wanted = order.modality
    if order.start and order.start != SCRATCH:
        card = model_named(order.start)
        if card.engine != order.engine:
            msg = f"The model '{card.name}' belongs to the engine {card.engine}; add --engine {card.engine}."
            raise ModelError(msg)
        if wanted is not None and wanted != card.modality:
            msg = f"The model '{card.name}' is for {card.modality}, not {wanted}; start from another one."
            raise BadInputError(msg)
        return card.modality, card
    modality = wanted or _first_modality(candidates)
    if order.start == SCRATCH:
        return modality, None
    return modality, find_model(engine=order.engine, modality=modality)


def _first_modality(candidates: Sequence[Candidate]) -> str:
    """The modality of the first reference that has one."""
    for candidate in candidates:
        try:
            found = candidate.read().modality
        except BadInputError:
            continue
        if found != Modality.OTHER:
            return str(found)
    return "MR"


def _paces(
    engine: TunableEngine,
    record: RunRecord,
    recipe: Any,
    references: Sequence[Reference],
    device: torch.device,
    go_on: Callable[[], None],
) -> list[Pace]:
    """Measure the steps of every stage; what does not fit one of them is made smaller for all that follow."""
    networks = engine.build(recipe)
    plan = stage_plan(record, 1000, record.settings.batch, record.settings.patch, device)
    dtype = choose_precision(device, record.settings.precision)
    paces: list[Pace] = []
    for tuned in engine.stages:
        stage = tuned.stage(recipe, networks)
        shown = stand_in(recipe.halo) if tuned.taught else references
        pace = measure_pace(stage, shown, plan, device, dtype, go_on)
        plan = pace.plan
        paces.append(pace)
    return paces


def _stage_records(
    engine: TunableEngine, order: TrainingOrder, paces: Sequence[Pace], seconds: float
) -> list[StageRecord]:
    return [
        StageRecord(
            name=tuned.name,
            steps=order.max_steps or steps_for(tuned.share * seconds, pace.seconds_per_step),
            batch=pace.plan.batch,
            patch=pace.plan.patch,
            seconds_per_step=round(pace.seconds_per_step, 4),
        )
        for tuned, pace in zip(engine.stages, paces, strict=True)
    ]


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


def summary_facts(summary: Summary) -> dict[str, Any]:
    """The summary for events and records: numbers of references, never their names."""
    facts = asdict(replace(summary, left_out=()))
    facts["left_out"] = [{"number": one.number, "reason": one.reason} for one in summary.left_out]
    return {key: list(value) if isinstance(value, tuple) else value for key, value in facts.items()}


def plan_facts(record: RunRecord, paces: Sequence[Pace], device: torch.device) -> dict[str, Any]:
    """What a run will take, for the event `plan`."""
    seconds = sum(stage.steps * stage.seconds_per_step for stage in record.stages)
    notes = dict.fromkeys(note for pace in paces for note in pace.notes)
    return {
        "plan": record.plan,
        "steps": sum(stage.steps for stage in record.stages),
        "seconds": round(record.seconds + seconds, 1),
        "memory_bytes": max((pace.memory_bytes for pace in paces), default=0),
        "stages": [
            {
                "name": s.name,
                "steps": s.steps,
                "seconds_per_step": s.seconds_per_step,
                "batch": s.batch,
                "patch": s.patch,
            }
            for s in record.stages
        ],
        "device": str(device),
        "precision": str(choose_precision(device, record.settings.precision)).removeprefix("torch."),
        "devices": record.devices * record.nodes,
        "notes": list(notes),
    }


def engine_title(name: str) -> str:
    """The engine's name on screens."""
    return ENGINES[name].title if name in ENGINES else tunable(name).title


def known_stacks(folder: Path) -> list[Stack]:
    """The references that a run has kept.

    Raises
    ------
    BadInputError
        If they are gone.
    """
    from quietvoxel.training.stacks import read_index

    found = read_index(folder / CACHE)
    if found is None:
        msg = f"The references of the training '{folder.name}' are gone; begin it anew with --overwrite."
        raise BadInputError(msg)
    return found
