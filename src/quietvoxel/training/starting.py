"""Before the first step: what is trained, from which model, on which references, and for how long."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from quietvoxel import __version__
from quietvoxel.errors import BadInputError, ModelError
from quietvoxel.inference.devices import choose_device, choose_precision
from quietvoxel.models import ModelCard, find_model
from quietvoxel.models.store import model_named
from quietvoxel.training.candidates import Candidate, find_candidates
from quietvoxel.training.gather import Summary, gather
from quietvoxel.training.members import check_devices
from quietvoxel.training.order import CACHE, TrainingOrder, stage_plan
from quietvoxel.training.pace import Pace, measure_pace, stand_in, steps_for
from quietvoxel.training.recipes import tuned_recipe
from quietvoxel.training.runs import RunRecord, StageRecord, write_run
from quietvoxel.training.settings import PLAN_PIXELS, PLAN_SECONDS, SCRATCH
from quietvoxel.training.stacks import training_references
from quietvoxel.training.tunable import TunableEngine, tunable
from quietvoxel.volume import Modality

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import torch

    from quietvoxel.training.references import Reference

    Tell = Callable[[dict[str, Any]], None]


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
    if wanted not in (None, "CT", "MR"):
        msg = f"Engines are trained for CT or MR, not for '{wanted}'; give one of them as --modality."
        raise BadInputError(msg)
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
