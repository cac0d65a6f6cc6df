"""Time and memory of the training plans on this machine, measured before the start in a process nobody waits for."""

import json
import time

from .child_process import Listener
from .core_sentences import core_sentence
from .train_words import in_section_words, plan_line
from .words import _

SETTLE_SECONDS = 1.5
"""Nobody measures while the user is still choosing."""


class TrainForesight(Listener):
    """Keeps what was measured, by what it depends on: engine, start, settings and modality.

    Parameters
    ----------
    client : `WorkerClient`; it knows the command line.
    program : program and arguments that start quietvoxel.
    make_process : makes a `ChildProcess`.
    told : called when there is news.
    clock : seconds that only grow.
    """

    def __init__(self, client, program, make_process, told=lambda: None, clock=time.monotonic):
        self._client = client
        self._program = list(program)
        self._make_process = make_process
        self._clock = clock
        self._known = {}
        self._wanted = None
        self._due = None
        self._process = None
        self._measured = None  # what the process of the moment measures
        self.told = told
        self.option_words = {}

    def want(self, request):
        """Measure this in a moment, unless it was; None: nothing."""
        wanted = None if request is None else json.dumps(request | {"measure": True}, sort_keys=True)
        if wanted == self._wanted:
            return
        self.rest()
        self._wanted = wanted
        if wanted is not None and wanted not in self._known:
            self._due = self._clock() + SETTLE_SECONDS
        self.told()

    def about(self, plan):
        """One line about a plan."""
        if self._wanted is None:
            return ""
        known = self._known.get(self._wanted, {})
        return known.get(plan) or known.get("") or _("measuring time and memory on this machine…")

    def rest(self):
        """Leave the machine to something else; what was measured stays known, the rest is wanted anew."""
        self._due = self._measured = self._wanted = None
        self.kill()

    def kill(self):
        """End the process; nothing is lost but the measurement."""
        process, self._process = self._process, None
        if process is not None:
            process.kill_tree()

    def tick(self):
        """Look at the clock, and read what has come."""
        if self._process is not None:
            self._process.poll()
        if self._due is not None and self._clock() > self._due:
            self._due = None
            self._measure()

    def line(self, text):
        """One line came."""
        try:
            record = json.loads(text)
        except ValueError:
            return
        if self._measured is None or not isinstance(record, dict):
            return
        if record.get("event") == "foreseen":
            self._know(record["plan"], plan_line(record))
        elif record.get("event") == "failed":
            message = in_section_words(str(record.get("message")), self.option_words)
            self._know("", core_sentence(message))

    def ended(self, _code, _tail):
        """The process has ended."""
        self._process = None
        if self._measured is not None and not self._known.get(self._measured):
            self._know("", _("Time and memory could not be measured."))

    def _measure(self):
        self._measured = wanted = self._wanted

        def heard(record):
            if self._measured != wanted:
                return
            if record["event"] == "finished":
                self._process = self._make_process()
                self._process.start([*self._program, *record["arguments"]], self)
            elif record["event"] == "failed":
                self._know("", record.get("message", ""))

        self._client.submit({"job": "training", "request": json.loads(wanted)}, heard)

    def _know(self, plan, sentence):
        self._known.setdefault(self._measured, {})[plan] = sentence
        self.told()
