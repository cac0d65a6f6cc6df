"""What the dock shows of a training under way: progress, curves, pictures, notes, and the sentence at its end."""

from pathlib import Path
from typing import Any

from quietvoxel.jobs.progress_line import clock
from quietvoxel.napari_plugin.train_choices import foreseen_line
from quietvoxel.napari_plugin.train_curves import TrainingCurves
from quietvoxel.napari_plugin.train_panel import TrainPanel
from quietvoxel.napari_plugin.train_waiting import Waiting
from quietvoxel.training.runs import run_folder


class TrainWatch:
    """Reads events and draws them into the panel.

    Parameters
    ----------
    panel : of the dock.

    Attributes
    ----------
    curves : of the training that is shown.
    """

    def __init__(self, panel: TrainPanel) -> None:
        self._panel = panel
        self.curves = TrainingCurves()
        self._folder: Path | None = None
        self._modality = ""
        self._stages: list[str] = []
        self._notes: list[str] = []
        self._plan_line = ""

    def begin(self, waiting: Waiting | None = None) -> None:
        """Show a new training, or one that goes on where it was."""
        panel = self._panel
        self.curves = TrainingCurves.of(waiting.folder) if waiting else TrainingCurves()
        self._folder, self._modality, self._stages, self._notes = None, "", [], []
        self._plan_line = ""
        panel.bar.say("")
        panel.bar.note([])
        panel.pictures.clear()
        panel.plots.setVisible(bool(self.curves.stages))
        panel.plots.show_stage(self.curves.stage)
        if waiting is not None:
            self._modality = waiting.record.modality
            self._stages = [stage.name for stage in waiting.record.stages]
            panel.pictures.load(waiting.folder, self._modality)

    def take(self, event: dict[str, Any]) -> None:
        """Show an event."""
        if self.curves.take(event):
            self._panel.plots.show_stage(self.curves.stage)
            self._panel.plots.show()
        show = getattr(self, f"_{event['event']}", None)
        if show is not None:
            show(event)

    def _started(self, event: dict[str, Any]) -> None:
        self._folder = run_folder(event["name"])
        words = "going on from the last checkpoint…" if event["resumed"] else "reading references…"
        self._panel.bar.show_progress(None, words)

    def _reading(self, event: dict[str, Any]) -> None:
        done, total = event["done"], event["total"]
        self._panel.bar.show_progress(done / total, f"reading references: {done + 1} of {total}")

    def _references(self, event: dict[str, Any]) -> None:
        self._modality = event["modality"]
        self._note(event["notes"])
        self._panel.bar.show_progress(None, "measuring time and memory on this machine…")

    def _plan(self, event: dict[str, Any]) -> None:
        self._stages = [stage["name"] for stage in event["stages"]]
        self._plan_line = foreseen_line(event)
        self._note([])
        self._panel.bar.show_progress(None, "judging the start…")

    def _progress(self, event: dict[str, Any]) -> None:
        name, step, steps = event["stage"], event["step"], event["steps"]
        said = [
            f"step {step}/{steps}",
            f"epoch {event['epoch']}/{event['epochs']}",
            f"{clock(event['eta_s'])} left",
        ]
        if len(self._stages) > 1 and name in self._stages:
            title = name.replace("_", "-")
            said.insert(0, f"{title} (stage {self._stages.index(name) + 1} of {len(self._stages)})")
        self._panel.bar.show_progress(step / steps, " · ".join(said))

    def _validation(self, event: dict[str, Any]) -> None:
        if self._folder is not None:
            self._panel.pictures.load(self._folder, self._modality)
        gain = event["psnr"] - event["psnr_start"]
        self._panel.plots.show_figures(
            event["psnr"], gain, event["ssim"], event["ssim"] - event["ssim_start"]
        )

    def _teaching(self, event: dict[str, Any]) -> None:
        done, total = event["done"], event["total"]
        self._panel.bar.show_progress(done / total, f"the teacher denoises stacks: {done} of {total}")

    def _paused(self, event: dict[str, Any]) -> None:
        self._panel.bar.progress.setText(f"paused at step {event['step']}")

    def _note(self, sentences: list[str] | dict[str, Any]) -> None:
        self._notes += [sentences["message"]] if isinstance(sentences, dict) else sentences
        self._panel.bar.note([self._plan_line, *self._notes] if self._plan_line else self._notes)

    def _ended(self, event: dict[str, Any]) -> None:
        self._plan_line = ""  # what it was to take is of no interest any more
        self._note([])
        self._panel.bar.say(event["message"], event.get("details", ""))

    _finished = _cancelled = _failed = _ended
