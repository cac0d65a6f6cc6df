"""Judges a stage while it trains: figures, the pictures that viewers show, and the best weights so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from quietvoxel.intensity import HU_PER_UNIT
from quietvoxel.training.checkpoints import load_best, save_best, write_whole
from quietvoxel.training.runs import PICTURES
from quietvoxel.training.validation import JudgedSlab, Score, score

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from quietvoxel.engines.contract import TrainingStage
    from quietvoxel.training.tunable import TunedStage

BEST = "best.safetensors"
"""The averaged weights that were judged best, with their step and figures."""


@dataclass
class Judge:
    """Judges the network of one stage, the other networks staying as they are.

    Attributes
    ----------
    tuned, stage : what is trained.
    recipe, networks : of the engine; the judged network takes its place among them for the time of judging.
    slabs : what it is judged on.
    folder : of the run; the stage's own folder in it keeps the best weights.
    device, dtype : where and how precisely.
    tell : called with the validation event.
    start : the score at the start.
    must_beat_start : whether a network that is not better than the start is worth keeping.
    best : the best PSNR so far.
    judged : the step that was judged last.
    """

    tuned: TunedStage
    stage: TrainingStage
    recipe: Any
    networks: Mapping[str, nn.Module]
    slabs: list[JudgedSlab]
    folder: Path
    device: torch.device
    dtype: torch.dtype
    tell: Callable[[dict[str, Any]], None]
    must_beat_start: bool = True
    start: Score | None = None
    best: float = field(default=-np.inf, init=False)
    judged: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        kept = load_best(self.best_path)
        if kept is not None:
            self.best = float(kept[1]["psnr"])

    @property
    def best_path(self) -> Path:
        """Where the best weights lie."""
        return self.folder / self.tuned.name / BEST

    def judge_start(self) -> Score:
        """The score of the network that training starts from; writes the pictures that do not change."""
        network = self.networks[self.tuned.name]
        found, images = self._score(network)
        first = self.slabs[0]
        self._picture("reference", first.reference)
        self._picture("degraded", first.slab[0, first.slab.shape[1] // 2].numpy())
        self._picture("start", images[0])
        self._picture("now", images[0])
        self.start = found
        self._event(0, found, self._loss(network), better=False)
        return found

    def __call__(self, network: nn.Module, step: int) -> None:
        """Judge the network after a step, and keep it if it is the best so far."""
        found, images = self._score(network)
        self._picture("now", images[0])
        floor = self.start.psnr if self.start is not None and self.must_beat_start else -np.inf
        better = found.psnr > max(self.best, floor)
        if better:
            facts = {"step": step, "psnr": found.psnr, "ssim": found.ssim}
            save_best(self.best_path, network.state_dict(), facts)
            self.best = found.psnr
        self.judged = step
        self._event(step, found, self._loss(network), better=better)

    def _score(self, network: nn.Module) -> tuple[Score, list[NDArray[np.float32]]]:
        networks = {**self.networks, self.tuned.name: network}
        for one in networks.values():
            one.to(self.device)
        denoise = self.tuned.denoise(networks, self.recipe)
        return score(self.slabs, denoise, self.recipe.modality, self.device, self.dtype)

    def _loss(self, network: nn.Module) -> float | None:
        """The stage's own loss on the judged slabs; None where only a teacher could tell (the student)."""
        if self.tuned.taught:
            return None
        network.eval()
        losses = []
        with (
            torch.no_grad(),
            torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32),
        ):
            for index, one in enumerate(self.slabs):
                batch = self.stage.prepare(one.source, 1.0, torch.Generator().manual_seed(index))
                on_device = {name: tensor.to(self.device) for name, tensor in batch.items()}
                losses.append(float(self.stage.loss(network, on_device)))
        return float(np.mean(losses))

    def _picture(self, name: str, image: NDArray[np.float32]) -> None:
        assert name in PICTURES
        unit = HU_PER_UNIT if self.recipe.modality == "CT" else 1.0
        path = self.folder / f"validation-{name}.npy"
        write_whole(path, lambda partial: _save(partial, (unit * image).astype(np.float32)))

    def _event(self, step: int, found: Score, loss: float | None, *, better: bool) -> None:
        start = self.start or found
        self.tell(
            {
                "event": "validation",
                "stage": self.tuned.name,
                "step": step,
                "loss": None if loss is None else round(loss, 5),
                "psnr": round(found.psnr, 3),
                "ssim": round(found.ssim, 4),
                "psnr_start": round(start.psnr, 3),
                "ssim_start": round(start.ssim, 4),
                "better": better,
            }
        )


def _save(path: Path, image: NDArray[np.float32]) -> None:
    with path.open("wb") as stream:
        np.save(stream, image)
