"""The rows Results of the section Denoise: the results of the volume, and what of the chosen one is shown."""

from .results import RESIDUAL, RESULT, UNCERTAINTY, ResultView, results_of, uncertainty_of
from .volume_nodes import source_of


class ResultsList:
    """Widgets of the rows; the selector is what the scene remembers, the list what one chooses from.

    Parameters
    ----------
    ui : the widgets of the .ui file.
    volume : gives the volume chosen in Denoise.
    """

    def __init__(self, ui, volume):
        self._ui = ui
        self._volume = volume
        self._nodes = []
        self._quiet = False
        self.view = ResultView()
        ui.resultsList.connect("currentRowChanged(int)", self._row_chosen)
        ui.resultSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._node_chosen)
        ui.showResidualBox.connect("toggled(bool)", lambda wanted: self._toggled(RESIDUAL, wanted))
        ui.showUncertaintyBox.connect("toggled(bool)", lambda wanted: self._toggled(UNCERTAINTY, wanted))
        self._show_state()

    @property
    def result(self):
        """The result chosen, or None."""
        return self._ui.resultSelector.currentNode()

    def fill(self, gone=None):
        """List the results of the volume; `gone` is leaving the scene at this moment."""
        self._nodes = [one for one in results_of(self._volume()) if one is not gone]
        self._quiet = True
        self._ui.resultsList.clear()
        for node in self._nodes:
            self._ui.resultsList.addItem(node.GetName())
        self._quiet = False
        if gone is not None and gone is self.view.residual:
            self.view.clear()
        self._show_state()

    def made(self, node):
        """A result is there, and on screen."""
        self.view.clear()
        self.fill()
        self._ui.resultSelector.setCurrentNode(node)
        self._show_state()

    def blended(self, node):
        """A result was mixed with its original."""
        self.view.refresh(node)

    def _row_chosen(self, row):
        if not self._quiet and 0 <= row < len(self._nodes):
            self._ui.resultSelector.setCurrentNode(self._nodes[row])
            self.view.show(self._nodes[row])
            self._show_state()

    def _node_chosen(self, _node=None):
        self.view.clear()
        self._show_state()

    def _toggled(self, what, wanted):
        if self._quiet:
            return
        if self.result is not None and source_of(self.result) is not None:
            self.view.show(self.result, what if wanted else RESULT)
        self._show_state()

    def _show_state(self):
        ui, result = self._ui, self.result
        self._quiet = True
        ui.resultsList.setCurrentRow(self._nodes.index(result) if result in self._nodes else -1)
        ui.showResidualBox.enabled = source_of(result) is not None
        ui.showUncertaintyBox.enabled = uncertainty_of(result) is not None
        ui.showResidualBox.checked = self.view.shown == RESIDUAL
        ui.showUncertaintyBox.checked = self.view.shown == UNCERTAINTY
        self._quiet = False
