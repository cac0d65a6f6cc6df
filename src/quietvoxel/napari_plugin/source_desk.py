"""The layer that the Denoise dock is about: its volume, whether it can be denoised, and its noise."""

from collections.abc import Callable
from typing import Any

from napari.layers import Image

from quietvoxel.errors import QuietVoxelError
from quietvoxel.jobs import Done, Failure, Mailbox, MeasureJob, Message, Ticket, inference_thread
from quietvoxel.napari_plugin.denoise_panel import DenoisePanel
from quietvoxel.napari_plugin.known_volumes import Known, KnownVolumes
from quietvoxel.volume import Modality


class SourceDesk:
    """Shows what the chosen layer is, and has its noise measured in the inference thread.

    Parameters
    ----------
    panel, mailbox : of the dock.
    ready : called when the volume chosen, or its noise, is another one; the preview follows.
    """

    def __init__(self, panel: DenoisePanel, mailbox: Mailbox[Message], ready: Callable[[], None]) -> None:
        self._panel = panel
        self._mailbox = mailbox
        self._ready = ready
        self._volumes = KnownVolumes()
        self._measuring: dict[Ticket, Image] = {}
        self._watched: Image | None = None

    @property
    def layer(self) -> Image | None:
        """The layer chosen."""
        return self._panel.chooser.layer

    def known(self) -> Known | None:
        """What is known of it; None, and a sentence in the dock, where it is no volume."""
        if self.layer is None:
            return None
        try:
            return self._volumes.of(self.layer)
        except QuietVoxelError as error:
            self._panel.bar.say(str(error))
            return None

    def look(self) -> None:
        """Show the layer chosen now."""
        self.watch(self.layer)
        panel, known = self._panel, self.known()
        panel.bar.set_ready(known is not None)
        panel.show_volume(known.volume if known else None)
        if known is None:
            panel.noise.show_waiting(False)
            return
        if not panel.bar.run.state.busy:
            panel.bar.say("")
        if known.measured is None:
            self.measure()
        else:
            panel.noise.show_estimate(known.measured.statistics.sigma, known.volume.modality)
            self._ready()

    def measure(self) -> None:
        """Have its noise measured (again)."""
        layer, known = self.layer, self.known()
        if layer is None or known is None:
            return
        self._panel.noise.show_waiting(True)
        job = MeasureJob(known.volume)
        ticket = inference_thread().submit_urgent((self._mailbox, "noise"), job, self._mailbox)
        self._measuring[ticket] = layer

    def take(self, message: Message) -> bool:
        """Read a message; False where it is not about measuring."""
        layer = self._measuring.pop(message.ticket, None)
        if layer is None:
            return False
        content = message.content
        known = self.known() if layer is self.layer else None
        if known is not None and isinstance(content, Failure):
            self._panel.noise.allow_again()
            self._panel.bar.say_failure(content)
        elif known is not None and isinstance(content, Done):
            known.measured = content.result
            statistics = known.measured.statistics
            self._panel.noise.show_estimate(statistics.sigma, known.volume.modality)
            if not self._panel.bar.run.state.busy:
                self._panel.bar.note([*known.volume.source.notes, *statistics.notes])
            self._ready()
        return True

    def set_modality(self, modality: str) -> None:
        """The user says what the voxel values mean."""
        if self.layer is not None:
            self._volumes.set_modality(self.layer, Modality(modality))
            self.look()

    def watch(self, layer: Image | None) -> None:
        """Hear of new voxels in this layer, and of no other's."""
        if self._watched is not None:
            self._watched.events.data.disconnect(self._voxels_replaced)
        self._watched = layer
        if layer is not None:
            layer.events.data.connect(self._voxels_replaced)

    def _voxels_replaced(self, _event: Any = None) -> None:
        self._volumes.forget(self._watched)
        self.look()
