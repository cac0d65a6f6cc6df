"""Messages from the inference thread to a front-end: one wake-up for many messages."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Keeps messages in order until their reader fetches them.

    Parameters
    ----------
    wake : called from the writer's thread when the first message of a batch arrives; it should only make the
        reader's own thread call `drain` (a Qt signal, a pipe, an event).
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._messages: deque[T] = deque()
        self._lock = threading.Lock()
        self._closed = False

    def put(self, message: T) -> None:
        """Leave a message; from any thread. After `close` it is dropped."""
        with self._lock:
            if self._closed:
                return
            first = not self._messages
            self._messages.append(message)
        if first:
            self._wake()

    def drain(self) -> list[T]:
        """Take all messages that lie there, the oldest first."""
        with self._lock:
            messages = list(self._messages)
            self._messages.clear()
        return messages

    def close(self) -> None:
        """Drop what lies there and whatever comes."""
        with self._lock:
            self._closed = True
            self._messages.clear()
