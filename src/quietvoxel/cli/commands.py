"""Commands to a running training, as JSON lines on standard input: {"command": "pause"}."""

import json
import os
import sys
import threading

from quietvoxel.training.control import TrainingControl, Wish

WISHES = {"pause": Wish.PAUSE, "resume": Wish.RUN, "stop": Wish.STOP, "cancel": Wish.CANCEL}


def obey_standard_input(control: TrainingControl) -> threading.Thread:
    """Pass on pause, resume, stop (keep the best) and cancel (stop after a checkpoint), in a thread of its own.

    The end of standard input is a cancel: whoever drove the training is gone.
    """
    number = sys.stdin.fileno()

    def listen() -> None:
        rest = b""
        # Not sys.stdin.read: a thread inside it aborts Python when the process ends.
        while chunk := _read(number):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                wish = understood(line)
                if wish is not None:
                    control.ask(wish)
        control.ask(Wish.CANCEL)

    thread = threading.Thread(target=listen, name="quietvoxel-commands", daemon=True)
    thread.start()
    return thread


def _read(number: int) -> bytes:
    try:
        return os.read(number, 1024)
    except OSError:
        return b""


def understood(line: bytes) -> Wish | None:
    """What a line asks for; None where it is no command."""
    try:
        asked = json.loads(line)
    except ValueError:
        return None
    return WISHES.get(str(asked.get("command"))) if isinstance(asked, dict) else None
