"""`quietvoxel worker`: a program that a viewer drives by JSON lines, with volumes and models kept warm.

It ends when its standard input does, so that it never outlives the viewer: what runs is cancelled, and where
that is not heard within three seconds the process is ended.
"""

import logging
import os
import sys
import threading
from queue import SimpleQueue
from typing import Annotated, Any

from cyclopts import Parameter

from quietvoxel.cli.explaining import explain
from quietvoxel.cli.reporting import emit
from quietvoxel.errors import BadInputError

PATIENCE_SECONDS = 3.0
STUCK = 3
"""Exit code when work was cancelled by the end of the input: that of a cancelled command."""

MAIL = ""
"""In the queue of lines: the inference thread has left something to read."""


def worker(
    *,
    protocol: Annotated[
        int | None,
        Parameter(help="Version of the protocol that the caller speaks; refused where it is another."),
    ] = None,
) -> int:
    """Serve a viewer: orders as JSON lines on standard input, events on standard output."""
    from quietvoxel.jobs.worker import PROTOCOL, Worker

    lines: SimpleQueue[str | None] = SimpleQueue()
    # Tracebacks are for whoever sets QUIETVOXEL_DEBUG; a viewer gets one sentence, in an event.
    if not os.environ.get("QUIETVOXEL_DEBUG"):
        logging.getLogger("quietvoxel").addHandler(logging.NullHandler())
        logging.getLogger("quietvoxel").propagate = False
    from quietvoxel.jobs.thread import InferenceThread

    thread = InferenceThread(polite=False)
    thread.stop_at_exit()
    served = Worker(thread, emit, lambda: lines.put(MAIL), explain)
    served.hello()
    if protocol not in (None, PROTOCOL):
        newer = "update the viewer's module" if protocol < PROTOCOL else "update the package quietvoxel"
        msg = f"The viewer speaks protocol {protocol} and this program {PROTOCOL}; {newer}."
        raise BadInputError(msg)
    _watch_input(lines)
    while (line := lines.get()) is not None:
        if line == MAIL:
            served.read_mail()
        else:
            served.take(line)
    return _farewell(served, lines)


def _farewell(served: Any, lines: "SimpleQueue[str | None]") -> int:
    """Cancel what runs and tell so; end the process where nobody hears."""
    if not served.busy:
        return 0
    timer = threading.Timer(PATIENCE_SECONDS, os._exit, (STUCK,))
    timer.daemon = True
    timer.start()
    served.cancel_all()
    while served.busy:
        lines.get()
        served.read_mail()
    sys.stdout.flush()
    return STUCK


def _watch_input(lines: "SimpleQueue[str | None]") -> None:
    """Put each line into the queue, and None at the end of the input.

    Read with `os.read` in a daemon thread: a buffered read that is under way when Python ends aborts it.
    """

    def read() -> None:
        rest = b""
        while True:
            try:
                got = os.read(0, 1 << 16)
            except OSError:
                got = b""
            if not got:
                break
            *whole, rest = (rest + got).split(b"\n")
            for line in whole:
                text = line.decode("utf-8", "replace").strip()
                if text:
                    lines.put(text)
        lines.put(None)

    threading.Thread(target=read, name="quietvoxel-input", daemon=True).start()
