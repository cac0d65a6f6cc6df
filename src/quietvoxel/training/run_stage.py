"""One stage of a fine-tuning: from its starting network, or its last checkpoint, to its best one."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quietvoxel.engines.diff_denoise.engine import DiffDenoiseEngine, DiffDenoiseNetworks
from quietvoxel.errors import CancelledError
from quietvoxel.inference.devices import choose_device, choose_precision
from quietvoxel.training.callbacks import EndEarly, Judging, Obedience, Progress, pause
from quietvoxel.training.checkpoints import Checkpoints
from quietvoxel.training.control import TrainingControl, Wish
from quietvoxel.training.distil import SIDE, TEACHER, taught_stacks
from quietvoxel.training.judge import Judge
from quietvoxel.training.members import Place, members, where
from quietvoxel.training.order import CACHE, known_stacks, stage_plan
from quietvoxel.training.outcome import best_networks
from quietvoxel.training.runs import RunRecord, StageRecord, write_run
from quietvoxel.training.settings import PLAN_SECONDS, SCRATCH
from quietvoxel.training.stacks import training_references
from quietvoxel.training.trainer import TrainedStage, train_stage
from quietvoxel.training.tunable import TEACHING_SHARE, tunable
from quietvoxel.training.validation import Score, judged_slabs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import torch
    from torch import nn

    from quietvoxel.engines.contract import TrainingStage
    from quietvoxel.training.references import Reference
    from quietvoxel.training.settings import PlanName
    from quietvoxel.training.stacks import Stack
    from quietvoxel.training.tunable import TunedStage

    Tell = Callable[[dict[str, Any]], None]

JUDGED_TIMES = {"quick": 10, "standard": 20, "overnight": 40}
"""How often a stage is judged."""

JUDGING_SHARE = 0.1
"""Of the time goes into judging, at most."""

STACKS = (4, 240)
"""Least and most stacks that the teacher denoises for DiffDenoise's student."""


@dataclass(frozen=True)
class _Work:
    """What all processes of a stage need to know."""

    tuned: TunedStage
    recipe: Any
    networks: dict[str, nn.Module]
    stage: TrainingStage
    device: torch.device
    stacks: list[Stack]

    @classmethod
    def of(cls, record: RunRecord, index: int, folder: Path) -> _Work:
        """Load it from the run's folder."""
        engine = tunable(record.engine)
        tuned = engine.stages[index]
        recipe = engine.recipe_class.model_validate(record.recipe)
        networks = best_networks(record, folder, until=tuned.name)
        device = choose_device(record.device)
        return cls(tuned, recipe, networks, tuned.stage(recipe, networks), device, known_stacks(folder))


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
    work = _Work.of(record, index, folder)
    judge = Judge(
        work.tuned,
        work.stage,
        work.recipe,
        work.networks,
        judged_slabs(folder / CACHE, work.stacks, record.modality, work.recipe.halo),
        folder,
        work.device,
        choose_precision(work.device, record.settings.precision),
        tell,
        must_beat_start=record.start != SCRATCH,
    )
    facts = record.stages[index]
    if facts.psnr_start is None or facts.ssim_start is None:
        began = time.monotonic()
        start = judge.judge_start()
        every = judged_every(facts, record.plan, time.monotonic() - began)
        record = _with(record, index, psnr_start=start.psnr, ssim_start=start.ssim, judged_every=every)
        write_run(folder, record)
    else:
        judge.start = Score(facts.psnr_start, facts.ssim_start)
    if work.tuned.taught:
        record = _teach(record, index, work, folder, control, tell)
    with members(record, index, folder) as place:
        trained, step, stopped = _train(record, index, work, folder, control, tell, judge, place)
    if step > judge.judged:
        # Stopped between two judgements, or killed before the last one.
        judge(trained.averaged, step)
    record = _with(record, index, done=not stopped)
    write_run(folder, record)
    return record, stopped


def train_along(record: RunRecord, index: int, folder: Path, control: TrainingControl, place: Place) -> None:
    """Be another process of a stage that `run_stage` trains: share the steps, and leave all else to the first one."""

    def judge(_network: nn.Module, _step: int) -> None:
        """The first process judges."""

    work = _Work.of(record, index, folder)
    _train(record, index, work, folder, control, lambda event: None, judge, place)


