"""The section Compare: binds its widgets to a comparison and to what is measured in it."""

import qt

from .comparison import Mode
from .core_words import core
from .qt_evidence import EvidenceBoxes
from .qt_views import SpaceKey
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
        ui.revealSlider.connect("valueChanged(double)", self._reveal)
        ui.blinkBox.connect("toggled(bool)", self._blink_toggled)
        ui.residualBox.connect("valueChanged(double)", self._residual_window)
        ui.windowBox.connect("activated(int)", self._preset)
        ui.widthBox.connect("valueChanged(double)", self._window_typed)
        ui.levelBox.connect("valueChanged(double)", self._window_typed)
        for selector in (ui.compareASelector, ui.compareBSelector):
            selector.connect("currentNodeChanged(vtkMRMLNode*)", self._pair_changed)
        self._space = SpaceKey(self.flip)
        self.evidence = EvidenceBoxes(ui, lambda: self.pair)
        self._say("")
        self._show_state()

    def bind(self, session, about):
        """Start working."""
        self._session, self._about = session, about
        self.evidence.bind(session)
        session.comparison.dragged = self._curtain_dragged
        self._ui.windowBox.clear()
        for name in about["windows"]:
            self._ui.windowBox.addItem(core(name), name)
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
        self.evidence.stop()
        self._show_state()

    def quit(self):
        """The module goes for good."""
        self._timer.stop()
        self._space.remove()

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
        mode = self._session.comparison.mode
        if mode is not None:
            self._show(mode if all(one is not None for one in self.pair) else None)
        self.evidence.pair_changed()

    def _show_state(self):
        ui = self._ui
        mode = self._session.comparison.mode if self._session is not None else None
        for one, button in self._buttons.items():
            button.checked = one is mode
        ui.revealSlider.enabled = mode in REVEALED
        self._space.set(mode is Mode.FLICKER)
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

    def _curtain_dragged(self, share):
        self._ui.revealSlider.value = 100 * share  # which moves the curtain

    def _residual_window(self, half):
        if not self._quiet and self._session is not None:
            self._session.comparison.set_residual_window(half)

    def _blink_toggled(self, wanted):
        if self._session is not None and wanted and self._session.comparison.mode is Mode.FLICKER:
            self._timer.start()
        else:
            self._timer.stop()

    def _say(self, sentence):
        self._ui.compareLine.text = sentence
        self._ui.compareLine.visible = bool(sentence)
