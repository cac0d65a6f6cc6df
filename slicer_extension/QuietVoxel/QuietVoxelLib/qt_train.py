"""The section Train: binds its widgets to a training in a child process of its own."""

import json

import qt

from .qt_run_view import RunWidgets
from .qt_settings import SettingsWidgets
from .settings_form import rows_of
from .train_run import train_command, write_reference
from .volume_nodes import modality_of, trouble_with
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
        self._volume = volume
        self._session = self._about = self._parameters = self._settings = None
        self._references = []  # paths and volume nodes
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
        ui.addVolumeButton.connect("clicked(bool)", self._add_volume)
        ui.addFilesButton.connect("clicked(bool)", self._add_files)
        ui.addFolderButton.connect("clicked(bool)", self._add_folder)
        ui.clearReferencesButton.connect("clicked(bool)", self._clear)
        ui.trainEngineBox.connect("currentIndexChanged(int)", self._engine_chosen)
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
                _("{name} ~{time}").format(name=_(name.capitalize()), time=clock(seconds)), name
            )
        ui.planBox.currentIndex = max(0, chosen)
        if first:
            for engine in about["engines"]:
                ui.trainEngineBox.addItem(_(engine["title"]), engine["name"])
            kept = json.loads(self._parameters.trainSettings) if self._parameters is not None else {}
            frame = ui.trainAdvancedFrame
            self._settings = SettingsWidgets(rows_of(training["settings"]), frame, frame, kept, self._keep)
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

    def add(self, references):
        """Add files, folders or volume nodes."""
        for one in references:
            if one not in self._references:
                self._references.append(one)
                self._ui.referencesList.addItem(one if isinstance(one, str) else one.GetName())
        self._state_changed(self._state)

    def node_removed(self, node):
        """A node has left the scene."""
        if node in self._references:
            kept = [one for one in self._references if one is not node]
            self._clear()
            self.add(kept)

    def _add_volume(self, _checked=False):
        node = self._volume()
        trouble = trouble_with(node)
        if trouble:
            self.view.say(trouble)
        else:
            self.add([node])

    def _add_files(self, _checked=False):
        self.add([str(one) for one in qt.QFileDialog.getOpenFileNames(None, _("Noisy scans to train on"))])

    def _add_folder(self, _checked=False):
        folder = qt.QFileDialog.getExistingDirectory(None, _("A folder of noisy scans"))
        if folder:
            self.add([str(folder)])

    def _clear(self, _checked=False):
        self._references = []
        self._ui.referencesList.clear()
        self._state_changed(self._state)

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
            ui.startBox.addItem(f"{title} ({name})", name)
        ui.startBox.addItem(_("scratch: new weights"), self._about["training"]["scratch"])
        ui.startBox.currentIndex = max(0, ui.startBox.findData(before))

    def _keep(self):
        if self._parameters is not None:
            self._parameters.trainSettings = json.dumps(self._settings.values)

    def _start(self, _checked=False):
        ui = self._ui
        if self._session is None or self._session.training.busy:
            return
        if not self._references:
            self.view.say(_("Add noisy scans first: volumes of the scene, files or a folder."))
            return
        if not ui.trainNameEdit.text:
            self.view.say(_("Give the model a name first, such as my-ct."))
            return
        try:
            files = [self._file_of(one) for one in self._references]
        except OSError as error:
            self.view.say(str(error))
            return
        said = {modality_of(one) for one in self._references if not isinstance(one, str)}
        defaults = {row.name: row.default for row, _control in self._settings.controls.values()}
        changed = {name: v for name, v in self._settings.values.items() if v != defaults[name]}
        command = train_command(
            self._session.program,
            files,
            ui.trainNameEdit.text,
            ui.trainEngineBox.itemData(ui.trainEngineBox.currentIndex),
            ui.startBox.itemData(ui.startBox.currentIndex),
            ui.planBox.itemData(ui.planBox.currentIndex),
            changed,
            modality=said.pop() if len(said) == 1 else "",
        )
        self._session.training.start(command)

    def _resume(self, _checked=False):
        interrupted = self._about["training"]["interrupted"] if self._about else []
        if interrupted and not self._session.training.busy:
            command = train_command(self._session.program, [], interrupted[0], "", "", "", {}, resume=True)
            self._session.training.start(command)

    def _file_of(self, reference):
        return (
            reference if isinstance(reference, str) else write_reference(reference, self._session.desk.folder)
        )

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
