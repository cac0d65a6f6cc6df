"""What shows a run to the user, whatever does the work; and the line that says how far it is."""

from typing import Protocol

from .words import _, clock

IDLE, PREPARING, RUNNING, CANCELLING = "idle", "preparing", "running", "cancelling"


class RunView(Protocol):
    """Where a run is shown."""

    def show_state(self, state: str) -> None:
        """Idle, preparing, running or cancelling: what the one button says follows from it."""
        ...

    def show_progress(self, fraction: "float | None", text: str) -> None:
        """How far it is; None where nobody knows."""
        ...

    def say(self, sentence: str, details: str = "") -> None:
        """One sentence that stays until the next."""
        ...

    def note(self, sentences: list) -> None:
        """Sentences to be known while one looks at the result."""
        ...


class Notes:
    """Sentences of one run, each shown once.

    Parameters
    ----------
    view : `RunView`.
    """

    def __init__(self, view):
        self._view = view
        self._sentences = []

    def add(self, sentences):
        """Show more of them."""
        self._sentences += [one for one in sentences if one not in self._sentences]
        self._view.note(self._sentences)

    def clear(self):
        """Another run begins."""
        self._sentences = []
        self._view.note([])


def progress_line(record):
    """Say where a run is: "slice 61/96, step 2/3, 0:21 left"."""
    number = min(record["done"] + 1, record["total"])
    values = {"slice": number, "total": record["total"]}
    text = _("slice {slice}/{total}")
    if record.get("steps", 1) > 1:
        text = _("slice {slice}/{total}, step {step}/{steps}")
        values |= {"step": record["step"], "steps": record["steps"]}
    text = text.format(**values)
    if record.get("eta_s") is not None:
        text = _("{progress}, {time} left").format(progress=text, time=clock(record["eta_s"]))
    return text
