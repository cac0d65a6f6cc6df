"""What the user asks of a running training: to pause, to go on, to stop and keep the best, to be gone."""

from __future__ import annotations

import threading
from enum import StrEnum


class Wish(StrEnum):
    """What the training should do after the step that it is in.

    `STOP` ends it and keeps the best model; `CANCEL` ends it after a checkpoint from which it can go on.
    """

    RUN = "run"
    PAUSE = "pause"
    STOP = "stop"
    CANCEL = "cancel"


class TrainingControl:
    """Carries the user's wish from any thread to the training; safe to ask after each step."""

    def __init__(self) -> None:
        self._wish = Wish.RUN
        self._changed = threading.Condition()

    @property
    def wish(self) -> Wish:
        """What was asked for last; an end that was asked for stays."""
        return self._wish

    def wishes(self, wish: Wish) -> bool:
        """Whether this is what was asked for last."""
        return self._wish is wish

    def ask(self, wish: Wish) -> None:
        """Ask for something; after `STOP` only `CANCEL` is heard, after `CANCEL` nothing."""
        with self._changed:
            final = self._wish is Wish.CANCEL or (self._wish is Wish.STOP and wish is not Wish.CANCEL)
            if not final:
                self._wish = wish
            self._changed.notify_all()

    def wait_while_paused(self) -> None:
        """Return when something else than `PAUSE` is wished."""
        with self._changed:
            while self._wish is Wish.PAUSE:
                # A timeout, so that a signal's handler gets its turn in the main thread.
                self._changed.wait(0.2)
