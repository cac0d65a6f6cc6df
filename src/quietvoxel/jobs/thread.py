"""One inference thread for the life of the process: jobs in order, urgent ones between the slices of another.

A new thread for every run would plan its convolutions anew each time; a pool's or a framework's thread keeps the
process from ending, or aborts it, when a viewer is closed in the middle of a job.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from functools import lru_cache
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from quietvoxel.errors import CancelledError
from quietvoxel.jobs.failure import Failure, failure_of, forget
from quietvoxel.jobs.job import Cancelled, Done, Job, JobContext, Message, Ticket

if TYPE_CHECKING:
    from collections.abc import Hashable

    from quietvoxel.jobs.mailbox import Mailbox

LOG = logging.getLogger(__name__)

NICENESS = 10
"""How much the GUI's thread goes before this one (Linux); on a free machine it costs nothing."""

STOP_SECONDS = 5.0
"""How long the process waits at its end for a job to hear that it is cancelled. An import hears nothing, but ends."""


class _Order(NamedTuple):
    ticket: Ticket
    job: Job
    mailbox: Mailbox[Message]


class InferenceThread:
    """Runs jobs one after the other in a daemon thread, which starts with the first of them.

    Parameters
    ----------
    polite : whether a GUI lives in the same process and goes first.
    """

    def __init__(self, *, polite: bool = True) -> None:
        self._polite = polite
        self._orders: SimpleQueue[_Order | None] = SimpleQueue()
        self._urgent: dict[Hashable, _Order] = {}
        self._open: set[Ticket] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._settled = False
        self._not_importing = threading.Event()
        self._not_importing.set()

    def submit(self, job: Job, mailbox: Mailbox[Message]) -> Ticket:
        """Hand in a job; it runs after those handed in before. Its messages come to the mailbox."""
        return self._accept(_Order(Ticket(), job, mailbox), None)

    def submit_urgent(self, key: Hashable, job: Job, mailbox: Mailbox[Message]) -> Ticket:
        """Hand in a job that goes before waiting ones, and between two slices of a running one.

        Of the same key only the newest waits: an older one that has not begun is answered with `Cancelled`.
        """
        return self._accept(_Order(Ticket(), job, mailbox), key)

    def stop(self, seconds: float = STOP_SECONDS) -> bool:
        """Cancel everything and wait for the thread to end; the object cannot be used afterwards.

        A first import of torch is waited for however long it takes, and only then `seconds` for the job.

        Returns
        -------
        Whether the thread has ended.
        """
        with self._lock:
            self._stopping = True
            self._urgent.clear()
            for ticket in self._open:
                ticket.cancel()
        self._orders.put(None)
        if self._thread is None:
            return True
        self._not_importing.wait()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def stop_at_exit(self) -> None:
        """Stop when the process ends, and end it without Python's own tidying where the job hears nothing.

        Python throws a daemon thread that still runs out of whatever it is in; out of C++ that is an abort.
        """
        atexit.register(self._stop_or_leave)

    def _stop_or_leave(self) -> None:
        if self.stop(STOP_SECONDS):
            return
        LOG.debug("a job did not hear that the process ends")
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(1 if hasattr(sys, "last_value") else 0)

    def _accept(self, order: _Order, key: Hashable | None) -> Ticket:
        with self._lock:
            if self._stopping:
                order.ticket.cancel()
                return order.ticket
            self._open.add(order.ticket)
            replaced = None
            if key is not None:
                replaced = self._urgent.pop(key, None)
                self._urgent[key] = order
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="quietvoxel-inference", daemon=True)
                self._thread.start()
        # None only wakes the thread: it looks for urgent orders before every other.
        self._orders.put(order if key is None else None)
        if replaced is not None:
            self._close(replaced, Cancelled())
        return order.ticket

    def _serve(self) -> None:
        if self._polite:
            _lower_priority()
        while not self._stopping:
            order = self._orders.get()
            self._run_urgent()
            if order is not None:
                self._run(order)
            del order  # or its volume would stay in memory while the thread waits

    def _run_urgent(self) -> None:
        while True:
            with self._lock:
                if not self._urgent:
                    return
                order = self._urgent.pop(next(iter(self._urgent)))
            self._run(order)

    def _run(self, order: _Order) -> None:
        ticket, job, mailbox = order

        def tell(content: object) -> None:
            mailbox.put(Message(ticket, content))

        context = JobContext(tell, lambda: ticket.cancelled, self._run_urgent)
        outcome: Done | Cancelled | Failure
        try:
            if self._begin(ticket):
                self._settle()
                outcome = Done(job.run(context))
            else:
                outcome = Cancelled()
        except CancelledError as error:
            forget(error)
            outcome = Cancelled()
        except BaseException as error:  # noqa: BLE001  # CUDA's errors, MemoryError and SystemExit alike: the thread lives on
            outcome = failure_of(error)
            forget(error)
        if isinstance(outcome, Failure) and outcome.details:
            LOG.error("%s\n%s", outcome.sentence, outcome.details)
        self._close(order, outcome)

    def _close(self, order: _Order, outcome: Done | Cancelled | Failure) -> None:
        with self._lock:
            self._open.discard(order.ticket)
        order.mailbox.put(Message(order.ticket, outcome))

    def _begin(self, ticket: Ticket) -> bool:
        """Whether a job is still wanted. Asked under the lock, so that `stop` knows of every import that it allows."""
        with self._lock:
            if ticket.cancelled:
                return False
            if not self._settled:
                self._not_importing.clear()
            return True

    def _settle(self) -> None:
        """Leave a core to the GUI. Per thread, and after torch is there: hence not where the thread starts."""
        if self._settled:
            return
        try:
            import torch

            torch.set_num_threads(max(1, min(torch.get_num_threads(), usable_cores() - 1)))
            self._settled = True
        finally:
            self._not_importing.set()


def usable_cores() -> int:
    """Processor cores that this process may use."""
    system: str = sys.platform  # or mypy believes that there is no other
    if system == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _lower_priority() -> None:
    """Let the GUI go first; before torch's first operation, for its helper threads inherit it."""
    if sys.platform == "linux":
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        except OSError:
            LOG.debug("the priority of the inference thread stays as it is")


@lru_cache(maxsize=1)
def inference_thread() -> InferenceThread:
    """The process's own thread; cancelled and joined when the process ends."""
    thread = InferenceThread()
    thread.stop_at_exit()
    return thread
