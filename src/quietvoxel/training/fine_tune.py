"""Fine-tuning from its order to its model: references, plan, stages, outcome; gone on with wherever it was stopped."""

from __future__ import annotations

import gc
import json
import shutil
import time
import warnings
from typing import TYPE_CHECKING, Any

from quietvoxel.errors import BadInputError, CancelledError, OutOfMemoryError, QuietVoxelError
from quietvoxel.inference.devices import choose_device, is_out_of_memory, release_memory
from quietvoxel.models.store import list_models
from quietvoxel.training.callbacks import pause
from quietvoxel.training.checkpoints import LAST, disk_reason
from quietvoxel.training.control import TrainingControl, Wish
from quietvoxel.training.nodes import serve_node, this_node
from quietvoxel.training.order import CACHE, TrainingOrder, stage_plan
from quietvoxel.training.outcome import final_sentence, outcome, save_trained
from quietvoxel.training.pace import smaller
from quietvoxel.training.run_stage import run_stage
from quietvoxel.training.runs import EVENTS, RunRecord, read_run, remove_run, run_folder, running, write_run
from quietvoxel.training.settings import SCRATCH
from quietvoxel.training.starting import prepare_run
from quietvoxel.training.tunable import tunable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Tell = Callable[[dict[str, Any]], None]


def fine_tune(
    order: TrainingOrder,
    *,
    control: TrainingControl | None = None,
    tell: Tell = lambda event: None,
    resume: bool = False,
    overwrite: bool = False,
) -> RunRecord:
    """Train an engine on noisy references.

    Parameters
    ----------
    order : what to do; to resume, its name is enough.
    control : carries the wishes to pause, stop or cancel.
    tell : called with each event of docs/training.md, in the caller's thread.
    resume : go on with the unfinished training of this name.
    overwrite : throw away a training, and replace a model, of this name.

    Returns
    -------
    The finished run: its `state` says whether a model was made.

    Raises
    ------
    BadInputError
        If order, references and what lies on the disk do not fit together.
    CancelledError
        If that was wished; the training can go on from its checkpoint.
    OutOfMemoryError
        If not even the smallest batch fits.
    QuietVoxelError
        If the disk is full; the last good checkpoint is kept.
    """
    control = control or TrainingControl()
    folder = run_folder(order.name)
    if order.nodes > 1 and this_node() > 0:
        serve_node(folder, order.devices, this_node())
        return read_run(folder) or _nothing(order)
    record = _found(order, folder, resume=resume, overwrite=overwrite)
    began = time.monotonic() - (record.seconds if record else 0.0)

    def spent() -> float:
        return time.monotonic() - began

    with running(folder):
        log = _Log(folder, tell)

        def go_on() -> None:
            pause(control, log)
            if control.wish in (Wish.STOP, Wish.CANCEL):
                msg = "The training was stopped before its first step; begin it anew."
                raise CancelledError(msg)

        try:
            log(
                {
                    "event": "started",
                    "name": order.name,
                    "engine": record.engine if record else order.engine,
                    "folder": str(folder),
                    "resumed": record is not None,
                }
            )
            if record is None:
                record = prepare_run(order, folder, log, go_on, spent)
            return _train(record, folder, control, log, spent)
        except OSError as error:
            reason = disk_reason(error, folder)
            msg = f"The training stopped because {reason}; free some space, then go on with --resume."
            raise QuietVoxelError(msg) from error
        except SystemExit as error:  # Lightning's answer to a second Ctrl-C
            raise KeyboardInterrupt from error
        finally:
            kept = read_run(folder)
            if kept is not None and kept.resumable:
                write_run(folder, kept.model_copy(update={"seconds": spent()}))
            elif kept is None:
                shutil.rmtree(folder, ignore_errors=True)


def _nothing(order: TrainingOrder) -> RunRecord:
    msg = f"The first node has thrown the training '{order.name}' away."
    raise QuietVoxelError(msg)


