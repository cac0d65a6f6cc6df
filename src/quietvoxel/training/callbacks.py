"""What happens between the steps of a fine-tuning: progress, judging, and doing as the user wishes."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from lightning.pytorch.callbacks import Callback

from quietvoxel.errors import CancelledError
from quietvoxel.training.control import TrainingControl, Wish

if TYPE_CHECKING:
    from collections.abc import Callable

    import lightning as L

    from quietvoxel.training.checkpoints import Checkpoints

    Tell = Callable[[dict[str, Any]], None]

TOLD_EVERY = 1.0
"""Seconds between two progress events."""


class Progress(Callback):
    """Tells loss, pace and time left, once a second at most.

    Parameters
    ----------
    tell : called with each event.
    facts : what every event says besides: the stage.
    epoch_steps : steps in which as many pixels are drawn as the references have.
    later : seconds that the stages after this one take.
    """

    def __init__(self, tell: Tell, facts: dict[str, Any], epoch_steps: int, later: float = 0.0) -> None:
        self.tell, self.facts, self.epoch_steps, self.later = tell, facts, max(1, epoch_steps), later
        self.losses: list[float] = []
        self.began = time.monotonic()

    def on_train_start(self, *_: Any) -> None:
        """Count the time from here."""
        self.began = time.monotonic()

    def on_train_batch_end(self, trainer: L.Trainer, _module: Any, outputs: Any, *_: Any) -> None:
        """Gather the loss; tell if it is time to."""
        self.losses.append(float(outputs["loss"]))
        seconds = time.monotonic() - self.began
        step, steps = trainer.global_step, int(trainer.max_steps)
        if seconds < TOLD_EVERY and step < steps:
            return
        pace = seconds / len(self.losses)
        self.tell(
            {
                "event": "progress",
                **self.facts,
                "step": step,
                "steps": steps,
                "epoch": 1 + (step - 1) // self.epoch_steps,
                "epochs": math.ceil(steps / self.epoch_steps),
                "loss": round(sum(self.losses) / len(self.losses), 5),
                "seconds_per_step": round(pace, 4),
                "eta_s": round(pace * (steps - step) + self.later, 1),
            }
        )
        self.losses, self.began = [], time.monotonic()

    def pass_over(self) -> None:
        """Leave the time since the last event out of the pace: it was spent on something else than steps."""
        self.losses, self.began = [], time.monotonic()


class Judging(Callback):
    """Has the averaged network judged every so many steps.

    Parameters
    ----------
    judge : called with (averaged network, step); only in the first of several processes.
    every : steps.
    progress : whose pace must not count the time of judging.
    """

    def __init__(self, judge: Callable[[Any, int], None], every: int, progress: Progress) -> None:
        self.judge, self.every, self.progress = judge, every, progress

    def on_train_start(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Judge what was resumed: the process may have died between the checkpoint and the judgement."""
        if trainer.global_step and trainer.global_step % self.every == 0:
            self.on_train_batch_end(trainer, pl_module)

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: Any, *_: Any) -> None:
        """Judge if it is time to."""
        step = trainer.global_step
        if step % self.every == 0 or step == trainer.max_steps:
            if trainer.is_global_zero:
                self.judge(pl_module.averaged.module, step)
            self.progress.pass_over()


class Obedience(Callback):
    """Pauses, stops or ends the training after the step in which that was wished.

    Parameters
    ----------
    control : whom to ask, in the first of several processes; the others do as it does.
    checkpoints : saves before anything ends.
    progress : whose pace must not count a pause.
    tell : called with `paused` and `resumed`.
    """

    def __init__(
        self, control: TrainingControl, checkpoints: Checkpoints, progress: Progress, tell: Tell
    ) -> None:
        self.control, self.checkpoints, self.progress, self.tell = control, checkpoints, progress, tell
        self.stopped = False

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        """Do as wished.

        Raises
        ------
        CancelledError
            If the training is to end and be gone on with another time.
        """
        wish = self._agreed(trainer)
        if wish is Wish.PAUSE:
            self.checkpoints.save(trainer)
            if trainer.is_global_zero:
                pause(self.control, self.tell, trainer.global_step)
            self.progress.pass_over()
            wish = self._agreed(trainer)
        if wish is Wish.RUN:
            return
        self.checkpoints.save(trainer)
        if wish is Wish.CANCEL:
            msg = "The training was stopped; go on with --resume."
            raise CancelledError(msg)
        self.stopped = True
        trainer.should_stop = True

    def _agreed(self, trainer: L.Trainer) -> Wish:
        wish = self.control.wish
        if trainer.world_size > 1:
            wish = Wish(trainer.strategy.broadcast(str(wish)))
        return wish


def pause(control: TrainingControl, tell: Tell, step: int = 0) -> None:
    """Where a pause is wished, say so, wait for its end, and say that too."""
    if control.wishes(Wish.PAUSE):
        tell({"event": "paused", "step": step})
        control.wait_while_paused()
        if control.wishes(Wish.RUN):
            tell({"event": "resumed", "step": step})


class EndEarly(Callback):
    """Ends a stage when its network says that it is enough (DiffDenoise's leak)."""

    def __init__(self, enough: Callable[[Any], bool]) -> None:
        self.enough = enough

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: Any, *_: Any) -> None:
        """Ask the stage."""
        enough = self.enough(pl_module.network)
        if trainer.world_size > 1:
            enough = bool(trainer.strategy.broadcast(enough))
        if enough:
            trainer.should_stop = True
