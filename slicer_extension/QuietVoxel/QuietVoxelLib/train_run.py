"""Fine-tuning in a child process of its own: `quietvoxel train`, driven by JSON lines, drawn in Slicer's plots."""

import json
import time
from pathlib import Path

import numpy as np
import slicer

from .child_process import Listener
from .plots import COLOUR_A, COLOUR_B, Chart, show_in_layout
from .words import _, clock

END_SECONDS = 10.0
"""A training that is cancelled writes a checkpoint first; after that long it is ended."""

PICTURES = ("reference", "degraded", "now", "start")


def train_command(program, references, name, engine, start, plan, settings, *, modality="", resume=False):
    """The command line of a training.

    Parameters
    ----------
    program : program and arguments that start quietvoxel.
    references : files and folders.
    settings : advanced ones, by name, as the schema has them.
    """
    command = [*program, "train", *map(str, references), "--name", name]
    if not resume:
        command += ["--engine", engine, "--plan", plan]
        if start:
            command += ["--from", start]
        if modality:
            command += ["--modality", modality]
        for key, value in settings.items():
            command += ["--" + key.replace("_", "-"), str(value)]
    else:
        command += ["--resume"]
    return [*command, "--commands", "--background", "--progress", "jsonl"]


def write_reference(node, folder):
    """Save a volume node as a file for the training; gives its path."""
    path = Path(folder) / f"{node.GetID()}.nrrd"
    storage = slicer.vtkMRMLNRRDStorageNode()
    storage.SetFileName(str(path))
    storage.SetUseCompression(False)
    if not storage.WriteData(node):
        msg = _("{name} could not be written to {folder}; free some space there.").format(
            name=node.GetName(), folder=folder
        )
        raise OSError(msg)
    return path