def _found(order: TrainingOrder, folder: Path, *, resume: bool, overwrite: bool) -> RunRecord | None:
    """The run to go on with, or None for a new one, for which room is made."""
    record = None if overwrite else read_run(folder)
    if resume:
        if record is None or not record.resumable:
            what = "is finished" if record else "was not begun, or not as far as its first step"
            msg = f"The training '{order.name}' {what}; leave --resume out to begin one."
            raise BadInputError(msg)
        return record
    if record is not None and record.resumable:
        msg = f"The training '{order.name}' is unfinished; go on with --resume, or throw it away with --overwrite."
        raise BadInputError(msg)
    if record is not None and record.state == "trained":
        msg = (
            f"The training '{order.name}' has a model that is not saved yet; save it, "
            "or throw it away with --overwrite."
        )
        raise BadInputError(msg)
    tunable(order.engine)
    taken = order.name in {card.name for card in list_models()}
    if taken and order.save and not overwrite:
        msg = f"There is a model '{order.name}' already; give another --name, or replace it with --overwrite."
        raise BadInputError(msg)
    if order.start == order.name:
        msg = f"The model '{order.name}' cannot be replaced by itself; give another --name."
        raise BadInputError(msg)
    remove_run(folder)
    return None


def _train(
    record: RunRecord, folder: Path, control: TrainingControl, tell: Tell, spent: Callable[[], float]
) -> RunRecord:
    stopped = False
    for index, stage in enumerate(record.stages):
        if stage.done:
            continue
        while True:
            try:
                record, stopped = run_stage(record, index, folder, control, tell)
                break
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                sentence = _made_smaller(record, index)
            record = sentence[0]
            gc.collect()
            release_memory(choose_device(record.device))
            write_run(folder, record)
            tell({"event": "note", "message": sentence[1]})
        if stopped:
            break
    better, figures = outcome(record, folder)
    if record.start == SCRATCH and not better:
        msg = f"The training '{record.name}' ended before it was judged for the first time; go on with --resume."
        raise CancelledError(msg)
    record = record.model_copy(
        update={
            "state": "trained" if better else "unchanged",
            "figures": figures,
            "stopped_early": stopped,
            "seconds": spent(),
        }
    )
    write_run(folder, record)
    model = None
    if better and record.save:
        model = save_trained(folder).name
        record = record.model_copy(update={"state": "saved"})
    _tidy(folder)
    tell(
        {
            "event": "finished",
            "improved": better,
            "model": model,
            "stopped": stopped,
            "seconds": round(record.seconds, 1),
            **figures,
            "message": final_sentence(record),
        }
    )
    return record


def _made_smaller(record: RunRecord, index: int) -> tuple[RunRecord, str]:
    """The run with a smaller batch for a stage and those after it, and the sentence to say."""
    stage = record.stages[index]
    if record.devices * record.nodes > 1:
        msg = f"The memory ran out; begin anew with a --batch below {stage.batch} or a smaller --patch."
        raise OutOfMemoryError(msg)
    device = choose_device(record.device)
    plan = smaller(stage_plan(record, stage.steps, stage.batch, stage.patch, device))
    stages = [
        one.model_copy(update={"batch": plan.batch, "patch": plan.patch}) if place >= index else one
        for place, one in enumerate(record.stages)
    ]
    sentence = f"Memory ran out; going on with a batch of {plan.batch} and a patch of {plan.patch} pixels."
    return record.model_copy(update={"stages": tuple(stages)}), sentence


def _tidy(folder: Path) -> None:
    """Throw away what a finished training needs no more: kept references and states to resume from."""
    shutil.rmtree(folder / CACHE, ignore_errors=True)
    for path in (*folder.glob(f"*/{LAST}"), *folder.glob("*/stacks/*")):
        path.unlink(missing_ok=True)


class _Log:
    """Writes every event to the run's folder and hands it on."""

    def __init__(self, folder: Path, tell: Tell) -> None:
        self.path, self.tell = folder / EVENTS, tell

    def __call__(self, event: dict[str, Any]) -> None:
        # The folder is the user's own, but no event on the disk has to say where it lies.
        kept = {key: value for key, value in event.items() if key != "folder"}
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(kept) + "\n")
        self.tell(event)


def quiet_libraries() -> None:
    """Keep the trainer's advice, meant for programmers, off the user's screen."""
    import logging

    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    warnings.filterwarnings("ignore", category=FutureWarning)
