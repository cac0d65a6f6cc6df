"""QuietVoxel for 3D Slicer: denoise CT and MR volumes, compare, simulate and fine-tune.

This file only tells Slicer what the module is; everything else is in QuietVoxelLib, imported when it is needed.
"""

import sys
from pathlib import Path

import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin


class QuietVoxel(ScriptedLoadableModule):
    """What Slicer's module list shows."""

    def __init__(self, parent):
        super().__init__(parent)
        self.parent.title = _("QuietVoxel")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Filtering")]
        self.parent.dependencies = ["Volumes", "Markups", "Plots"]
        self.parent.contributors = ["QuietVoxel contributors"]
        self.parent.helpText = _(
            "Denoises CT and MR volumes with generative engines, shows what was removed, and adapts an engine to your "
            "own noisy scans. Results are not for primary diagnosis. The tutorial is docs/slicer.md of QuietVoxel."
        )
        self.parent.acknowledgementText = _("Apache-2.0.")
        slicer.app.connect("startupCompleted()", self._register_sample_data)

    def _register_sample_data(self):
        from QuietVoxelLib import sample_data

        sample_data.register(Path(__file__).parent / "Resources" / "Icons")


class QuietVoxelLogic(ScriptedLoadableModuleLogic):
    """Gives the typed parameter node."""

    def getParameterNode(self):
        """See `QuietVoxelLib.parameters`."""
        from QuietVoxelLib.parameters import QuietVoxelParameters

        return QuietVoxelParameters(super().getParameterNode())


class QuietVoxelWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """Loads the .ui file, and passes on what scene and application say."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = self.panel = None
        self._parameters = self._tag = None

    def setup(self):
        """Build the panel."""
        super().setup()
        from QuietVoxelLib.qt_module import ModulePanel

        widget = slicer.util.loadUI(self.resourcePath("UI/QuietVoxel.ui"))
        self.layout.addWidget(widget)
        self.ui = slicer.util.childWidgetVariables(widget)
        widget.setMRMLScene(slicer.mrmlScene)
        self.logic = QuietVoxelLogic()
        self.panel = ModulePanel(self.ui, slicer.mrmlScene)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeAboutToBeRemovedEvent, self.onNodeRemoved)
        slicer.app.connect("aboutToQuit()", self.onQuit)
        self._bind_parameters()

    def cleanup(self):
        """The module goes, or is loaded anew."""
        self.onQuit()
        slicer.app.disconnect("aboutToQuit()", self.onQuit)
        self.removeObservers()
        self._unbind_parameters()

    def onReload(self):
        """Developers load the module anew: the library too, which Slicer would keep."""
        for name in [one for one in sys.modules if one.partition(".")[0] == "QuietVoxelLib"]:
            del sys.modules[name]
        super().onReload()

    def enter(self):
        """The user opens the module."""
        self._bind_parameters()
        self.panel.enter()

    def exit(self):
        """The user goes to another module."""
        self._unbind_parameters()
        self.panel.exit()

    def onSceneStartClose(self, caller, event):
        """Stop everything; the nodes go."""
        self._unbind_parameters()
        self.panel.close_scene()

    def onSceneEndClose(self, caller, event):
        """Begin anew where the module is on screen."""
        if self.parent.isEntered:
            self._bind_parameters()
            self.panel.scene_closed()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeRemoved(self, caller, event, node):
        """A node leaves the scene."""
        if not slicer.mrmlScene.IsClosing():
            self.panel.node_removed(node)

    def onQuit(self):
        """End the child processes with all that they started."""
        if self.panel is not None:
            self.panel.quit()

    def _bind_parameters(self):
        if self._parameters is None:
            self._parameters = self.logic.getParameterNode()
            self._tag = self._parameters.connectGui(self.ui)
            self.panel.set_parameters(self._parameters)

    def _unbind_parameters(self):
        if self._parameters is not None:
            self._parameters.disconnectGui(self._tag)
            self._parameters = self._tag = None
            self.panel.set_parameters(None)


class QuietVoxelTest(ScriptedLoadableModuleTest):
    """What Slicer's generic test runs; the tests of the logic are in the repository, under tests/slicer."""

    def setUp(self):
        """Begin with an empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self):
        """The module loads, and says what is missing."""
        self.setUp()
        slicer.util.selectModule("QuietVoxel")
        widget = slicer.modules.quietvoxel.widgetRepresentation().self()
        assert widget.panel is not None
        assert widget.ui.denoiseSection.enabled or widget.ui.setupLabel.text
        self.delayDisplay(_("The module QuietVoxel loads."))
