"""Sends volume nodes to the worker, each once as long as neither its voxels nor the worker have changed."""

import shutil
import tempfile
import weakref
from pathlib import Path

import numpy as np

from .volume_nodes import array_of, fingerprint, geometry_of, modality_of, trouble_with


class VolumeDesk:
    """The worker's files, and which volumes it holds.

    Parameters
    ----------
    client : `WorkerClient`.
    folder : for files; a temporary one when not given.
    """

    def __init__(self, client, folder=None):
        self._client = client
        self.folder = Path(tempfile.mkdtemp(prefix="quietvoxel-") if folder is None else folder)
        # Taken away with this object, or when Python ends, whatever happened before.
        self._leave = (
            weakref.finalize(self, shutil.rmtree, self.folder, True) if folder is None else lambda: None
        )
        self._known = {}
        self._count = 0

    def path(self, stem):
        """A file name that was not used before."""
        self._count += 1
        return self.folder / f"{stem}-{self._count}.npy"

    def opened(self, node):
        """What the worker said of a node, where it still holds; else None."""
        known = self._known.get(node.GetID())
        return known["record"] if known is not None and known["stamp"] == self._stamp(node) else None

    def open(self, node, then, fail):
        """Have the worker hold a node and measure it.

        Parameters
        ----------
        then : called with the worker's record (modality, axis, sigma, notes), at once where it is known.
        fail : called with a sentence.

        Returns
        -------
        The number of the order that sends it, or None.
        """
        trouble = trouble_with(node)
        if trouble:
            fail(trouble)
            return None
        known = self._known.get(node.GetID())
        stamp = self._stamp(node)
        if known is not None and known["stamp"] == stamp:
            if known["record"] is not None:
                then(known["record"])
            else:
                known["waiting"].append((then, fail))
            return known["number"]
        entry = {"stamp": stamp, "record": None, "waiting": [(then, fail)], "number": None}
        self._known[node.GetID()] = entry
        path = self.path("volume")
        try:
            np.save(path, array_of(node))
        except OSError as error:
            del self._known[node.GetID()]
            fail(full_disk(self.folder, error))
            return None
        display = node.GetDisplayNode()
        order = {
            "job": "open",
            "volume": node.GetID(),
            "title": node.GetName(),
            "file": str(path),
            "modality": modality_of(node),
            "window": display.GetWindow() if display is not None else None,
            "level": display.GetLevel() if display is not None else None,
            **geometry_of(node),
        }

        def tell(record):
            path.unlink(missing_ok=True)
            waiting, entry["waiting"] = entry["waiting"], []
            if record["event"] == "finished":
                entry["record"] = record
                for ready, _fail in waiting:
                    ready(record)
                return
            if self._known.get(node.GetID()) is entry:
                del self._known[node.GetID()]
            for _ready, refuse in waiting:
                refuse(record.get("message", ""))

        # The count of starts may rise with this order; the stamp is that of the process that gets it.
        entry["number"] = self._client.submit(order, tell)
        entry["stamp"] = self._stamp(node)
        return entry["number"]

    def forget(self, node_id):
        """A node has left the scene."""
        if self._known.pop(node_id, None) is not None and self._client.process is not None:
            self._client.submit({"job": "close", "volume": node_id}, lambda _record: None)

    def forget_all(self):
        """The scene closes; the worker that held the volumes ends."""
        self._known.clear()

    def close(self):
        """Take the files away."""
        self._known.clear()
        self._leave()

    def _stamp(self, node):
        return (self._client.generation, fingerprint(node))


def full_disk(folder, error):
    """One sentence for a disk that refuses."""
    from .words import _

    return _("{folder} cannot be written ({reason}); free some space there.").format(
        folder=folder, reason=error.strerror or error
    )
