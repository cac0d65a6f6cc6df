"""One trainer for pre-training and fine-tuning: Lightning drives it, stages say what is trained."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, IterableDataset

from quietvoxel.training.ahead import Ahead
from quietvoxel.training.checkpoints import LAST, Checkpoints, WholeCheckpoints
from quietvoxel.training.muon import Muon
from quietvoxel.training.references import Reference, draw_slabs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor, nn

    from quietvoxel.engines.contract import TrainingStage


@dataclass(frozen=True)
class TrainingPlan:
    """How long and how a stage is trained; what is trained is the stage's affair.

    Attributes
    ----------
    max_steps : optimizer steps.
    batch, patch : slabs per step, and their side in pixels.
    optimizer : "muon" (training/muon.py), or "adamw".
    learning_rate : of AdamW, after `warmup` steps; falls linearly to zero over the last `cooldown` of all steps.
    matrix_rate : of Muon's matrices, likewise.
    ema : decay of the averaged weights that are kept.
    seed : of weights and batches.
    precision : Lightning's name.
    checkpoint_every, checkpoint_seconds : at most so many steps and seconds lie between two checkpoints.
    """

    max_steps: int = 7000
    batch: int = 16
    patch: int = 128
    optimizer: Literal["muon", "adamw"] = "muon"
    learning_rate: float = 3e-4
    matrix_rate: float = 0.006
    warmup: int = 100
    cooldown: float = 0.6
    ema: float = 0.998
    seed: int = 0
    precision: str = "bf16-mixed"
    checkpoint_every: int = 200
    checkpoint_seconds: float = 40.0


@dataclass(frozen=True)
class TrainedStage:
    """What training leaves: the averaged weights, which are kept, and those of the very last step."""

    averaged: nn.Module
    last: nn.Module


class _Ticks(IterableDataset[int]):
    """An endless stream of nothing: a step makes its batch from (seed, step), so that resuming is exact."""

    def __iter__(self) -> Iterator[int]:
        while True:
            yield 0


def averaging(network: nn.Module, plan: TrainingPlan) -> AveragedModel:
    """An exponential moving average that starts as a copy of the network."""
    return AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(plan.ema))  # type: ignore[no-untyped-call]


def optimizer_for(network: nn.Module, plan: TrainingPlan) -> torch.optim.Optimizer:
    """The optimizer that a plan names."""
    weights = network.parameters()
    if plan.optimizer == "muon":
        return Muon(weights, plan.matrix_rate, plan.learning_rate)
    return torch.optim.AdamW(weights, plan.learning_rate, (0.9, 0.99), weight_decay=1e-4)


def step_batch(
    stage: TrainingStage, references: Sequence[Reference], plan: TrainingPlan, step: int, rank: int = 0
) -> dict[str, Tensor]:
    """Draw and degrade the batch of a step: it depends on seed, step and process, not on what was drawn before."""
    # A trailing zero changes nothing in the sequence: the first of several processes draws what one alone does.
    rng = np.random.default_rng([plan.seed, step, rank])
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    slabs = draw_slabs(references, plan.batch, plan.patch, stage.halo, rng)
    return dict(stage.prepare(slabs, step / plan.max_steps, generator))


class StageModule(L.LightningModule):
    """A training stage as Lightning wants it, with averaged weights (EMA) beside the trained ones."""

    def __init__(self, stage: TrainingStage, references: Sequence[Reference], plan: TrainingPlan) -> None:
        super().__init__()
        self.stage, self.plan = stage, plan
        self.references = list(references)
        self.network = stage.build()
        self.averaged = averaging(self.network, plan)
        self._ahead: Ahead[dict[str, Tensor]] | None = None

    def on_train_start(self) -> None:
        """Begin to make batches; each process of several has its own."""
        rank = self.global_rank
        self._ahead = Ahead(
            lambda step: step_batch(self.stage, self.references, self.plan, step, rank), self.plan.max_steps
        )

    def teardown(self, *_: Any, **_more: Any) -> None:
        """End the thread that makes batches, however the training ended."""
        if self._ahead is not None:
            self._ahead.close()
            self._ahead = None

    def training_step(self, _batch: Any, _index: int) -> Tensor:
        """Score the batch of this step."""
        assert self._ahead is not None
        batch = self._ahead.take(self.global_step)
        batch = {name: tensor.to(self.device) for name, tensor in batch.items()}
        return self.stage.loss(self.network, batch)

    def optimizer_step(self, *arguments: Any, **more: Any) -> None:
        """Average the weights after each step; here, because a checkpoint is written before later hooks run."""
        super().optimizer_step(*arguments, **more)
        self.averaged.update_parameters(self.network)

    def configure_optimizers(self) -> Any:
        """The optimizer with warm-up, a plateau and a linear cool-down."""
        plan = self.plan
        optimizer = optimizer_for(self.network, plan)

        def factor(step: int) -> float:
            left = (plan.max_steps - step) / max(1.0, plan.cooldown * plan.max_steps)
            return max(0.0, min(1.0, (step + 1) / max(1, plan.warmup), left))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class _Events(Callback):
    """Tells a caller and a log file how the training goes; holds no data of any patient."""

    def __init__(self, folder: Path, tell: Callable[[dict[str, Any]], None], every: int) -> None:
        self.folder, self.tell, self.every = folder, tell, every
        self.loss, self.count, self.began = 0.0, 0, time.monotonic()

    def on_train_batch_end(
        self, trainer: L.Trainer, _module: L.LightningModule, outputs: Any, *_: Any
    ) -> None:
        self.loss += float(outputs["loss"])
        self.count += 1
        if self.count == self.every:
            seconds = (time.monotonic() - self.began) / self.count
            event = {
                "event": "progress",
                "step": trainer.global_step,
                "steps": trainer.max_steps,
                "loss": round(self.loss / self.count, 5),
                "seconds_per_step": round(seconds, 3),
                "eta_s": round(seconds * (trainer.max_steps - trainer.global_step), 1),
            }
            with (self.folder / "events.jsonl").open("a") as log:
                log.write(json.dumps(event) + "\n")
            self.tell(event)
            self.loss, self.count, self.began = 0.0, 0, time.monotonic()


class _EarlyStop(Callback):
    """Ends the training when the network says that it is enough, and tells of it."""

    def __init__(self, stop: Callable[[nn.Module], bool], tell: Callable[[dict[str, Any]], None]) -> None:
        self.stop, self.tell = stop, tell

    def on_train_batch_end(self, trainer: L.Trainer, module: L.LightningModule, *_: Any) -> None:
        if isinstance(module, StageModule) and self.stop(module.network):
            trainer.should_stop = True
            if trainer.global_step < trainer.max_steps:
                self.tell({"event": "enough", "step": trainer.global_step, "steps": trainer.max_steps})


def train_stage(
    stage: TrainingStage,
    references: Sequence[Reference],
    plan: TrainingPlan,
    folder: Path,
    *,
    start: nn.Module | None = None,
    resume: bool = True,
    tell: Callable[[dict[str, Any]], None] = lambda event: None,
    stop: Callable[[nn.Module], bool] = lambda network: False,
    callbacks: Sequence[Callback] = (),
    where: Mapping[str, Any] | None = None,
) -> TrainedStage:
    """Train one stage.

    Parameters
    ----------
    stage : what to train.
    references : volumes to train on, normalised.
    plan : how long and how.
    folder : where checkpoints and the event log go; a checkpoint found there is gone on from if `resume`.
    start : weights to start from (fine-tuning).
    tell : called with each progress event, and with one named "enough" when training ends early.
    stop : asked after each step whether training ends early.
    callbacks : Lightning's, in place of checkpoints and events as the plan has them.
    where : Lightning's own words for devices: accelerator, devices, num_nodes, strategy, plugins.

    Raises
    ------
    QuietVoxelError
        If the disk is full; the last good checkpoint is kept.
    """
    torch.set_float32_matmul_precision("high")
    L.seed_everything(plan.seed, verbose=False)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(json.dumps(asdict(plan), indent=1))
    module = StageModule(stage, references, plan)
    if start is not None:
        module.network.load_state_dict(start.state_dict())
        module.averaged = averaging(start, plan)
    # Averaged weights learn nothing themselves; several processes would wait for their gradients.
    module.averaged.requires_grad_(False)
    usual = [
        _Events(folder, tell, every=50),
        _EarlyStop(stop, tell),
        Checkpoints(folder, plan.checkpoint_every, plan.checkpoint_seconds),
    ]
    more = dict(where or {})
    plugins = [WholeCheckpoints(), *more.pop("plugins", [])]
    trainer = L.Trainer(
        max_steps=plan.max_steps,
        precision=plan.precision,  # type: ignore[arg-type]  # a plain string here, a literal in Lightning
        gradient_clip_val=1.0,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        plugins=plugins,
        callbacks=list(callbacks) or usual,
        **more,
    )
    last = folder / LAST
    trainer.fit(
        module,
        DataLoader(_Ticks(), batch_size=None),
        ckpt_path=last if resume and last.exists() else None,
    )
    return TrainedStage(module.averaged.module, module.network)