class TrainRun(Listener):
    """One training at a time.

    Parameters
    ----------
    scene : for plots and the validation picture.
    make_process : makes a `ChildProcess`.
    view : `RunView` with one state more, "paused".
    ended : called with the name of the model that was made, or "".
    """

    def __init__(self, scene, make_process, view, ended=lambda model: None, clock=time.monotonic):
        self._scene = scene
        self._make_process = make_process
        self._view = view
        self._ended = ended
        self._clock = clock
        self._process = None
        self._state = "idle"
        self._notes = []
        self._model = ""
        self._sentence = ""
        self._folder = None
        self._kill_at = None
        self._losses, self._scores = ([], []), ([], [], [])
        self._loss_chart = Chart(scene, _("Training loss"), _("step"), _("loss"))
        self._score_chart = Chart(scene, _("Validation"), _("step"), _("PSNR (dB)"))
        self.picture = None

    @property
    def state(self):
        """Idle, preparing, running, paused or cancelling."""
        return self._state

    @property
    def busy(self):
        """Whether a training is under way."""
        return self._state != "idle"

    @property
    def charts(self):
        """The charts of loss and of validation."""
        return self._loss_chart, self._score_chart

    def start(self, command):
        """Start a training; see `train_command`."""
        if self.busy:
            return
        self._notes, self._model, self._sentence, self._folder, self._kill_at = [], "", "", None, None
        self._losses, self._scores = ([], []), ([], [], [])
        self._view.say("")
        self._view.note([])
        self._go("preparing")
        self._view.show_progress(None, _("preparing…"))
        self._process = self._make_process()
        self._process.start(command, self)

    def pause(self):
        """Pause after the step that runs, or go on."""
        if self._state == "running":
            self._command("pause")
        elif self._state == "paused":
            self._command("resume")

    def stop(self):
        """End it and keep the best."""
        if self.busy and self._state != "cancelling":
            self._go("cancelling")
            self._command("stop")

    def cancel(self):
        """End it after a checkpoint: the scene or the application closes."""
        if self._process is not None and self._process.running:
            self._go("cancelling")
            self._process.close_input()
            self._kill_at = self._clock() + END_SECONDS

    def kill(self):
        """End it now; the last checkpoint stays on the disk."""
        if self._process is not None:
            self._process.kill_tree()

    def tick(self):
        """Read what has come."""
        if self._process is None:
            return
        self._process.poll()
        if self._kill_at is not None and self._clock() > self._kill_at and self._process is not None:
            self._process.kill_tree()

    # --- what the child says

    def line(self, text):
        """One line came."""
        try:
            record = json.loads(text)
        except ValueError:
            return
        action = getattr(self, "_on_" + str(record.get("event")), None) if isinstance(record, dict) else None
        if action is not None:
            action(record)

    def ended(self, code, tail):
        """The child has ended."""
        self._process = None
        if not self._sentence:
            if code is None or "No module named" in tail:
                self._sentence = _(
                    "The training could not be started; install QuietVoxel again in this module."
                )
            elif self._state == "cancelling":
                self._sentence = _("Stopped; it can go on from its last checkpoint.")
            else:
                self._sentence = _(
                    "The training ended unexpectedly (code {code}); it can go on from its last checkpoint."
                ).format(code=code)
        self._view.say(self._sentence, tail if code not in (0, 2, 3) else "")
        self._go("idle")
        self._ended(self._model)

    def _on_started(self, record):
        self._folder = Path(record["folder"])

    def _on_reading(self, record):
        text = _("reading references {done}/{total}").format(done=record["done"], total=record["total"])
        self._view.show_progress(None, text)

    def _on_references(self, record):
        low, high = record["noise"]
        self._note(
            [
                _(
                    "{volumes} volumes · {modality} · {slices} slices · noise {low:.3g}–{high:.3g} {unit}"
                ).format(
                    volumes=record["volumes"],
                    modality=record["modality"],
                    slices=record["slices"],
                    low=low,
                    high=high,
                    unit=record["unit"],
                ),
                *(
                    _("Reference {number} is left out: {reason}.").format(
                        number=one["number"], reason=one["reason"]
                    )
                    for one in record["left_out"]
                ),
                *record["notes"],
            ]
        )

    def _on_plan(self, record):
        self._note(
            [
                *record["notes"],
                _("{steps} steps, about {time} and {memory:.1f} GB of memory, on {device}").format(
                    steps=record["steps"],
                    time=clock(record["seconds"]),
                    memory=record["memory_bytes"] / 1e9,
                    device=record["device"],
                ),
            ]
        )

    def _on_progress(self, record):
        if self._state in ("preparing", "paused"):
            self._go("running")
        text = _("{stage}: epoch {epoch}/{epochs}, loss {loss:.4f}, {time} left").format(
            stage=record["stage"],
            epoch=record["epoch"],
            epochs=record["epochs"],
            loss=record["loss"],
            time=clock(record["eta_s"]),
        )
        self._view.show_progress(record["step"] / record["steps"], text)
        _restart(self._losses, record["step"])
        self._losses[0].append(record["step"])
        self._losses[1].append(record["loss"])
        columns = {"step": self._losses[0], "loss": self._losses[1]}
        self._draw(self._loss_chart, columns, [("loss", COLOUR_B)])

    def _on_validation(self, record):
        _restart(self._scores, record["step"])
        for values, name in zip(self._scores, ("step", "psnr", "psnr_start"), strict=True):
            values.append(record[name])
        columns = {"step": self._scores[0], "now": self._scores[1], "at start": self._scores[2]}
        self._draw(self._score_chart, columns, [("now", COLOUR_B), ("at start", COLOUR_A)])
        self._show_pictures()

    def _on_paused(self, _record):
        if self._state != "cancelling":
            self._go("paused")

    def _on_resumed(self, _record):
        if self._state == "paused":
            self._go("running")

    def _on_note(self, record):
        self._note([record["message"]])

    def _on_finished(self, record):
        self._sentence, self._model = record["message"], record.get("model") or ""

    def _on_cancelled(self, record):
        self._sentence = record["message"]

    def _on_failed(self, record):
        self._sentence = record["message"]

    def _show_pictures(self):
        """The validation slice: reference, degraded, denoised now, denoised at start, from left to right."""
        if self._folder is None:
            return
        try:
            images = [np.load(self._folder / f"validation-{name}.npy") for name in PICTURES]
        except (OSError, ValueError):  # being replaced at this moment; the next validation comes
            return
        row = np.concatenate(images, axis=1)[None]
        if self.picture is None or self.picture.GetScene() is None:
            self.picture = self._scene.AddNewNodeByClass(
                "vtkMRMLScalarVolumeNode", _("Training: validation slice")
            )
            self.picture.SetDescription(_("reference | degraded | denoised now | denoised at start"))
            self.picture.SetSaveWithScene(False)
        slicer.util.updateVolumeFromArray(self.picture, row)
        self.picture.CreateDefaultDisplayNodes()

    def _draw(self, chart, columns, series):
        new = chart.chart is None
        chart.show(columns, series)
        if new:
            show_in_layout(chart.chart)

    def _note(self, sentences):
        self._notes += [one for one in sentences if one not in self._notes]
        self._view.note(self._notes)

    def _command(self, name):
        self._process.write(json.dumps({"command": name}))

    def _go(self, state):
        self._state = state
        self._view.show_state(state)


def _restart(lists, step):
    """A new stage counts from the start: its curve begins anew."""
    if lists[0] and step < lists[0][-1]:
        for values in lists:
            values.clear()
