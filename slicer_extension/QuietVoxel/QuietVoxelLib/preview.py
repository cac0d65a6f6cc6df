"""The slice on screen as the settings of the moment would make it: a node of one slice, laid over the volume."""

from pathlib import Path

import numpy as np
import slicer

from .screen_slice import slice_on_screen, slice_place, views_of
from .volume_nodes import add_beside, set_matrix
from .words import _


class Preview:
    """Asks for pictures and shows them in every view of the volume.

    Parameters
    ----------
    client, desk : `WorkerClient`, `VolumeDesk`.
    say : told how long draft and final picture took, or what went wrong.
    """

    def __init__(self, client, desk, say):
        self._client = client
        self._desk = desk
        self._say = say
        self._number = None
        self._node = None
        self._source = None
        self._blend = 1.0
        self._took = {}
        self._before = {}

    @property
    def node(self):
        """The node laid over, or None."""
        return self._node

    def ask(self, source, order):
        """Want the slice on screen.

        Parameters
        ----------
        source : volume node that the worker holds.
        order : engine, model, settings and options, as the worker takes them.
        """
        record = self._desk.opened(source)
        if record is None:
            return
        if source is not self._source:
            self.remove()
            self._source = source
        axis = (
            record["axis"]
            if order["options"].get("axis", "auto") == "auto"
            else int(order["options"]["axis"])
        )
        indices = [
            slice_on_screen(view, source, axis)
            for view, _composite in views_of(source.GetScene(), source.GetID())
        ]
        index = next((one for one in indices if one is not None), None)
        if index is None:
            self._say(_("no preview in this view, which cuts across the slices"))
            return
        self._took = {}
        if self._number is not None:
            self._client.forget(self._number)
        order = {
            "job": "preview",
            "volume": source.GetID(),
            "index": index,
            "folder": str(self._desk.folder),
            **order,
        }
        self._number = self._client.submit(order, self._heard, keeps=True)

    def set_blend(self, share):
        """Mix with the original at once."""
        self._blend = share
        if self._node is not None:
            for composite in self._composites():
                composite.SetForegroundOpacity(share)

    def rest(self):
        """Want nothing more and show nothing until asked again."""
        if self._number is not None:
            self._client.forget(self._number)
            self._number = None
            if self._client.process is not None:
                self._client.submit({"job": "no-preview"}, lambda _record: None)
        self.remove()

    def remove(self):
        """Take the node away and give the views back what they showed."""
        node, self._node = self._node, None
        before, self._before = self._before, {}
        self._source = None
        if node is None:
            return
        for composite, (volume_id, opacity) in before.items():
            if composite.GetForegroundVolumeID() == node.GetID():
                composite.SetForegroundVolumeID(volume_id)
                composite.SetForegroundOpacity(opacity)
        if node.GetScene() is not None:
            node.GetScene().RemoveNode(node)

    def _heard(self, record):
        if record["event"] == "failed":
            self._say(record.get("message", ""))
        elif record["event"] == "preview":
            path = Path(record["output"])
            pixels = np.load(path)
            path.unlink(missing_ok=True)
            if self._source is not None and record["volume"] == self._source.GetID():
                self._show(record, pixels)

    def _show(self, record, pixels):
        axis, index = record["axis"], record["index"]
        array = np.expand_dims(pixels, axis)
        place = slice_place(self._source, axis, index)
        if self._node is None or self._node.GetScene() is None:
            name = _("{name} [preview]").format(name=self._source.GetName())
            self._node = add_beside(self._source, array, name, matrix=place, hidden=True)
        else:
            slicer.util.updateVolumeFromArray(self._node, array)
            set_matrix(self._node, place)
        self._node.SetAttribute("QuietVoxel.slice", str(index))
        for composite in self._composites():
            if composite not in self._before:
                self._before[composite] = (
                    composite.GetForegroundVolumeID(),
                    composite.GetForegroundOpacity(),
                )
            composite.SetForegroundVolumeID(self._node.GetID())
            composite.SetForegroundOpacity(self._blend)
        final = record["quality"] == "final"
        self._took["final" if final else "draft"] = record["seconds"]
        if not final:
            self._say(
                _("DRAFT, the final picture follows … draft {seconds:.1f} s").format(
                    seconds=record["seconds"]
                )
            )
        elif "draft" in self._took:
            self._say(
                _("draft {draft:.1f} s, final {final:.1f} s").format(
                    draft=self._took["draft"], final=record["seconds"]
                )
            )
        else:
            self._say(_("final {final:.1f} s").format(final=record["seconds"]))

    def _composites(self):
        return [composite for _view, composite in views_of(self._source.GetScene(), self._source.GetID())]
