"""A run over a volume node: sent to the worker, filled in slice by slice, one engine after the other if wanted."""

import time
from pathlib import Path

import numpy as np
import slicer

from .plan import Plan
from .results import UNCERTAINTY_ROLE
from .run_view import CANCELLING, IDLE, PREPARING, RUNNING, Notes, progress_line
from .screen_slice import lay_over
from .volume_nodes import add_beside, array_of, set_voxels, trouble_with, write_provenance
from .words import _, clock

__all__ = ["DenoiseRun", "Plan"]

REDRAW_SECONDS = 0.2


class DenoiseRun:
    """Runs one volume at a time.

    Parameters
    ----------
    client, desk : `WorkerClient`, `VolumeDesk`.
    view : `RunView`.
    made : called with each finished result node and its denoised voxels.
    """

    def __init__(self, client, desk, view, made=lambda node, voxels: None):
        self._client = client
        self._desk = desk
        self._view = view
        self._notes = Notes(view)
        self._made = made
        self._state = IDLE
        self._reset()

    def _reset(self):
        self._source = self._result = self._file = None
        self._plans, self._results = [], []
        self._then = None
        self._number = None
        self._axis = 0
        self._stale, self._drawn = False, 0.0

    @property
    def state(self):
        """Where the run is."""
        return self._state

    @property
    def busy(self):
        """Whether a second run has to wait."""
        return self._state != IDLE

    @property
    def result(self):
        """The node being filled, or None."""
        return self._result

    def start(self, node, plans, then=None):
        """Run plans over a node, one after the other.

        Parameters
        ----------
        then : called with the source and the results when all went well.
        """
        if self.busy:
            self._view.say(_("A volume is being denoised; cancel that, or wait until it is done."))
            return
        trouble = trouble_with(node)
        if trouble:
            self._view.say(trouble)
            return
        self._reset()
        self._source, self._plans, self._then = node, list(plans), then
        self._view.say("")
        self._notes.clear()
        self._go(PREPARING)
        self._view.show_progress(None, _("preparing…"))
        self._next()

    def cancel(self):
        """Ask it to stop; the result in the making is taken away when it has."""
        if self._state not in (PREPARING, RUNNING):
            return
        self._go(CANCELLING)
        if self._number is not None:
            self._client.cancel(self._number)

    def node_removed(self, node):
        """A node has left the scene."""
        if self.busy and node is self._result:
            self._result = None
            self.cancel()
        elif self.busy and node is self._source and self._result is None:
            self.cancel()

    def tick(self):
        """Draw what has come since, not more often than an eye follows."""
        now = time.monotonic()
        if self._stale and self._result is not None and now - self._drawn > REDRAW_SECONDS:
            self._stale, self._drawn = False, now
            slicer.util.arrayFromVolumeModified(self._result)

    def _next(self):
        self._number = self._desk.open(self._source, self._opened, self._failed)

    def _opened(self, record):
        if self._state == CANCELLING:
            self._finish_early(_("Cancelled."))
            return
        self._notes.add(record.get("notes", ()))
        plan = self._plans[len(self._results)]
        order = {
            "job": "denoise",
            "volume": self._source.GetID(),
            **plan.order,
            "output": str(self._desk.path("denoised")),
        }
        self._number = self._client.submit(order, self._heard)

    def _heard(self, record):
        action = getattr(self, "_on_" + record["event"], None)
        if action is not None:
            action(record)

    def _on_prepared(self, record):
        if self._state == CANCELLING:
            return
        plan = self._plans[len(self._results)]
        self._file, self._axis = Path(record["output"]), record["axis"]
        name = f"{self._source.GetName()} [{plan.title}]"
        self._result = add_beside(self._source, array_of(self._source).astype(record["dtype"]), name)
        lay_over(self._source, self._result)

    def _on_started(self, record):
        if self._state == PREPARING:
            self._go(RUNNING)
        self._notes.add(record.get("notes", ()))
        text = _("slice 1/{total} on {device}").format(total=record["total"], device=record["device"])
        self._view.show_progress(0.0, self._prefix() + text)

    def _on_progress(self, record):
        if self._state != RUNNING:
            return
        fraction = (record["done"] + record["step"] / record["steps"]) / record["total"]
        self._view.show_progress(fraction, self._prefix() + progress_line(record))

    def _on_slice(self, record):
        if self._result is None or self._file is None:
            return
        index = record["index"]
        try:
            pixels = np.load(self._file, mmap_mode="r")[index]
        except OSError:  # the worker has taken it away: what ended the run is the next thing that it says
            return
        np.moveaxis(array_of(self._result), self._axis, 0)[index] = pixels
        self._stale = True

    def _on_finished(self, record):
        result, self._result = self._result, None
        if result is None:  # removed or cancelled at the very last moment
            self._finish_early(_("Cancelled."))
            return
        try:
            voxels = np.moveaxis(np.load(self._file), 0, self._axis)
        except OSError as error:
            self._result = result
            self._failed(
                _("The result could not be read ({reason}); start again.").format(reason=error.strerror)
            )
            return
        self._file.unlink(missing_ok=True)
        set_voxels(result, voxels)
        write_provenance(result, record["provenance"])
        self._notes.add(record.get("notes", ()))
        if record.get("clipped"):
            self._notes.add(
                [
                    _("{count} voxels lay outside the range of the stored type and were clipped.").format(
                        count=record["clipped"]
                    )
                ]
            )
        self._show_uncertainty(result, record.get("uncertainty"))
        self._results.append(result)
        self._made(result, np.ascontiguousarray(voxels))
        if len(self._results) < len(self._plans) and self._state != CANCELLING:
            self._go(PREPARING)
            self._next()
            return
        source, results, then = self._source, self._results, self._then
        whole = len(results) == len(self._plans)
        seconds = record["seconds"]
        self._view.say(_("Done in {time}. Not for primary diagnosis.").format(time=clock(seconds)))
        self._go(IDLE)
        self._reset()
        if then is not None and whole:
            then(source, results)

    def _on_cancelled(self, _record):
        self._finish_early(_("Cancelled; the unfinished result was taken away."))

    def _on_failed(self, record):
        self._failed(record.get("message", ""), record.get("details", ""))

    def _failed(self, sentence, details=""):
        if self._state == CANCELLING:
            self._finish_early(_("Cancelled; the unfinished result was taken away."))
        else:
            self._finish_early(sentence, details)

    def _finish_early(self, sentence, details=""):
        result, self._result = self._result, None
        if result is not None and result.GetScene() is not None:
            result.GetScene().RemoveNode(result)
        if self._file is not None:
            self._file.unlink(missing_ok=True)
        self._view.say(sentence, details)
        self._go(IDLE)
        self._reset()

    def _show_uncertainty(self, result, path):
        """The engine's own doubt, as a node beside the result."""
        if path is None:
            return
        name = _("{name} uncertainty").format(name=result.GetName())
        node = add_beside(result, np.load(path), name)
        Path(path).unlink(missing_ok=True)
        node.GetDisplayNode().SetAutoWindowLevel(True)
        result.AddNodeReferenceID(UNCERTAINTY_ROLE, node.GetID())

    def _prefix(self):
        if len(self._plans) == 1:
            return ""
        return _("engine {number}/{count}, ").format(number=len(self._results) + 1, count=len(self._plans))

    def _go(self, state):
        self._state = state
        self._view.show_state(state)
