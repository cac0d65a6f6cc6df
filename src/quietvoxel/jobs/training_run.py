"""A training in a process of its own, driven by a front-end: its memory is free afterwards, its crash harms nobody.

The child is `quietvoxel train … --progress jsonl --commands --background`. Its events come through a `Mailbox`; when
the front-end dies, the end of the child's standard input makes it stop after a checkpoint.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from quietvoxel.jobs.mailbox import Mailbox
    from quietvoxel.jobs.training_request import TrainingRequest

Event = dict[str, Any]
"""One event of docs/training.md, as the child printed it."""

LAST_EVENTS = ("finished", "cancelled", "failed", "measured")
"""Exactly one of these ends every run."""


class TrainingState(StrEnum):
    """Where a training is, as its user sees it; what the buttons say follows from it."""

    IDLE = "idle"
    PREPARING = "preparing"
    TRAINING = "training"
    PAUSED = "paused"
    STOPPING = "stopping"
    FINISHED = "finished"
    MEASURED = "measured"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def busy(self) -> bool:
        """Whether its process is at work."""
        return self in {
            TrainingState.PREPARING,
            TrainingState.TRAINING,
            TrainingState.PAUSED,
            TrainingState.STOPPING,
        }


class TrainingRun:
    """One training: started once, obeying until it has ended.

    Parameters
    ----------
    request : what to do.
    mailbox : gets every event; the last one is `finished`, `cancelled` or `failed` (`measured` where the request was
        only to measure), whatever happens to the process.
    program : what runs `quietvoxel`; this interpreter when not given.
    """

    def __init__(
        self, request: TrainingRequest, mailbox: Mailbox[Event], program: Sequence[str] | None = None
    ) -> None:
        self.request, self.mailbox = request, mailbox
        self.program = list(program or (sys.executable, "-m", "quietvoxel"))
        self._state = TrainingState.IDLE
        self._process: subprocess.Popen[bytes] | None = None
        self._complaints: deque[str] = deque(maxlen=40)
        self._killed = False
        self._ended = threading.Event()

    @property
    def state(self) -> TrainingState:
        """Where the training is."""
        return self._state

    @property
    def pid(self) -> int | None:
        """Number of the process, once it was started."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start the process; its events arrive from now on.

        Raises
        ------
        RuntimeError
            If it was started before.
        """
        if self._process is not None:
            msg = "a training is started once; make another one"
            raise RuntimeError(msg)
        self._state = TrainingState.PREPARING
        self._process = subprocess.Popen(
            [*self.program, *self.request.arguments()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
            **_apart(),
        )
        overhear = threading.Thread(target=self._overhear, name="quietvoxel-training-errors", daemon=True)
        overhear.start()
        threading.Thread(
            target=self._listen, args=(overhear,), name="quietvoxel-training", daemon=True
        ).start()

    def pause(self) -> None:
        """Pause after the step that is under way; a checkpoint is written first."""
        self._command("pause")

    def resume(self) -> None:
        """Go on after a pause."""
        self._command("resume")

    def stop(self) -> None:
        """End after the step that is under way and keep the best network."""
        if self._state.busy:
            self._state = TrainingState.STOPPING
        self._command("stop")

    def cancel(self) -> None:
        """End after a checkpoint, from which the training can go on another day."""
        if self._state.busy:
            self._state = TrainingState.STOPPING
        self._command("cancel")

    def kill(self) -> None:
        """End the process and all it started, at once; at most a minute of training is lost."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        self._killed = True
        for one in _tree(process.pid):
            with suppress(psutil.Error):
                one.kill()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the last event; False if it has not come in time. Not for a GUI's thread."""
        return self._ended.wait(seconds)

    def _command(self, word: str) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        try:
            process.stdin.write(json.dumps({"command": word}).encode() + b"\n")
            process.stdin.flush()
        except (OSError, ValueError):
            return  # it has ended and its pipe is closed; its last event says how

    def _listen(self, overhear: threading.Thread) -> None:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        last: Event | None = None
        for line in _lines(process.stdout.fileno()):
            try:
                event = json.loads(line)
            except ValueError:
                continue  # a library's print
            if not isinstance(event, dict) or "event" not in event:
                continue
            if event["event"] in LAST_EVENTS:
                last = event
                continue  # told when the process and its memory are gone
            self._follow(event)
            self.mailbox.put(event)
        code = process.wait()
        overhear.join(1.0)
        process.stdout.close()
        if process.stdin is not None:
            with suppress(OSError):
                process.stdin.close()
        last = last or self._obituary(code)
        self._state = TrainingState(last["event"])
        self.mailbox.put(last)
        self._ended.set()

    def _follow(self, event: Event) -> None:
        if self._state is TrainingState.STOPPING:
            return
        match event["event"]:
            case "plan" | "resumed" | "progress" | "validation":
                self._state = TrainingState.TRAINING
            case "paused":
                self._state = TrainingState.PAUSED

    def _overhear(self) -> None:
        process = self._process
        assert process is not None
        assert process.stderr is not None
        for line in _lines(process.stderr.fileno()):
            self._complaints.append(line.decode("utf-8", "replace").rstrip())
        process.stderr.close()

    def _obituary(self, code: int) -> Event:
        """The last event of a process that ended without one."""
        if self._killed:
            return {
                "event": "cancelled",
                "message": "The training was ended; it can go on from its checkpoint.",
            }
        how = f"signal {-code}" if code < 0 else f"code {code}"
        message = f"The training's process ended unexpectedly ({how}); it can go on from its last checkpoint."
        return {"event": "failed", "message": message, "code": code, "details": "\n".join(self._complaints)}


def _lines(number: int) -> Iterator[bytes]:
    """Lines from a pipe, read with `os.read`: a buffered read under way when Python ends may abort it."""
    rest = b""
    while True:
        try:
            chunk = os.read(number, 1 << 16)
        except OSError:
            chunk = b""
        if not chunk:
            break
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    if rest:
        yield rest


def _tree(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [*parent.children(recursive=True), parent]
    except psutil.Error:
        return []


def _apart() -> dict[str, Any]:
    """Keep the terminal's Ctrl-C, and on Windows a console window, away from the child."""
    system: str = sys.platform  # or mypy believes that there is no other
    if system == "win32":
        flags = ("CREATE_NEW_PROCESS_GROUP", "CREATE_NO_WINDOW")
        return {"creationflags": sum(getattr(subprocess, flag) for flag in flags)}
    return {"start_new_session": True}
