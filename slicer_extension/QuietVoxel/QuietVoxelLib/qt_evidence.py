"""What is measured in A and B: regions and a line, a known reference, the structure check."""

import qt

from .core_words import core
from .words import _


class EvidenceBoxes:
    """Widgets of the three boxes of the section Compare.

    Parameters
    ----------
    ui : the widgets of the .ui file.
    pair : gives A and B.
    """

    def __init__(self, ui, pair):
        self._ui = ui
        self._pair = pair
        self._session = None
        self._places = []
        ui.structureBar.visible = False
        ui.structureBar.maximum = 1000
        ui.regionTable.setColumnCount(4)
        ui.regionTable.setHorizontalHeaderLabels([_("Region"), "A", "B", _("Change")])
        for title, name in (
            (_("show a curve…"), ""),
            (_("Line profile"), "profile"),
            (_("Noise power spectrum"), "spectrum"),
            (_("Residual histogram"), "histogram"),
        ):
            ui.curvesBox.addItem(title, name)
        ui.curvesBox.connect("activated(int)", self._open_chart)
        ui.measureButton.connect("clicked(bool)", self._measure)
        ui.referenceSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._reference_chosen)
        ui.structureButton.connect("clicked(bool)", self._check_structure)
        ui.placesList.connect("currentRowChanged(int)", self._jump)

    def bind(self, session):
        """Start working."""
        self._session = session

    def pair_changed(self):
        """A or B is another volume: what was said of the structure holds no more."""
        self._session.evidence.clear()
        self._forget_places()
        self._reference_chosen()

    def stop(self):
        """The scene closes."""
        self._forget_places()
        self._end_check("")

    def _forget_places(self):
        self._places = []
        self._ui.placesList.clear()
        self._ui.structureLine.text = ""

    def _measure(self, _checked=False):
        a, b = self._pair()
        if self._session is None or a is None or b is None:
            self._ui.regionsLine.text = _("Choose A and B first.")
            return
        ui = self._ui
        rois = [one.currentNode() for one in (ui.regionSelector, ui.backgroundSelector)]
        rois = [one for one in rois if one is not None]
        line = ui.lineSelector.currentNode()
        if not rois and line is None:
            ui.regionsLine.text = _("Draw a region or a line first: choose Create new in the list above.")
            return
        ui.regionsLine.text = ""
        self._session.evidence.measure(a, b, rois, line, self._show_rows, self._regions_say)

    def _show_rows(self, rows):
        table = self._ui.regionTable
        table.setRowCount(len(rows))
        for number, row in enumerate(rows):
            for column, text in enumerate(row):
                table.setItem(number, column, qt.QTableWidgetItem(text))

    def _open_chart(self, index):
        name = self._ui.curvesBox.itemData(index)
        self._ui.curvesBox.currentIndex = 0
        if name and (self._session is None or not self._session.evidence.open_chart(name)):
            self._regions_say(
                _("Measure first; a line profile needs a line, the other curves need a region.")
            )

    def _regions_say(self, sentence):
        self._ui.regionsLine.text = sentence

    def _reference_chosen(self, _node=None):
        ui, reference = self._ui, self._ui.referenceSelector.currentNode()
        nodes = [one for one in self._pair() if one is not None]
        if self._session is None or reference is None or not nodes:
            ui.referenceLine.text = ""
            return
        ui.referenceLine.text = _("measuring…")

        def show(figures):
            lines = [
                f"{name}:  " + "  |  ".join(f"{one[name]:.4g}" for one in figures) for name in figures[0]
            ]
            ui.referenceLine.text = "\n".join(lines)

        def fail(sentence):
            ui.referenceLine.text = sentence

        self._session.evidence.compare_with(reference, nodes, show, fail)

    def _check_structure(self, _checked=False):
        ui = self._ui
        a, b = self._pair()
        if ui.structureBar.visible:
            self._session.evidence.cancel_structure()
            ui.structureButton.text = _("Cancelling…")
            return
        if self._session is None or a is None or b is None:
            ui.structureLine.text = _("Choose A and B first.")
            return
        ui.structureLine.text = ""
        ui.structureButton.text = _("Cancel")
        ui.structureBar.value = 0
        ui.structureBar.visible = True
        self._session.evidence.check_structure(
            a, b, self._show_check, self._check_progress, self._check_failed
        )

    def _check_progress(self, fraction):
        self._ui.structureBar.value = round(1000 * fraction)

    def _check_failed(self, sentence):
        self._end_check(sentence)

    def _show_check(self, record):
        self._places = record["places"]
        self._ui.placesList.clear()
        for place in self._places:
            self._ui.placesList.addItem(
                _("slice {slice}   {kind}   {strength:.1f}").format(
                    slice=place["index"][0], kind=core(place["kind"]), strength=place["strength"]
                )
            )
        self._end_check(f"● {core(record['verdict'])}: {record['sentence']}")

    def _end_check(self, sentence):
        ui = self._ui
        ui.structureBar.visible = False
        ui.structureButton.text = _("Check structure")
        ui.structureLine.text = sentence

    def _jump(self, row):
        a = self._pair()[0]
        if a is not None and 0 <= row < len(self._places):
            self._session.evidence.jump_to(a, self._places[row])
