"""What a training would take on this machine, said before there is one: every plan's steps, time and memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from quietvoxel.errors import BadInputError
from quietvoxel.inference.devices import choose_device, choose_precision
from quietvoxel.models import find_model
from quietvoxel.models.store import model_named
from quietvoxel.training.order import stage_plan
from quietvoxel.training.pace import measure_pace, stand_in, steps_for
from quietvoxel.training.recipes import tuned_recipe
from quietvoxel.training.runs import RunRecord
from quietvoxel.training.settings import PLAN_SECONDS, SCRATCH
from quietvoxel.training.tunable import tunable
from quietvoxel.volume import Modality

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietvoxel.training.order import TrainingOrder


def foresee(
    order: TrainingOrder, tell: Callable[[dict[str, Any]], None], go_on: Callable[[], None] = lambda: None
) -> None:
    """Make a few real steps on random numbers, and tell what each plan would do.

    Parameters
    ----------
    order : what would be asked for; its modality says which general model is meant. References are not looked at.
    tell : called with one `foreseen` event for each plan, and with `measured` at the end.
    go_on : called before each step; may raise to stop.

    Raises
    ------
    BadInputError
        If neither order nor model says the modality.
    OutOfMemoryError
        If not even the smallest batch fits.
    """
    engine = tunable(order.engine)
    scratch = order.start == SCRATCH
    if order.modality is None and (scratch or not order.start):
        msg = "Say for which modality the plans are to be measured, with --modality CT or MR."
        raise BadInputError(msg)
    card = None
    if not scratch:
        card = (
            model_named(order.start)
            if order.start
            else find_model(engine=order.engine, modality=order.modality or "")
        )
    modality = card.modality if card else str(order.modality)
    base = (
        engine.recipe_class.model_validate(card.architecture)
        if card
        else engine.recipe_for(Modality(modality))
    )
    recipe = tuned_recipe(base, order.settings, from_scratch=scratch)
    device = choose_device(order.device)
    dtype = choose_precision(device, order.settings.precision)
    record = RunRecord(
        name=order.name, engine=order.engine, start=order.start, plan=order.plan, settings=order.settings
    )
    plan = stage_plan(record, 1000, order.settings.batch, order.settings.patch, device)
    networks = engine.build(recipe)
    paces = []
    for tuned in engine.stages:
        shown = stand_in(recipe.halo)
        if modality == "MR" and not tuned.taught:
            shown = [replace(one, noise=None) for one in shown]
        pace = measure_pace(tuned.stage(recipe, networks), shown, plan, device, dtype, go_on)
        plan = pace.plan
        paces.append(pace)
    for name, seconds in PLAN_SECONDS.items():
        steps = [
            order.max_steps or steps_for(tuned.share * seconds, pace.seconds_per_step)
            for tuned, pace in zip(engine.stages, paces, strict=True)
        ]
        stepping = sum(n * pace.seconds_per_step for n, pace in zip(steps, paces, strict=True))
        tell(
            {
                "event": "foreseen",
                "plan": name,
                "steps": sum(steps),
                # A plan's time has the reading of references and the judging in it.
                "seconds": round(stepping if order.max_steps else max(seconds, stepping), 1),
                "seconds_per_step": round(stepping / sum(steps), 4),
                "memory_bytes": max(pace.memory_bytes for pace in paces),
                "device": str(device),
                "precision": str(dtype).removeprefix("torch."),
                "notes": list(dict.fromkeys(note for pace in paces for note in pace.notes)),
            }
        )
    tell({"event": "measured", "message": ""})
