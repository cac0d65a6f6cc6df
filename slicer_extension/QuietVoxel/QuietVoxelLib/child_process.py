"""A child process that speaks JSON lines: what it must be able to do, and how to do it without Qt."""

import os
import queue
import subprocess
import sys
import threading
from collections import deque
from typing import Protocol

TAIL_LINES = 20
"""Lines of the error stream that are kept for whoever looks into a crash."""


class Listener(Protocol):
    """Hears of a child; always in the thread that polls it."""

    def line(self, text: str) -> None:
        """One line came."""
        ...

    def ended(self, code: "int | None", tail: str) -> None:
        """The child has ended; `code` is None where it never started, `tail` the end of its error stream."""
        ...


class ChildProcess(Protocol):
    """A child process; `qt_process.QtChild` in Slicer, `SubprocessChild` elsewhere."""

    def start(self, command: "list[str]", listener: Listener) -> None:
        """Start it; where that fails, `ended` is called with None."""
        ...

    def write(self, text: str) -> None:
        """Send a line; nothing happens where the child has ended."""
        ...

    def close_input(self) -> None:
        """Close its input, which a worker takes as: cancel all and end."""
        ...

    def kill_tree(self) -> None:
        """End it and all that it started, at once."""
        ...

    def poll(self) -> None:
        """Tell the listener what has come since."""
        ...

    @property
    def running(self) -> bool:
        """Whether it runs."""
        ...


def child_environment(environment):
    """The environment for a child: no buffering, and its own caches of nothing of Slicer's."""
    return {**environment, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}


def kill_tree(pid):
    """End a process and its descendants at once, without waiting for them.

    Slicer starts Python through a launcher, whose child is the one that matters. Where psutil is not there yet,
    the system's own means are used.
    """
    try:
        import psutil
    except ImportError:
        if os.name == "nt":
            subprocess.run(["taskkill", "/T", "/F", "/PID", str(pid)], capture_output=True, check=False)
        else:
            _kill_one(pid)
        return
    try:
        parent = psutil.Process(pid)
        family = [*parent.children(recursive=True), parent]
    except psutil.NoSuchProcess:
        return
    for process in family:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def _kill_one(pid):
    import signal

    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


class SubprocessChild:
    """A child process by Python's own means; its output is read in a thread and told when polled."""

    def __init__(self, environment=None):
        self._environment = dict(os.environ if environment is None else environment)
        self._process = None
        self._told = queue.SimpleQueue()
        self._listener = None
        self._tail = deque(maxlen=TAIL_LINES)

    @property
    def running(self):
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self):
        """Its number, for tests."""
        return self._process.pid if self._process is not None else None

    def start(self, command, listener):
        """See `ChildProcess`."""
        self._listener = listener
        hidden = {"creationflags": subprocess.CREATE_NO_WINDOW} if sys.platform == "win32" else {}
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                env=child_environment(self._environment),
                **hidden,
            )
        except OSError as error:
            self._told.put(("ended", (None, str(error))))
            return
        errors = threading.Thread(target=self._read_errors, daemon=True)
        errors.start()
        threading.Thread(target=self._read, args=(errors,), daemon=True).start()

    def write(self, text):
        """See `ChildProcess`."""
        try:
            self._process.stdin.write(text + "\n")
            self._process.stdin.flush()
        except (OSError, ValueError):  # it has ended, of which `ended` tells
            return

    def close_input(self):
        """See `ChildProcess`."""
        if self._process is not None:
            try:
                self._process.stdin.close()
            except OSError:  # what was not sent yet has no reader any more
                return

    def kill_tree(self):
        """See `ChildProcess`."""
        if self.running:
            kill_tree(self._process.pid)

    def poll(self):
        """See `ChildProcess`."""
        while True:
            try:
                kind, content = self._told.get_nowait()
            except queue.Empty:
                return
            if kind == "line":
                self._listener.line(content)
            else:
                self._listener.ended(*content)

    def _read(self, errors):
        for line in self._process.stdout:
            self._told.put(("line", line.rstrip("\n")))
        code = self._process.wait()
        errors.join(1.0)
        self._process.stdout.close()
        self._process.stderr.close()
        self.close_input()
        self._told.put(("ended", (code, "\n".join(self._tail))))

    def _read_errors(self):
        for line in self._process.stderr:
            self._tail.append(line.rstrip("\n"))
