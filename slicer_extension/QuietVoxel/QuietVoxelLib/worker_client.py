"""The worker as the module sees it: orders go in, events come back to whoever gave the order; it may crash."""

import json
import time
from dataclasses import dataclass, field

from .core_sentences import core_sentence
from .words import _

PROTOCOL = 1
"""Of `quietvoxel worker`, as docs/command-line.md of QuietVoxel describes it."""

CANCEL_SECONDS = 1.0
"""A cancel that is not answered by then ends the process."""

START_SECONDS = 90.0
"""A first start after an installation may compile for long."""

LAST = ("finished", "cancelled", "failed")


@dataclass
class _Order:
    number: int
    text: str
    tell: object
    keeps: bool = False  # it is not over with its last event: a preview may send several pictures
    cancel_by: "float | None" = None
    unsent: bool = field(default=True)


class WorkerClient:
    """Starts the worker when it is first needed, and again after it has ended.

    Parameters
    ----------
    make_process : makes a `ChildProcess`.
    command : program and arguments that start the worker.
    clock : seconds that only grow.

    Attributes
    ----------
    generation : rises when a process starts and when it is gone; what an earlier one held is gone with it.
    """

    def __init__(self, make_process, command, clock=time.monotonic):
        self._make_process = make_process
        self._command = list(command)
        self._clock = clock
        self._process = None
        self._voice = None
        self._ready = False
        self._started_at = 0.0
        self._orders = {}
        self._count = 0
        self._closing = []
        self.generation = 0

    @property
    def busy(self):
        """Whether an order is not answered yet."""
        return bool(self._orders)

    @property
    def process(self):
        """The child process, or None."""
        return self._process

    def submit(self, order, tell, *, keeps=False):
        """Hand in an order.

        Parameters
        ----------
        order : its `job` and what belongs to it; JSON-able.
        tell : called with each event; the last one is `finished`, `cancelled` or `failed`.
        keeps : the order goes on being heard until `forget`.

        Returns
        -------
        Its number, for `cancel`.
        """
        self._count += 1
        number = self._count
        self._orders[number] = _Order(number, json.dumps(order | {"id": number}), tell, keeps)
        self._ensure()
        self._send()
        return number

    def forget(self, number):
        """Hear no more of an order."""
        self._orders.pop(number, None)

    def cancel(self, number):
        """Ask an order to stop. Where the worker does not answer within a second, its whole tree is ended."""
        order = self._orders.get(number)
        if order is None or order.cancel_by is not None:
            return
        order.cancel_by = self._clock() + CANCEL_SECONDS
        if not order.unsent:
            self._process.write(json.dumps({"job": "cancel", "id": number}))
        elif not self._ready:
            self._answer(order, {"event": "cancelled", "id": number})

    def tick(self):
        """Read what has come, and look at the clock; to be called many times a second."""
        if self._process is not None:
            self._process.poll()
        now = self._clock()
        for process, until in list(self._closing):
            process.poll()
            if not process.running:
                self._closing.remove((process, until))
            elif now > until:
                process.kill_tree()
        if self._process is None:
            return
        if any(one.cancel_by is not None and now > one.cancel_by for one in self._orders.values()):
            self._end(_("It was ended because it did not stop when it was asked to; please start again."))
        elif not self._ready and now > self._started_at + START_SECONDS:
            self._end(_("The program quietvoxel did not answer; restart Slicer and try again."))

    def stop(self):
        """Ask the worker to end: it cancels what it does, and is ended where it has not heard within a second."""
        process = self._give_up()
        if process is not None:
            process.close_input()
            self._closing.append((process, self._clock() + CANCEL_SECONDS))
        self._answer_all({"event": "cancelled"})

    def kill(self):
        """End the worker and all that it started, now: Slicer itself ends."""
        for process in [one for one, _until in self._closing] + [self._process]:
            if process is not None:
                process.kill_tree()
        self._closing.clear()
        self._give_up()
        self._answer_all({"event": "cancelled"})

    # --- called by _Voice

    def heard(self, record):
        """An event came."""
        event = record.get("event")
        if event == "hello":
            if record.get("protocol") != PROTOCOL:
                self._end(_refusal(record))
                return
            self._ready = True
            self._send()
            return
        order = self._orders.get(record.get("id"))
        if order is not None:
            if event == "failed":
                record["message"] = core_sentence(str(record.get("message", "")))
            self._answer(order, record)
        elif event == "failed" and not self._ready:
            self._end(str(record.get("message")))

    def crashed(self, code, tail):
        """The process has ended without having been asked to."""
        self._give_up()
        if code is None:
            sentence = _("The program quietvoxel could not be started; install it again in this module.")
        elif "No module named" in tail:
            sentence = _(
                "The package quietvoxel is not installed completely; install it again in this module."
            )
        else:
            sentence = _(
                "The program that computes ended unexpectedly (code {code}); your scene is untouched, start again."
            ).format(code=code)
        self._answer_all({"event": "failed", "message": sentence, "code": 1, "details": tail})

    def _ensure(self):
        if self._process is None:
            self.generation += 1
            self._ready = False
            self._started_at = self._clock()
            self._process = self._make_process()
            self._voice = _Voice(self)
            self._process.start(self._command, self._voice)

    def _send(self):
        if not self._ready:
            return
        for order in list(self._orders.values()):
            if order.unsent:
                order.unsent = False
                self._process.write(order.text)

    def _answer(self, order, record):
        if record.get("event") in LAST and not order.keeps:
            self._orders.pop(order.number, None)
        order.tell(record)

    def _answer_all(self, record):
        orders, self._orders = self._orders, {}
        for order in orders.values():
            asked = order.cancel_by is not None
            order.tell({**({"event": "cancelled"} if asked else record), "id": order.number})

    def _give_up(self):
        """Hear no more of the process, and give it."""
        process, self._process, self._ready = self._process, None, False
        if process is not None:
            self._voice.silent = True
            self.generation += 1
        return process

    def _end(self, sentence):
        """End the process; whoever was cancelled has it so, all others a sentence."""
        process = self._give_up()
        process.kill_tree()
        self._answer_all({"event": "failed", "message": sentence, "code": 1})


class _Voice:
    """What one process says; of a process that was given up nothing is heard any more."""

    def __init__(self, client):
        self._client = client
        self.silent = False

    def line(self, text):
        if self.silent:
            return
        try:
            record = json.loads(text)
        except ValueError:  # a library that prints
            return
        if isinstance(record, dict):
            self._client.heard(record)

    def ended(self, code, tail):
        if not self.silent:
            self._client.crashed(code, tail)


def _refusal(record):
    """Why this module and that program do not go together."""
    theirs = record.get("protocol")
    if isinstance(theirs, int) and theirs < PROTOCOL:
        return _(
            "The package quietvoxel {version} is older than this module; install it again in this module to update it."
        ).format(version=record.get("version", "?"))
    return _(
        "The package quietvoxel {version} is newer than this module; update the extension in the Extensions Manager."
    ).format(version=record.get("version", "?"))
