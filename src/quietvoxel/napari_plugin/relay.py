"""From the inference thread to the widgets: one Qt signal for the process, which says only "there is something"."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from qtpy.QtCore import QObject, Signal

from quietvoxel.jobs import Mailbox, Message


class Relay(QObject):
    """Wakes the docks. Without a parent and never deleted: a signal of a deleted object ends the program."""

    told = Signal()


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
