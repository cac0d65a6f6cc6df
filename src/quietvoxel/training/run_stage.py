"""One stage of a fine-tuning: from its starting network, or its last checkpoint, to its best one."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from quietvoxel.engines.diff_denoise.engine import DiffDenoiseEngine, DiffDenoiseNetworks
from quietvoxel.inference.devices import choose_device, choose_precision
from quietvoxel.training.callbacks import EndEarly, Judging, Obedience, Progress
from quietvoxel.training.checkpoints import Checkpoints
from quietvoxel.training.distil import SIDE, TEACHER, taught_stacks
from quietvoxel.training.judge import Judge
from quietvoxel.training.outcome import best_networks
from quietvoxel.training.runs import RunRecord, StageRecord, write_run
from quietvoxel.training.settings import PLAN_SECONDS, SCRATCH
from quietvoxel.training.stacks import training_references
from quietvoxel.training.starting import CACHE, known_stacks, stage_plan
from quietvoxel.training.trainer import train_stage
from quietvoxel.training.tunable import TEACHING_SHARE, tunable
from quietvoxel.training.validation import Score, judged_slabs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import torch
    from torch import nn

    from quietvoxel.training.control import TrainingControl
    from quietvoxel.training.references import Reference
    from quietvoxel.training.settings import PlanName

    Tell = Callable[[dict[str, Any]], None]

JUDGED_TIMES = {"quick": 10, "standard": 20, "overnight": 40}
"""How often a stage is judged."""

JUDGING_SHARE = 0.1
"""Of the time goes into judging, at most."""

STACKS = (4, 240)
"""Least and most stacks that the teacher denoises for DiffDenoise's student."""


def run_stage(
    record: RunRecord, index: int, folder: Path, control: TrainingControl, tell: Tell
) -> tuple[RunRecord, bool]:
    """Train a stage to its end, or until the user wishes to stop.

    Parameters
    ----------
    record, folder : of the run.
    index : of the stage.
    control : the user's wishes.
    tell : called with each event.

    Returns
    -------
    The record with the stage done, and whether the user stopped it.
    """
    facts = record.stages[index]
    engine = tunable(record.engine)
    tuned = engine.stages[index]
    recipe = engine.recipe_class.model_validate(record.recipe)
    device = choose_device(record.device)
    dtype = choose_precision(device, record.settings.precision)
    networks = best_networks(record, folder, until=tuned.name)
    stage = tuned.stage(recipe, networks)
    stacks = known_stacks(folder)
    judge = Judge(
        tuned,
        stage,
        recipe,
        networks,
        judged_slabs(folder / CACHE, stacks, record.modality, recipe.halo),
        folder,
        device,
        dtype,
        tell,
        must_beat_start=record.start != SCRATCH,
    )
    if facts.psnr_start is None or facts.ssim_start is None:
        began = time.monotonic()
        start = judge.judge_start()
        every = judged_every(facts, record.plan, time.monotonic() - began)
        record = _with(record, index, psnr_start=start.psnr, ssim_start=start.ssim, judged_every=every)
        write_run(folder, record)
        facts = record.stages[index]
    else:
        judge.start = Score(facts.psnr_start, facts.ssim_start)
    references: Sequence[Reference] = training_references(folder / CACHE, stacks)
    if tuned.taught:
        record, references = _taught(record, index, networks, recipe, references, folder, tell)
        facts = record.stages[index]
    plan = stage_plan(record, facts.steps, facts.batch, facts.patch, device)
    own = folder / tuned.name
    pixels = sum(reference.data.size for reference in references)
    per_step = facts.batch * facts.patch**2 * record.devices * record.nodes
    progress = Progress(tell, {"stage": tuned.name}, round(pixels / per_step))
    checkpoints = Checkpoints(
        own, facts.steps, plan.checkpoint_seconds, lambda step: tell({"event": "saved", "step": step})
    )
    obedience = Obedience(control, checkpoints, progress, tell)
    enough = getattr(stage, "finished", lambda network: False)
    train_stage(
        stage,
        references,
        plan,
        own,
        start=None if record.start == SCRATCH else networks[tuned.name],
        # Judged first: a network that a checkpoint has behind it was judged, whatever happens then.
        callbacks=[
            progress,
            Judging(judge, facts.judged_every, progress),
            EndEarly(enough),
            checkpoints,
            obedience,
        ],
        where=_where(device),
    )
    record = _with(record, index, done=not obedience.stopped)
    write_run(folder, record)
    return record, obedience.stopped


def judged_every(facts: StageRecord, plan: PlanName, seconds: float) -> int:
    """Steps between two judgements that take so many seconds each: a tenth of the time, and twice at least."""
    wanted = -(-facts.steps // JUDGED_TIMES[plan])
    affordable = math.ceil(seconds / (JUDGING_SHARE * facts.seconds_per_step + 1e-9))
    return max(1, min(max(wanted, affordable), -(-facts.steps // 2)))


def _with(record: RunRecord, index: int, **changes: Any) -> RunRecord:
    stages = list(record.stages)
    stages[index] = stages[index].model_copy(update=changes)
    return record.model_copy(update={"stages": tuple(stages)})


def _where(device: torch.device) -> Mapping[str, Any]:
    """Lightning's words for a device."""
    if device.type == "cuda":
        return {"accelerator": "gpu", "devices": [device.index or 0]}
    return {"accelerator": device.type, "devices": 1}


def _taught(
    record: RunRecord,
    index: int,
    networks: Mapping[str, nn.Module],
    recipe: Any,
    references: Sequence[Reference],
    folder: Path,
    tell: Tell,
) -> tuple[RunRecord, list[Reference]]:
    """What the teacher made of the references; how many stacks depends on how long the first one takes."""
    engine = DiffDenoiseEngine(
        DiffDenoiseNetworks(networks["blind_spot"], networks["diffusion"]),  # type: ignore[arg-type]
        recipe,
    )
    where, seed = folder / "student" / "stacks", record.settings.seed
    # No larger than what there is to learn from.
    side = min(SIDE, max(32, max(min(reference.data.shape[1:]) for reference in references)))
    count = record.stages[index].stacks
    if not count:
        began = time.monotonic()
        teacher = TEACHER if record.max_steps is None else TEACHER.touched(ddim_steps=5)
        taught_stacks(engine, references, 1, where, seed=seed, side=side, teacher=teacher)
        taken = max(1e-3, time.monotonic() - began)
        wanted = TEACHING_SHARE * PLAN_SECONDS[record.plan] / taken
        count = min(STACKS[1], max(STACKS[0], int(wanted)))
        if record.max_steps is not None:
            count = min(count, max(1, record.max_steps))
        record = _with(record, index, stacks=count)
        write_run(folder, record)
    teacher = TEACHER if record.max_steps is None else TEACHER.touched(ddim_steps=5)
    return record, taught_stacks(
        engine,
        references,
        count,
        where,
        seed=seed,
        side=side,
        teacher=teacher,
        tell=lambda event: tell({**event, "event": "teaching"}),
    )
