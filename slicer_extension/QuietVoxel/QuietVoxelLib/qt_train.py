"""The section Train: binds its widgets to a training in a child process of its own."""

import json

from .core_words import core
from .qt_references import ReferenceList
from .qt_run_view import RunWidgets
from .qt_settings import SettingsWidgets
from .settings_form import rows_of
from .words import _, clock


class TrainSection:
    """Widgets of the section.

    Parameters
    ----------
    ui : the widgets of the .ui file.
    volume : gives the volume chosen in Denoise.
    """

    def __init__(self, ui, volume):
        self._ui = ui
        self._session = self._about = self._parameters = self._settings = None
        self._state = "idle"
        self.view = RunWidgets(
            None,
            ui.trainBar,
            ui.trainProgress,
            ui.trainStatus,
            ui.trainNotes,
            "",
            ui.trainDetailsButton,
            self._state_changed,
        )
        self.references = ReferenceList(ui, volume, self._foresee, self.view.say)
        self._card = {
            "title": ui.trainTitleEdit,
            "description": ui.trainDescriptionEdit,
            "licence": ui.trainLicenceEdit,
            "intended_use": ui.trainUseEdit,
        }
        ui.trainModalityBox.addItem(_("as the references"), "")
        ui.planLine.text = ""
        ui.trainEngineBox.connect("currentIndexChanged(int)", self._engine_chosen)
        for box in (ui.startBox, ui.trainModalityBox, ui.planBox):
            box.connect("currentIndexChanged(int)", self._foresee)
        ui.trainSection.connect("contentsCollapsed(bool)", self._foresee)
        ui.startTrainingButton.connect("clicked(bool)", self._start)
        ui.pauseTrainingButton.connect("clicked(bool)", self._pause)
        ui.stopTrainingButton.connect("clicked(bool)", self._stop)
        ui.resumeButton.connect("clicked(bool)", self._resume)

    def bind(self, session, about):
        """Start working, or know of a new model."""
        first = self._about is None
        self._session, self._about = session, about
        ui, training = self._ui, about["training"]
        chosen = ui.planBox.currentIndex
        ui.planBox.clear()
        for name, seconds in training["plans"].items():
            ui.planBox.addItem(
                _("{name} ~{time}").format(name=core(name.capitalize()), time=clock(seconds)), name
            )
        ui.planBox.currentIndex = max(0, chosen)
        if first:
            for engine in about["engines"]:
                ui.trainEngineBox.addItem(core(engine["title"]), engine["name"])
            for modality in about["modalities"]:
                ui.trainModalityBox.addItem(modality, modality)
            kept = json.loads(self._parameters.trainSettings) if self._parameters is not None else {}
            frame = ui.trainAdvancedFrame
            self._settings = SettingsWidgets(rows_of(training["settings"]), frame, frame, kept, self._keep)
            session.foresight.told = self._show_foresight
        self._engine_chosen()
        interrupted = training["interrupted"]
        ui.resumeLine.text = (
            _("The training {name} was stopped and can go on.").format(name=interrupted[0])
            if interrupted
            else ""
        )
        self._state_changed(self._state)

    def set_parameters(self, parameters):
        """Another parameter node."""
        self._parameters = parameters

    def node_removed(self, node):
        """A node has left the scene."""
        self.references.node_removed(node)

    @property
    def request(self):
        """What the controls say, as the worker's job `training` takes it, but for name, references and card."""
        ui = self._ui
        return {
            "engine": ui.trainEngineBox.itemData(ui.trainEngineBox.currentIndex),
            "start": ui.startBox.itemData(ui.startBox.currentIndex) or "",
            "settings": self._settings.values,
            "modality": ui.trainModalityBox.itemData(ui.trainModalityBox.currentIndex)
            or self.references.modality,
        }

    def _engine_chosen(self, _index=None):
        if self._about is None:
            return
        ui = self._ui
        engine = ui.trainEngineBox.itemData(ui.trainEngineBox.currentIndex)
        models = {}
        for offered in self._about["models"].values():
            models |= {one["name"]: one["title"] for one in offered.get(engine, [])}
        before = ui.startBox.itemData(ui.startBox.currentIndex)
        ui.startBox.clear()
        ui.startBox.addItem(_("the general model for the scans"), "")
        for name, title in models.items():
            ui.startBox.addItem(f"{core(title)} ({name})", name)
        ui.startBox.addItem(_("scratch: new weights"), self._about["training"]["scratch"])
        ui.startBox.currentIndex = max(0, ui.startBox.findData(before))
        self._foresee()

    def _keep(self):
        if self._parameters is not None:
            self._parameters.trainSettings = json.dumps(self._settings.values)
        self._foresee()

    def _foresee(self, _event=None):
        """Have time and memory measured while somebody looks at the section and nothing is trained."""
        if self._session is None or self._settings is None:
            return
        request = self.request
        known = request["modality"] or request["start"] not in ("", self._about["training"]["scratch"])
        wanted = (
            known and len(self.references) and self._state == "idle" and not self._ui.trainSection.collapsed
        )
        self._session.foresight.want(request if wanted else None)
        self._show_foresight()
        if len(self.references) and not known:
            self._ui.planLine.text = _("Choose CT or MR, and time and memory will be measured.")

    def _show_foresight(self):
        plan = self._ui.planBox.itemData(self._ui.planBox.currentIndex)
        self._ui.planLine.text = self._session.foresight.about(plan)

    def _start(self, _checked=False):
        ui = self._ui
        if self._session is None or self._session.training.busy:
            return
        if not len(self.references):
            self.view.say(_("Add noisy scans first: volumes of the scene, files or a folder."))
            return
        if not ui.trainNameEdit.text:
            self.view.say(_("Give the model a name first, such as my-ct."))
            return
        try:
            files = self.references.files(self._session.desk.folder)
        except OSError as error:
            self.view.say(str(error))
            return
        self._session.train(
            self.request
            | {
                "name": ui.trainNameEdit.text,
                "references": files,
                "plan": ui.planBox.itemData(ui.planBox.currentIndex),
                "card": {name: edit.text for name, edit in self._card.items()},
                "overwrite": bool(ui.trainOverwriteBox.checked),
            }
        )

    def _resume(self, _checked=False):
        interrupted = self._about["training"]["interrupted"] if self._about else []
        if interrupted and not self._session.training.busy:
            self._session.train({"name": interrupted[0], "resume": True})

    def _pause(self, _checked=False):
        if self._session is not None:
            self._session.training.pause()

    def _stop(self, _checked=False):
        if self._session is not None:
            self._session.training.stop()

    def _state_changed(self, state):
        self._state = state
        ui, ready = self._ui, self._session is not None
        idle = state == "idle"
        interrupted = bool(self._about and self._about["training"]["interrupted"])
        ui.startTrainingButton.enabled = ready and idle
        ui.pauseTrainingButton.enabled = state in ("running", "paused")
        ui.pauseTrainingButton.text = _("Resume") if state == "paused" else _("Pause")
        ui.stopTrainingButton.enabled = state in ("preparing", "running", "paused")
        ui.resumeButton.visible = idle and interrupted
        ui.resumeLine.visible = idle and interrupted
        if not idle:
            ui.trainOverwriteBox.checked = False  # never by accident a second time
