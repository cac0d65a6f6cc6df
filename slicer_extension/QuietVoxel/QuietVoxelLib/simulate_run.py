"""A lower-dose CT or a noisier MR of a volume node, as a node beside it."""

from pathlib import Path

import numpy as np

from .volume_nodes import add_beside, write_provenance
from .words import _


class SimulateRun:
    """Simulates one volume at a time.

    Parameters
    ----------
    client, desk : `WorkerClient`, `VolumeDesk`.
    view : `RunView`.
    """

    def __init__(self, client, desk, view):
        self._client = client
        self._desk = desk
        self._view = view
        self._number = None
        self._cancelled = False
        self.busy = False

    def start(self, node, by, value, seed, result_name, made=lambda node: None):
        """Degrade a volume by one measure.

        Parameters
        ----------
        by, value, seed : as the worker takes them.
        result_name : for the node, such as "dose 0.25".
        made : called with the new node.
        """
        if self.busy:
            return
        self.busy, self._cancelled = True, False
        self._view.say("")
        self._view.note([])
        self._view.show_state("running")
        self._view.show_progress(None, "")

        def opened(_record):
            if self._cancelled:
                self._end(_("Cancelled."))
                return
            order = {"job": "simulate", "volume": node.GetID(), "by": by, "value": value, "seed": seed}
            order["output"] = str(self._desk.path("simulated"))
            self._number = self._client.submit(order, heard)

        def heard(record):
            if record["event"] == "finished":
                path = Path(record["output"])
                result = add_beside(node, np.load(path), f"{node.GetName()} [{result_name}]")
                path.unlink(missing_ok=True)
                write_provenance(
                    result, {"simulated": result_name, "sigma_added": record["sigma_added"], "seed": seed}
                )
                self._view.note(record.get("notes", []))
                self._end(
                    _("Added noise of SD {sigma}. Simulated; not for diagnosis.").format(
                        sigma=f"{record['sigma_added']:.4g}"
                    )
                )
                made(result)
            elif record["event"] == "cancelled":
                self._end(_("Cancelled."))
            elif record["event"] == "failed":
                self._end(record.get("message", ""), record.get("details", ""))

        self._number = self._desk.open(node, opened, self._end)

    def cancel(self):
        """Ask it to stop."""
        if self.busy and not self._cancelled:
            self._cancelled = True
            self._view.show_state("cancelling")
            if self._number is not None:
                self._client.cancel(self._number)

    def _end(self, sentence, details=""):
        self.busy, self._number = False, None
        self._view.say(_("Cancelled.") if self._cancelled and not sentence else sentence, details)
        self._view.show_state("idle")
