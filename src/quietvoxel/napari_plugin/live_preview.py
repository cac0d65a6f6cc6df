"""The slice on screen as the settings of the moment would make it, in a layer of its own above the volume."""

from collections.abc import Callable
from typing import Any

import numpy as np
from napari.experimental import link_layers, unlink_layers
from napari.layers import Image
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from quietvoxel.jobs import (
    Failure,
    Mailbox,
    Message,
    PreviewDesk,
    PreviewPicture,
    PreviewRequest,
    inference_thread,
)
from quietvoxel.jobs.preview_job import Quality
from quietvoxel.napari_plugin.adapter import METADATA_KEY
from quietvoxel.napari_plugin.layer_chooser import ROLE
from quietvoxel.napari_plugin.pixels import Overlay
from quietvoxel.napari_plugin.result_layers import add_above, looks_of, mixed

LINKED = ("contrast_limits", "gamma")
"""A window set on the volume is meant for what lies over it too."""

KEPT = 24
"""Slices that stay painted, so that scrolling back shows them at once."""


class LivePreview(QObject):
    """Asks for pictures and shows them.

    Parameters
    ----------
    dock : that it belongs to, and with which it goes.
    viewer : where.
    mailbox : of the dock.
    say : told how long draft and final picture took, or what went wrong.

    Attributes
    ----------
    shown : signal with the `PreviewPicture` that the layer shows from now on.
    """

    shown = Signal(object)

    def __init__(
        self, dock: QObject, viewer: Any, mailbox: Mailbox[Message], say: Callable[[str], None]
    ) -> None:
        super().__init__(dock)
        self._viewer = viewer
        self._desk = PreviewDesk(inference_thread(), mailbox)
        self._say = say
        self._blend = 1.0
        self._source: Image | None = None
        self._request: PreviewRequest | None = None
        self._overlay: Overlay | None = None
        self._final: set[int] = set()
        self._took: dict[str, float] = {}
        self.layer: Image | None = None
        self.resting_for_view = False

    @property
    def busy(self) -> bool:
        """Whether a picture is on its way."""
        return self._desk.busy

    @property
    def showing(self) -> bool:
        """Whether the layer is there and visible."""
        return self.layer is not None and self.layer in self._viewer.layers and self.layer.visible

    def ask(self, source: Image, request: PreviewRequest, *, anew: bool) -> None:
        """Want the slice of a request.

        Parameters
        ----------
        source : layer of the request's volume.
        anew : the settings have changed, so that slices painted before are no longer right.
        """
        self.resting_for_view = False
        if source is not self._source:
            self.remove()
            self._source = source
        if anew:
            self._final.clear()
            if self._overlay is not None:
                # The slice on screen stays until there is a newer one: no flash of the original.
                self._overlay.wipe(but=request.index)
            self._took.clear()
        elif request.index in self._final:
            self._desk.drop()
            return
        self._request = request
        self._desk.ask(request)

    def take(self, message: Message) -> bool:
        """Read a message; False where it is not about a preview."""
        if not self._desk.owns(message):
            return False
        picture = self._desk.take(message)
        if isinstance(picture, Failure):
            self._say(picture.sentence)
        elif picture is not None and self._source in self._viewer.layers:
            self._show(picture)
        return True

    def set_blend(self, blend: float) -> None:
        """Mix with the original at once."""
        self._blend = blend
        if self.showing:
            self._refresh()

    def rest(self, *, for_view: bool = False) -> None:
        """Want nothing and show nothing until asked again; `for_view` until slices are on screen again."""
        self.resting_for_view = for_view
        self._desk.drop()
        self._final.clear()
        if self._overlay is not None:
            self._overlay.wipe()
        if self.showing:
            self.layer.visible = False

    def remove(self) -> None:
        """Take the layer away."""
        self._desk.drop()
        layer, self.layer, self._overlay = self.layer, None, None
        self._final.clear()
        if layer is not None and layer in self._viewer.layers:
            unlink_layers([self._source, layer], LINKED)
            self._viewer.layers.remove(layer)
        self._source = None

    def _show(self, picture: PreviewPicture) -> None:
        request = picture.request
        final = picture.quality is Quality.FINAL
        self._ensure_layer(request)
        assert self._overlay is not None
        self._overlay.paint(request.index, picture.pixels)
        for index in list(self._overlay.painted)[:-KEPT]:
            del self._overlay.painted[index]
            self._final.discard(index)
        if final and request is self._request:
            self._final.add(request.index)
        self._took["final" if final else "draft"] = picture.seconds
        self._say(self._line(final))
        if not self.layer.visible:
            self.layer.visible = True
        self._refresh()
        self.shown.emit(picture)

    def _line(self, final: bool) -> str:
        times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self._took.items())
        return times if final else f"DRAFT, the final picture follows … {times}"

    def _ensure_layer(self, request: PreviewRequest) -> None:
        if self.layer is not None and self.layer in self._viewer.layers:
            if self._overlay is not None and self._overlay.axis == request.axis:
                return
            self._overlay = Overlay(request.volume.data, request.axis, self._mixed)
            self.layer.data = self._overlay
            return
        source = self._source
        assert source is not None
        self._overlay = Overlay(request.volume.data, request.axis, self._mixed)
        metadata = {METADATA_KEY: {ROLE: "preview", "source_layer": request.purpose}}
        name = f"{source.name} [preview]"
        above = [source, *(layer for layer in self._viewer.layers if _made_from(layer, request.purpose))]
        self.layer = add_above(
            self._viewer, above, self._overlay, name=name, metadata=metadata, **looks_of(source)
        )
        link_layers([source, self.layer], LINKED)

    def _mixed(self, painted: NDArray[Any], base: NDArray[Any]) -> NDArray[Any]:
        return mixed(painted, base, self._blend, np.dtype(np.float32))

    def _refresh(self) -> None:
        self.layer.refresh(thumbnail=False, highlight=False, extent=False)


def _made_from(layer: Any, source_id: str) -> bool:
    known = layer.metadata.get(METADATA_KEY)
    return isinstance(known, dict) and known.get("source_layer") == source_id