def _train(
    record: RunRecord,
    index: int,
    work: _Work,
    folder: Path,
    control: TrainingControl,
    tell: Tell,
    judge: Callable[[nn.Module, int], None],
    place: Place | None,
) -> tuple[TrainedStage, int, bool]:
    """The steps of a stage, in one of its processes: its networks, its last step, and whether the user stopped it."""
    facts, name = record.stages[index], work.tuned.name
    references: Sequence[Reference] = training_references(folder / CACHE, work.stacks)
    if work.tuned.taught:
        references = _taught(record, index, work, references, folder)
    plan = stage_plan(record, facts.steps, facts.batch, facts.patch, work.device)
    pixels = sum(reference.data.size for reference in references)
    per_step = facts.batch * facts.patch**2 * record.devices * record.nodes
    later = sum(stage.steps * stage.seconds_per_step for stage in record.stages[index + 1 :])
    progress = Progress(tell, {"stage": name}, round(pixels / per_step), later)
    checkpoints = Checkpoints(
        folder / name,
        facts.steps,
        plan.checkpoint_seconds,
        lambda step: tell({"event": "saved", "step": step}),
    )
    obedience = Obedience(control, checkpoints, progress, tell)
    trained = train_stage(
        work.stage,
        references,
        plan,
        folder / name,
        start=None if record.start == SCRATCH else work.networks[name],
        # Saved before it is judged, for judging may take a while.
        callbacks=[
            progress,
            EndEarly(getattr(work.stage, "finished", lambda network: False)),
            checkpoints,
            Judging(judge, facts.judged_every, progress),
            obedience,
        ],
        where=where(work.device, record, place),
    )
    return trained, checkpoints.saved_step, obedience.stopped


def judged_every(facts: StageRecord, plan: PlanName, seconds: float) -> int:
    """Steps between two judgements that take so many seconds each: a tenth of the time, and twice at least."""
    wanted = -(-facts.steps // JUDGED_TIMES[plan])
    affordable = math.ceil(seconds / (JUDGING_SHARE * facts.seconds_per_step + 1e-9))
    return max(1, min(max(wanted, affordable), -(-facts.steps // 2)))


def _with(record: RunRecord, index: int, **changes: Any) -> RunRecord:
    stages = list(record.stages)
    stages[index] = stages[index].model_copy(update=changes)
    return record.model_copy(update={"stages": tuple(stages)})


def _teach(
    record: RunRecord, index: int, work: _Work, folder: Path, control: TrainingControl, tell: Tell
) -> RunRecord:
    """Let the teacher denoise stacks; how many depends on how long the first one takes."""

    def go_on() -> None:
        pause(control, tell)
        if control.wish is not Wish.RUN:
            msg = "The training was stopped; go on with --resume."
            raise CancelledError(msg)

    references = training_references(folder / CACHE, work.stacks)
    if not record.stages[index].stacks:
        began = time.monotonic()
        one = _with(record, index, stacks=1)
        _taught(one, index, work, references, folder, go_on=go_on)
        wanted = TEACHING_SHARE * PLAN_SECONDS[record.plan] / max(1e-3, time.monotonic() - began)
        count = min(STACKS[1], max(STACKS[0], int(wanted)), record.max_steps or STACKS[1])
        record = _with(record, index, stacks=count)
        write_run(folder, record)
    _taught(record, index, work, references, folder, go_on=go_on, tell=tell)
    return record


def _taught(
    record: RunRecord,
    index: int,
    work: _Work,
    references: Sequence[Reference],
    folder: Path,
    *,
    go_on: Callable[[], None] = lambda: None,
    tell: Tell = lambda event: None,
) -> list[Reference]:
    """What the teacher made of the references; what lies on the disk is not made again."""
    networks = DiffDenoiseNetworks(
        work.networks["blind_spot"],
        work.networks["diffusion"],  # type: ignore[arg-type]  # the one that `build` made
    )
    return taught_stacks(
        DiffDenoiseEngine(networks, work.recipe),
        references,
        record.stages[index].stacks,
        folder / work.tuned.name / "stacks",
        seed=record.settings.seed,
        # No larger than what there is to learn from.
        side=min(SIDE, max(32, max(min(reference.data.shape[1:]) for reference in references))),
        teacher=TEACHER if record.max_steps is None else TEACHER.touched(ddim_steps=5),
        tell=lambda event: tell({**event, "event": "teaching"}),
        go_on=go_on,
    )
