"""From the inference thread to the widgets, and from dock to dock: Qt signals that live as long as the process."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from qtpy.QtCore import QObject, Signal

from quietvoxel.jobs import Mailbox, Message


class Relay(QObject):
    """Wakes the docks. Without a parent and never deleted: a signal of a deleted object ends the program.

    Attributes
    ----------
    told : there is something in a mailbox.
    models_changed : a model of the user's has come or gone.
    """

    told = Signal()
    models_changed = Signal()


@lru_cache(maxsize=1)
def relay() -> Relay:
    """The one relay; made on the main thread, by the first dock."""
    return Relay()


def mailbox_for(read: Callable[[], Any]) -> Mailbox[Message]:
    """Make a mailbox whose reader is called on the main thread.

    Parameters
    ----------
    read : bound method of a QWidget or QObject, so that Qt forgets it when that is deleted.
    """
    relay().told.connect(read)
    return Mailbox(relay().told.emit)
