"""The section Compare: binds its widgets to a comparison and to what is measured in it."""

import qt

from .comparison import Mode
from .volume_nodes import source_of
from .words import _

BLINK_MS = 700
REVEALED = (Mode.FADE, Mode.CURTAIN)


class CompareSection:
    """Widgets of the section.

    Parameters
    ----------
    ui : the widgets of the .ui file.
    """

    def __init__(self, ui):
        self._ui = ui
        self._session = self._about = None
        self._quiet = False
        self._places = []
        self._shown_window = None
        self._buttons = {
            Mode.SIDE_BY_SIDE: ui.sideBySideButton,
            Mode.FADE: ui.fadeButton,
            Mode.CURTAIN: ui.curtainButton,
            Mode.FLICKER: ui.flickerButton,
            Mode.CHECKERBOARD: ui.checkerboardButton,
            Mode.RESIDUAL: ui.residualButton,
        }
        for mode, button in self._buttons.items():
            button.connect("clicked(bool)", lambda _checked=False, mode=mode: self.press(mode))
        self._timer = qt.QTimer()
        self._timer.interval = BLINK_MS
        self._timer.connect("timeout()", self.flip)
        ui.structureBar.visible = False
        ui.structureBar.maximum = 1000
        ui.regionTable.setColumnCount(4)
        ui.regionTable.setHorizontalHeaderLabels([_("Region"), "A", "B", _("Change")])
        ui.revealSlider.connect("valueChanged(double)", self._reveal)
        ui.blinkBox.connect("toggled(bool)", self._blink_toggled)
        ui.residualBox.connect("valueChanged(double)", self._residual_window)
        ui.windowBox.connect("activated(int)", self._preset)
        ui.widthBox.connect("valueChanged(double)", self._window_typed)
        ui.levelBox.connect("valueChanged(double)", self._window_typed)
        for selector in (ui.compareASelector, ui.compareBSelector):
            selector.connect("currentNodeChanged(vtkMRMLNode*)", self._pair_changed)
        ui.measureButton.connect("clicked(bool)", self._measure)
        ui.referenceSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._reference_chosen)
        ui.structureButton.connect("clicked(bool)", self._check_structure)
        ui.placesList.connect("currentRowChanged(int)", self._jump)
        self._say("")
        self._show_state()

    def bind(self, session, about):
        """Start working."""
        self._session, self._about = session, about
        self._ui.windowBox.clear()
        for name in about["windows"]:
            self._ui.windowBox.addItem(_(name), name)
        self._ui.windowBox.addItem(_("own"), "")
        self._show_state()

    def offer(self, source, result):
        """A result is there: A and B are most likely these two."""
        if self._session is not None and self._session.comparison.mode is None:
            self._ui.compareASelector.setCurrentNode(source or source_of(result))
            self._ui.compareBSelector.setCurrentNode(result)

    def compare(self, source, results):
        """All engines have run: the source and the first result side by side."""
        self._ui.compareASelector.setCurrentNode(source)
        self._ui.compareBSelector.setCurrentNode(results[0])
        self._show(Mode.SIDE_BY_SIDE)

    def press(self, mode):
        """A mode's button: shows it, or where it is shown gives the views back."""
        if self._session is None:
            self._show_state()
            return
        self._show(None if self._session.comparison.mode is mode else mode)

    def flip(self):
        """Change between A and B; what Space does."""
        if self._session is not None and self._session.comparison.mode is Mode.FLICKER:
            self._session.comparison.flip()
            self._show_state()

    def stop(self):
        """The module is left for good, or the scene closes."""
        self._timer.stop()
        self._places = []
        self._ui.placesList.clear()
        self._ui.structureLine.text = ""
        self._ui.structureBar.visible = False
        self._ui.structureButton.text = _("Check structure")
        self._show_state()

    def window_changed(self):
        """Show the window where somebody has changed it in a view; what is being typed is left alone."""
        window = self._session.comparison.window if self._session is not None else None
        if window is not None and window.get() != self._shown_window:
            self._show_window()

    @property
    def pair(self):
        """A and B."""
        return self._ui.compareASelector.currentNode(), self._ui.compareBSelector.currentNode()

    def _show(self, mode):
        comparison = self._session.comparison
        self._timer.stop()
        if mode is None:
            comparison.stop()
            self._say("")
        else:
            self._session.preview.rest()
            opened = self._session.desk.opened(self.pair[0]) if self.pair[0] is not None else None
            self._say(comparison.show(mode, *self.pair, axis=opened["axis"] if opened else 0))
            self._reveal(self._ui.revealSlider.value)
            if comparison.mode is Mode.FLICKER and self._ui.blinkBox.checked:
                self._timer.start()
        self._show_state()

    def _pair_changed(self, _node=None):
        if self._session is None:
            return
        self._session.evidence.clear()
        self._places = []
        self._ui.placesList.clear()
        self._ui.structureLine.text = ""
        mode = self._session.comparison.mode
        if mode is not None:
            self._show(mode if all(one is not None for one in self.pair) else None)
        self._reference_chosen()

    def _show_state(self):
        ui = self._ui
        mode = self._session.comparison.mode if self._session is not None else None
        for one, button in self._buttons.items():
            button.checked = one is mode
        ui.revealSlider.enabled = mode in REVEALED
        ui.blinkBox.enabled = mode is Mode.FLICKER
        ui.residualBox.enabled = mode is Mode.RESIDUAL
        ui.shownLine.visible = mode is Mode.FLICKER
        if mode is Mode.FLICKER:
            letter = "B" if self._session.comparison.showing_b else "A"
            node = self.pair[1 if letter == "B" else 0]
            ui.shownLine.text = _("Now {letter}: {name}").format(
                letter=letter, name=node.GetName() if node else ""
            )
        if mode is Mode.RESIDUAL:
            self._quiet = True
            ui.residualBox.value = self._session.comparison.derived.GetDisplayNode().GetWindow() / 2
            self._quiet = False
        self._show_window()

    def _show_window(self):
        window = self._session.comparison.window if self._session is not None else None
        now = window.get() if window is not None else None
        for box in (self._ui.windowBox, self._ui.widthBox, self._ui.levelBox):
            box.enabled = now is not None
        self._shown_window = now
        if now is None:
            return
        self._quiet = True
        self._ui.widthBox.value, self._ui.levelBox.value = now
        presets = self._about["windows"]
        name = next((one for one, values in presets.items() if list(now) == list(values)), "")
        self._ui.windowBox.currentIndex = self._ui.windowBox.findData(name)
        self._quiet = False

    def _preset(self, index):
        name = self._ui.windowBox.itemData(index)
        if name and self._session.comparison.window is not None:
            self._session.comparison.window.set(*self._about["windows"][name])
            self._show_window()

    def _window_typed(self, _value=None):
        if not self._quiet and self._session is not None and self._session.comparison.window is not None:
            self._session.comparison.window.set(self._ui.widthBox.value, self._ui.levelBox.value)
            self._show_window()

    def _reveal(self, percent):
        if self._session is not None:
            self._session.comparison.set_fade(percent / 100)
            self._session.comparison.set_curtain(percent / 100)

    def _residual_window(self, half):
        if not self._quiet and self._session is not None:
            self._session.comparison.set_residual_window(half)

    def _blink_toggled(self, wanted):
        if self._session is not None and wanted and self._session.comparison.mode is Mode.FLICKER:
            self._timer.start()
        else:
            self._timer.stop()

    def _measure(self, _checked=False):
        a, b = self.pair
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

    def _regions_say(self, sentence):
        self._ui.regionsLine.text = sentence

    def _reference_chosen(self, _node=None):
        ui, reference = self._ui, self._ui.referenceSelector.currentNode()
        nodes = [one for one in self.pair if one is not None]
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
        a, b = self.pair
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
                    slice=place["index"][0], kind=_(place["kind"]), strength=place["strength"]
                )
            )
        self._end_check(f"● {record['verdict']}: {record['sentence']}")

    def _end_check(self, sentence):
        ui = self._ui
        ui.structureBar.visible = False
        ui.structureButton.text = _("Check structure")
        ui.structureLine.text = sentence

    def _jump(self, row):
        a = self.pair[0]
        if a is not None and 0 <= row < len(self._places):
            self._session.evidence.jump_to(a, self._places[row])

    def _say(self, sentence):
        self._ui.compareLine.text = sentence
        self._ui.compareLine.visible = bool(sentence)
