"""The section Simulate: binds its widgets to a simulation."""

from .core_words import core
from .qt_run_view import RunWidgets
from .volume_nodes import trouble_with
from .words import _


class SimulateSection:
    """Widgets of the section.

    Parameters
    ----------
    ui : the widgets of the .ui file.
    made : called with the source and the simulated volume.
    """

    def __init__(self, ui, made):
        self._ui = ui
        self._made = made
        self._session = self._about = None
        self._quiet = False
        self._kept = {}
        self.view = RunWidgets(
            ui.simulateButton,
            ui.simulateBar,
            ui.simulateProgress,
            ui.simulateStatus,
            ui.simulateNotes,
            _("Simulate"),
        )
        self.view.set_ready(False)
        ui.simulateSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._volume_chosen)
        ui.measureBox.connect("currentIndexChanged(int)", self._measure_chosen)
        ui.simulateButton.connect("clicked(bool)", self._clicked)

    def bind(self, session, about):
        """Start working."""
        self._session, self._about = session, about
        self._volume_chosen()

    def _volume_chosen(self, _node=None):
        node = self._ui.simulateSelector.currentNode()
        if self._session is None:
            return
        trouble = trouble_with(node)
        self.view.set_ready(not trouble)
        if not trouble:
            self._session.desk.open(node, self._show_measures, self.view.say)

    def _show_measures(self, record):
        box = self._ui.measureBox
        before = box.itemData(box.currentIndex)
        self._quiet = True
        box.clear()
        for name in self._about["measures_for"][record["modality"]]:
            box.addItem(core(self._about["measures"][name]["title"]), name)
        box.currentIndex = max(0, box.findData(before))
        self._quiet = False
        self._measure_chosen()

    def _measure_chosen(self, _index=None):
        name = self._ui.measureBox.itemData(self._ui.measureBox.currentIndex)
        if self._quiet or not name:
            return
        measure, value = self._about["measures"][name], self._ui.valueBox
        value.minimum, value.maximum = measure["lowest"], measure["highest"]
        value.singleStep = measure["step"]
        value.value = self._kept.get(name, measure["start"])
        value.toolTip = core(measure["tooltip"])

    def _clicked(self, _checked=False):
        if self._session is None:
            return
        if self._session.simulation.busy:
            self._session.simulation.cancel()
            return
        node = self._ui.simulateSelector.currentNode()
        name = self._ui.measureBox.itemData(self._ui.measureBox.currentIndex)
        trouble = trouble_with(node)
        if trouble or not name:
            self.view.say(trouble or _("The volume is still being measured; try again in a moment."))
            return
        value = self._ui.valueBox.value
        self._kept[name] = value
        words = self._about["measures"][name]["result_name"].format(value)
        self._session.simulation.start(
            node, name, value, self._ui.seedBox.value, words, lambda made: self._made(node, made)
        )
