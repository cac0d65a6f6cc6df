"""What a job is, what it is given while it runs, and what its front-end hears of it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class JobContext:
    """The world as a running job sees it.

    Attributes
    ----------
    tell : leaves something for the front-end to read.
    cancelled : True once the job should stop; it then raises CancelledError.
    give_way : to be called between two slices: urgent jobs (a preview) run there, in the same thread.
    """

    tell: Callable[[object], None]
    cancelled: Callable[[], bool]
    give_way: Callable[[], None]


class Job(Protocol):
    """Something to do in the inference thread, frozen when it is handed in."""

    def run(self, context: JobContext, /) -> Any:
        """Do it and give the result.

        Raises
        ------
        CancelledError
            If `context.cancelled()` said so.
        """
        ...


@dataclass(eq=False, frozen=True)
class Ticket:
    """The receipt for a job handed in: by it a front-end knows its messages and cancels it."""

    _cancel: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        """Ask the job to stop; it answers with `Cancelled`, or with `Done` where it had just finished."""
        self._cancel.set()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked."""
        return self._cancel.is_set()


@dataclass(frozen=True)
class Done:
    """The job ended well."""

    result: Any


@dataclass(frozen=True)
class Cancelled:
    """The job stopped because it was asked to."""


@dataclass(frozen=True)
class Message:
    """What a job told, and whose it was.

    Attributes
    ----------
    ticket : of the job.
    content : what `JobContext.tell` was given, or, once and last: `Done`, `Cancelled` or `Failure`.
    """

    ticket: Ticket
    content: Any
