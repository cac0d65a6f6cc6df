"""The Train dock: adapt an engine to one's own noisy scans, watch it learn, and save what came of it as a model."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari.viewer import Viewer

from quietvoxel.errors import QuietVoxelError
from quietvoxel.jobs import (
    Done,
    Failure,
    HandOverJob,
    Job,
    ProbeJob,
    Ticket,
    TrainingRequest,
    inference_thread,
)
from quietvoxel.models import ModelCard, list_models
from quietvoxel.napari_plugin.preferences import apply_model_folder, preferences
from quietvoxel.napari_plugin.relay import mailbox_for, relay
from quietvoxel.napari_plugin.remembered import recall, remember
from quietvoxel.napari_plugin.train_choices import foreseen_line
from quietvoxel.napari_plugin.train_foresight import TrainForesight
from quietvoxel.napari_plugin.train_panel import TrainPanel
from quietvoxel.napari_plugin.train_process import TrainProcess
from quietvoxel.napari_plugin.train_references import reading_thread
from quietvoxel.napari_plugin.train_saving import TrainSaving
from quietvoxel.napari_plugin.train_waiting import Waiting
from quietvoxel.napari_plugin.train_watch import TrainWatch
from quietvoxel.napari_plugin.unproxied import unproxied
from quietvoxel.training.runs import run_folder
from quietvoxel.training.settings import PlanName, TrainingSettings
from quietvoxel.volume import Volume

WEIGHTY = {"patch", "batch", "precision"}
"""Settings on which time and memory depend."""


class TrainDock(TrainPanel):
    """Binds the panel's controls to a training in a process of its own.

    Parameters
    ----------
    napari_viewer : given by napari.

    Attributes
    ----------
    process : the training.
    watch : draws what it tells.
    saving : makes a model of it.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        apply_model_folder(preferences().model_folder)
        super().__init__(unproxied(napari_viewer), recall("train"))
        self._mailbox = mailbox_for(self._read_mail)
        self._asides: dict[Ticket, Any] = {}
        self._request: TrainingRequest | None = None
        self._handing: Ticket | None = None
        self._handed: tempfile.TemporaryDirectory[str] | None = None
        self._given: list[Path | Volume] = []
        self.process = TrainProcess(self)
        self.foresight = TrainForesight(self)
        self.watch = TrainWatch(self)
        self.saving = TrainSaving(self)
        self._connect()
        self._aside(ProbeJob(), self.choices.show_devices)
        self._changed()

    @property
    def busy(self) -> bool:
        """Whether a training is under way, or its layers are being handed over."""
        return self.process.busy or self._handing is not None

    def start(self) -> None:
        """Begin a training; what the button does."""
        if self.busy:
            return
        try:
            given = self.references.given()
        except QuietVoxelError as error:
            self.bar.say(str(error))
            return
        remember("train", self.choices.to_remember())
        self.foresight.rest()
        self.watch.begin()
        self._request = replace(self._asked(), name=self._free_name(), modality=self.choices.stated_modality)
        volumes = tuple(one for one in given if not isinstance(one, Path))
        self._given = given
        if not volumes:
            self._launch(())
            return
        self._handed = tempfile.TemporaryDirectory(prefix="quietvoxel-", ignore_cleanup_errors=True)
        job = HandOverJob(volumes, Path(self._handed.name))
        self._handing = self._aside(job, self._launch)
        self.show_state()

    def resume(self, waiting: Waiting) -> None:
        """Go on with a training of an earlier day."""
        if self.busy:
            return
        self.foresight.rest()
        self.watch.begin(waiting)
        self._request = TrainingRequest(waiting.record.name, resume=True)
        self._run()

    def shut(self) -> None:
        """Let the training end after a checkpoint, and give everything back."""
        remember("train", self.choices.to_remember())
        self._mailbox.close()
        if self._handing is not None:
            self._handing.cancel()
        self.process.leave()
        self.foresight.rest()
        self._forget_handed()
        self.references.let_go()
        self.models.let_go()
        self.saving.let_go()

    def show_state(self) -> None:
        """Let buttons and rows follow the training."""
        self.show_busy(self.busy, self.process.state if self._handing is None else None)

    def _connect(self) -> None:
        self.references.changed.connect(self._changed)
        self.choices.changed.connect(self._changed)
        self.foresight.told.connect(self._show_foreseen)
        self.process.told.connect(self._take)
        self.bar.start.connect(self.start)
        self.bar.pause.connect(self._pause)
        self.bar.resume.connect(self._go_on)
        self.bar.stop.connect(self._stop)
        self.bar.cancel.connect(self._cancel)
        self.bar.kill.connect(self._kill)
        self.waiting.resume.connect(self.resume)
        self.waiting.save.connect(self.saving.ask)
        self.saving.saved.connect(self._saved)
        self.saving.failed.connect(self._failed)
        self.waiting.said.connect(self.bar.say)
        self.models.changed.connect(relay().models_changed)
        relay().models_changed.connect(self._models_changed)
        self.destroyed.connect(self._mailbox.close)

    # --- what is to be trained

    def _modality(self) -> str:
        """What is trained, as far as it is known."""
        return self.choices.stated_modality or self.references.summary.modality

    def _asked(self) -> TrainingRequest:
        choices = self.choices
        plan: PlanName = choices.plan  # type: ignore[assignment]  # a radio button for each
        return TrainingRequest(
            "measure",
            engine=choices.engine,
            start=choices.start,
            plan=plan,
            settings=choices.settings,
            max_steps=choices.most_steps.value() or None,
            device=choices.device,
        )

    def _changed(self) -> None:
        self.references.set_modality(self.choices.stated_modality)
        modality = self._modality()
        if modality and modality != self.choices.modality:
            self.choices.show_modality(modality)
        self.bar.set_ready(bool(self.references.summary.volumes) and not self.references.looking)
        if not self.process.busy:
            # All plans are measured at once, and few settings make a difference.
            few = TrainingSettings(**self.choices.settings.model_dump(include=WEIGHTY))
            asked = replace(self._asked(), plan="quick", settings=few)
            wanted = replace(asked, modality=modality or None, measure=True)
            self.foresight.want(wanted if self.references.summary.volumes else None)
        self._show_foreseen()

    def _show_foreseen(self) -> None:
        if self.process.busy:
            return
        known = self.foresight.about(self.choices.plan)
        self.choices.plan_line.setText(known if isinstance(known, str) else foreseen_line(known))

    def _free_name(self) -> str:
        """A name that neither a run nor a model has."""
        taken = {card.name for card in list_models()}
        first = f"{self.choices.engine}-{self._modality().lower()}-own"
        names = (first if number == 1 else f"{first}-{number}" for number in range(1, 10_000))
        return next(name for name in names if name not in taken and not run_folder(name).exists())

    # --- the process

    def _launch(self, files: tuple[Path, ...]) -> None:
        """Start the process on the references, the layers among them as files."""
        self._handing = None
        assert self._request is not None
        waiting = iter(files)
        paths = tuple(one if isinstance(one, Path) else next(waiting) for one in self._given)
        self._request, self._given = replace(self._request, references=paths), []
        self._run()

    def _run(self) -> None:
        assert self._request is not None
        try:
            self.process.start(self._request)
        except OSError as error:
            self.bar.say(f"The training's process could not be started ({error.strerror}); try again.")
            self._forget_handed()
        self.show_state()

    def _take(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind in ("plan", "progress"):
            self._forget_handed()
        self.watch.take(event)
        if kind in ("finished", "cancelled", "failed"):
            self._forget_handed()
            self.waiting.refresh()
            if event.get("model"):
                relay().models_changed.emit()
        self.show_state()

    def _forget_handed(self) -> None:
        """Delete the layers' files: the training has read them."""
        if self._handed is not None:
            self._handed.cleanup()
            self._handed = None

    def _pause(self) -> None:
        if self.process.run is not None:
            self.process.run.pause()

    def _go_on(self) -> None:
        if self.process.run is not None:
            self.process.run.resume()

    def _stop(self) -> None:
        if self.process.run is not None:
            self.process.run.stop()

    def _cancel(self) -> None:
        if self._handing is not None:
            self._handing.cancel()
        elif self.process.run is not None:
            self.process.run.cancel()

    def _kill(self) -> None:
        if self.process.run is not None:
            self.process.run.kill()

    # --- models

    def _saved(self, card: ModelCard) -> None:
        self.bar.say(f"The model '{card.name}' is saved; it is in the Denoise dock's list.")
        self.waiting.refresh()
        relay().models_changed.emit()
        self.models.refresh(card.name)

    def _models_changed(self) -> None:
        self.models.refresh()
        self.choices.show_modality(self.choices.modality)

    # --- jobs beside the training

    def _aside(self, job: Job, finish: Any) -> Ticket:
        thread = inference_thread() if isinstance(job, ProbeJob) else reading_thread()
        ticket = thread.submit(job, self._mailbox)
        self._asides[ticket] = finish
        return ticket

    def _read_mail(self) -> None:
        for message in self._mailbox.drain():
            finish = self._asides.pop(message.ticket, None)
            if finish is None:
                continue
            if message.ticket is self._handing:
                self._handing = None
            if isinstance(message.content, Done):
                finish(message.content.result)
            elif isinstance(message.content, Failure):
                self._failed(message.content)
            else:
                self._forget_handed()
                self.bar.say("Cancelled.")
            self.show_state()

    def _failed(self, failure: Failure) -> None:
        self._forget_handed()
        self.bar.say(failure.sentence, failure.details)
