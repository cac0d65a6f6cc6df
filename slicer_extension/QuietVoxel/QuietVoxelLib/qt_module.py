"""The module's panel: four sections over one session, one timer, and what scene and application say."""

import qt
import slicer
import vtk

from .qt_compare import CompareSection
from .qt_denoise import DenoiseSection
from .qt_process import QtChild
from .qt_setup import SetupBox, environment, program
from .qt_simulate import SimulateSection
from .qt_train import TrainSection
from .qt_views import slice_interactors
from .session import Session

TICK_MS = 50


class ModulePanel:
    """Everything below the module's own widget class.

    Parameters
    ----------
    ui : the widgets of the .ui file.
    scene : MRML scene.
    session, setup : made here when not given; tests give their own.
    """

    def __init__(self, ui, scene, session=None, setup=None):
        self._ui = ui
        self._scene = scene
        self._asked = False
        self._parameters = None
        self.session = session or Session(
            scene, lambda: QtChild(environment()), program(), interactors=slice_interactors
        )
        self.compare = CompareSection(ui)
        self.denoise = DenoiseSection(ui, self.compare.compare)
        self.simulate = SimulateSection(ui, self._simulated)
        self.train = TrainSection(ui, lambda: self.denoise.volume)
        self.setup = setup or SetupBox(ui, self.start)
        self.session.show_runs_in(
            self.denoise.view,
            self._say_preview,
            self.simulate.view,
            self.train.view,
            self._made,
            lambda _model: self._ask_about(),
        )
        ui.saveButton.connect("clicked(bool)", lambda _checked=False: slicer.util.openSaveDataDialog())
        self._timer = qt.QTimer()
        self._timer.interval = TICK_MS
        self._timer.connect("timeout()", self._tick)
        self._observed = []

    def enter(self):
        """The user opens the module."""
        if self.setup.look():
            self.start()
        self._observe_views()

    def exit(self):
        """The user goes to another module: previews rest, runs go on."""
        self.session.preview.rest()
        self._let_views_go()

    def start(self):
        """All is installed: ask the worker what there is, once."""
        self._timer.start()
        if not self._asked:
            self._asked = True
            self._ask_about()
            self.session.client.submit({"job": "devices"}, self._devices)

    def set_parameters(self, parameters):
        """Another parameter node."""
        self._parameters = parameters
        self.denoise.engines.set_parameters(parameters)
        self.train.set_parameters(parameters)

    def node_removed(self, node):
        """A node has left the scene."""
        self.session.node_removed(node)
        self.denoise.node_removed(node)
        self.train.node_removed(node)

    def close_scene(self):
        """The scene is about to close."""
        self.session.close_scene()
        self.compare.stop()
        self.denoise.results.view.clear()
        self.train.references.scene_closes()
        self._asked = False

    def scene_closed(self):
        """The scene is empty; the module goes on if it is on screen."""
        self._observe_views()
        if self.setup.look():
            self.start()

    def quit(self):
        """The application ends, or the module is loaded anew."""
        self._timer.stop()
        self._let_views_go()
        self.compare.quit()
        self.session.quit()

    def _tick(self):
        self.session.tick()
        self.compare.window_changed()

    def _ask_about(self):
        self.session.about(self._bind, self.setup.say)

    def _bind(self, about):
        self.compare.bind(self.session, about)
        self.denoise.bind(self.session, about, self._parameters)
        self.simulate.bind(self.session, about)
        self.train.bind(self.session, about)

    def _devices(self, record):
        if record["event"] == "finished":
            self.denoise.engines.show_devices(record["devices"])

    def _made(self, node):
        self.denoise.made(node)
        self.compare.offer(None, node)

    def _simulated(self, source, made):
        """Denoise what was simulated, and know the truth."""
        self._ui.referenceSelector.setCurrentNode(source)
        self._ui.inputSelector.setCurrentNode(made)

    def _say_preview(self, sentence):
        self._ui.previewLine.text = sentence

    def _observe_views(self):
        self._let_views_go()
        for view in slicer.util.getNodesByClass("vtkMRMLSliceNode", self._scene):
            tag = view.AddObserver(vtk.vtkCommand.ModifiedEvent, self._view_moved)
            self._observed.append((view, tag))

    def _let_views_go(self):
        for view, tag in self._observed:
            view.RemoveObserver(tag)
        self._observed = []

    def _view_moved(self, _caller, _event):
        self.denoise.view_moved()
