"""The curves of a training, made of its events: loss, PSNR and SSIM of each stage. No Qt; the plots only draw them."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quietvoxel.training.runs import EVENTS

SMOOTHING = 0.9
"""Of the training loss: each second's batches met other noise, and the mean of one second jumps about."""


@dataclass
class StageCurves:
    """The curves of one stage.

    Attributes
    ----------
    steps, losses, smooth : of training, one point a second, and the running mean of the losses.
    judged, judged_losses, psnr, ssim : of validation; a loss may be NaN where only a teacher could tell.
    psnr_start, ssim_start : before the first step.
    """

    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    smooth: list[float] = field(default_factory=list)
    judged: list[int] = field(default_factory=list)
    judged_losses: list[float] = field(default_factory=list)
    psnr: list[float] = field(default_factory=list)
    ssim: list[float] = field(default_factory=list)
    psnr_start: float | None = None
    ssim_start: float | None = None

    def trained(self, step: int, loss: float) -> None:
        """Add a point of training; points from there on were lost when the process died, and are drawn anew."""
        _cut(self.steps, step, self.losses, self.smooth)
        before = self.smooth[-1] if self.smooth else loss
        self.steps.append(step)
        self.losses.append(loss)
        self.smooth.append(SMOOTHING * before + (1 - SMOOTHING) * loss)

    def validated(self, event: dict[str, Any]) -> None:
        """Add a point of validation."""
        step = int(event["step"])
        _cut(self.judged, step, self.judged_losses, self.psnr, self.ssim)
        self.judged.append(step)
        loss = event.get("loss")
        self.judged_losses.append(float("nan") if loss is None else float(loss))
        self.psnr.append(float(event["psnr"]))
        self.ssim.append(float(event["ssim"]))
        self.psnr_start, self.ssim_start = float(event["psnr_start"]), float(event["ssim_start"])


class TrainingCurves:
    """The curves of a training, stage by stage.

    Attributes
    ----------
    stages : by name, in the order in which they were trained.
    """

    def __init__(self) -> None:
        self.stages: dict[str, StageCurves] = {}

    @classmethod
    def of(cls, folder: Path) -> "TrainingCurves":
        """Read what a run has told so far; lines that are damaged are passed over."""
        curves = cls()
        try:
            lines = (folder / EVENTS).read_text("utf-8").splitlines()
        except OSError:
            return curves
        for line in lines:
            try:
                curves.take(json.loads(line))
            except (ValueError, KeyError, TypeError):
                continue
        return curves

    @property
    def stage(self) -> StageCurves:
        """The stage that is trained now, or an empty one."""
        return next(reversed(self.stages.values()), StageCurves())

    def take(self, event: dict[str, Any]) -> bool:
        """Read an event; False where it has nothing to draw."""
        kind = event["event"]
        if kind not in ("progress", "validation"):
            return False
        stage = self.stages.setdefault(str(event["stage"]), StageCurves())
        if kind == "progress":
            stage.trained(int(event["step"]), float(event["loss"]))
        else:
            stage.validated(event)
        return True


def _cut(steps: list[int], step: int, *values: list[float]) -> None:
    """Throw away the points at a step and after it."""
    while steps and steps[-1] >= step:
        steps.pop()
        for one in values:
            one.pop()
