"""Fine-tuning in a child process of its own: `quietvoxel train`, driven by JSON lines, drawn in Slicer's plots."""

import json
import time

from .child_process import Listener
from .core_sentences import core_sentence
from .run_view import CANCELLING, IDLE, PREPARING, RUNNING, Notes
from .train_pictures import TrainPictures
from .train_words import in_section_words, plan_line, progress_line, reading_line, references_lines
from .words import _

END_SECONDS = 10.0
"""A training that is cancelled writes a checkpoint first; after that long it is ended."""

PAUSED = "paused"


class TrainRun(Listener):
    """One training at a time.

    Parameters
    ----------
    scene : for plots and the validation picture.
    make_process : makes a `ChildProcess`.
    view : `RunView` with one state more, "paused".
    ended : called with the name of the model that was made, or "".
    """

    def __init__(self, scene, make_process, view, ended=lambda model: None, clock=time.monotonic):
        self._make_process = make_process
        self._view = view
        self._ended = ended
        self._clock = clock
        self._process = None
        self._state = IDLE
        self._notes = Notes(view)
        self._model = ""
        self._sentence = ""
        self._kill_at = None
        self._order = None  # at the worker, which tells the command line
        self.pictures = TrainPictures(scene)
        self.option_words = {}

    @property
    def state(self):
        """Idle, preparing, running, paused or cancelling."""
        return self._state

    @property
    def busy(self):
        """Whether a training is under way."""
        return self._state != IDLE

    def ask(self, client, program, request):
        """Start what is asked for.

        Parameters
        ----------
        client : `WorkerClient`, whose worker puts the request into a command line.
        program : program and arguments that start quietvoxel.
        request : as the worker's job `training` takes it.
        """
        if self.busy:
            return
        self._begin()

        def heard(record):
            if order is not self._order:
                return
            self._order = None
            if record["event"] == "finished":
                self._launch([*program, *record["arguments"]])
            else:
                self._end(record.get("message", _("Cancelled.")))

        self._order = order = object()
        client.submit({"job": "training", "request": request}, heard)

    def start(self, command):
        """Start a training by its command line."""
        if not self.busy:
            self._begin()
            self._launch(command)

    def _begin(self):
        self._model, self._sentence, self._kill_at = "", "", None
        self.pictures.clear()
        self._view.say("")
        self._notes.clear()
        self._go(PREPARING)
        self._view.show_progress(None, _("preparing…"))

    def _launch(self, command):
        self._process = self._make_process()
        self._process.start(command, self)

    def pause(self):
        """Pause after the step that runs, or go on."""
        if self._state == RUNNING:
            self._command("pause")
        elif self._state == PAUSED:
            self._command("resume")

    def stop(self):
        """End it and keep the best."""
        if self._order is not None:
            self._order = None
            self._end(_("Cancelled."))
        elif self.busy and self._state != CANCELLING:
            self._go(CANCELLING)
            self._command("stop")

    def cancel(self):
        """End it after a checkpoint: the scene or the application closes."""
        if self._order is not None:
            self._order = None
            self._end(_("Cancelled."))
        elif self._process is not None and self._process.running:
            self._go(CANCELLING)
            self._process.close_input()
            self._kill_at = self._clock() + END_SECONDS

    def kill(self):
        """End it now; the last checkpoint stays on the disk."""
        if self._process is not None:
            self._process.kill_tree()

    def tick(self):
        """Read what has come."""
        if self._process is None:
            return
        self._process.poll()
        if self._kill_at is not None and self._clock() > self._kill_at and self._process is not None:
            self._process.kill_tree()

    # --- what the child says

    def line(self, text):
        """One line came."""
        try:
            record = json.loads(text)
        except ValueError:
            return
        action = getattr(self, "_on_" + str(record.get("event")), None) if isinstance(record, dict) else None
        if action is not None:
            action(record)

    def ended(self, code, tail):
        """The child has ended."""
        self._process = None
        if not self._sentence:
            if code is None or "No module named" in tail:
                self._sentence = _(
                    "The training could not be started; install QuietVoxel again in this module."
                )
            elif self._state == CANCELLING:
                self._sentence = _("Stopped; it can go on from its last checkpoint.")
            else:
                self._sentence = _(
                    "The training ended unexpectedly (code {code}); it can go on from its last checkpoint."
                ).format(code=code)
        self._end(self._sentence, tail if code not in (0, 2, 3) else "")

    def _end(self, sentence, details=""):
        self._view.say(sentence, details)
        self._go(IDLE)
        self._ended(self._model)

    def _on_started(self, record):
        self.pictures.started(record["folder"])

    def _on_reading(self, record):
        self._view.show_progress(None, reading_line(record))

    def _on_references(self, record):
        self._notes.add(references_lines(record))

    def _on_plan(self, record):
        self._notes.add([*record["notes"], plan_line(record)])

    def _on_progress(self, record):
        if self._state in (PREPARING, PAUSED):
            self._go(RUNNING)
        self._view.show_progress(record["step"] / record["steps"], progress_line(record))
        self.pictures.progress(record)

    def _on_validation(self, record):
        self.pictures.validation(record)

    def _on_paused(self, _record):
        if self._state != CANCELLING:
            self._go(PAUSED)

    def _on_resumed(self, _record):
        if self._state == PAUSED:
            self._go(RUNNING)

    def _on_note(self, record):
        self._notes.add([in_section_words(record["message"], self.option_words)])

    def _on_finished(self, record):
        self._sentence, self._model = record["message"], record.get("model") or ""

    def _on_cancelled(self, _record):
        self._sentence = _("Stopped; it can go on from its last checkpoint.")

    def _on_failed(self, record):
        self._sentence = core_sentence(in_section_words(record["message"], self.option_words))

    def _command(self, name):
        self._process.write(json.dumps({"command": name}))

    def _go(self, state):
        self._state = state
        self._view.show_state(state)
