"""The widgets that show a run: one button, a bar, and the lines that say what came of it. See `RunView`."""

import qt

from .words import _

FINE = 1000
"""Steps of the progress bar."""


class RunWidgets:
    """`RunView` on widgets; what the button says follows from the state alone, so that it always comes back.

    Parameters
    ----------
    button, bar, progress, status, notes : of the .ui.
    title : of the button at rest.
    details : button that copies what a developer needs to know, or None.
    state_changed : called with each state.
    """

    def __init__(
        self, button, bar, progress, status, notes, title, details=None, state_changed=lambda state: None
    ):
        self._button, self._bar, self._progress = button, bar, progress
        self._status, self._notes, self._details = status, notes, details
        self._title = title
        self._text = ""
        self._ready = True
        self._state = "idle"
        self._state_changed = state_changed
        self._bar.maximum = FINE
        if details is not None:
            details.connect("clicked(bool)", self._copy)
        self.say("")
        self.note([])
        self.show_state("idle")

    def set_ready(self, ready):
        """Whether there is something to start on."""
        self._ready = ready
        self.show_state(self._state)

    def show_state(self, state):
        """See `RunView`."""
        self._state = state
        busy = state != "idle"
        cancelling = state == "cancelling"
        if self._button is not None:
            self._button.text = _("Cancelling…") if cancelling else _("Cancel") if busy else self._title
            self._button.enabled = not cancelling if busy else self._ready
        self._bar.visible = busy
        self._progress.visible = busy
        self._state_changed(state)

    def show_progress(self, fraction, text):
        """See `RunView`."""
        self._bar.maximum = 0 if fraction is None else FINE
        if fraction is not None:
            self._bar.value = round(fraction * FINE)
        self._progress.text = text

    def say(self, sentence, details=""):
        """See `RunView`."""
        self._status.text = sentence
        self._status.visible = bool(sentence)
        self._text = details
        if self._details is not None:
            self._details.visible = bool(details)

    def note(self, sentences):
        """See `RunView`."""
        self._notes.text = "\n".join(sentences)
        self._notes.visible = bool(sentences)

    def _copy(self, _checked=False):
        qt.QApplication.clipboard().setText(self._text)
