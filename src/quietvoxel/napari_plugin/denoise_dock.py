"""The Denoise dock: choose a volume, an engine and its settings, see the slice on screen change, run the volume."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from napari.layers import Image
from napari.viewer import Viewer
from qtpy.QtCore import QEvent, QTimer

from quietvoxel.engines.registry import ENGINES
from quietvoxel.errors import QuietVoxelError
from quietvoxel.jobs import (
    Done,
    Failure,
    Measured,
    MeasureJob,
    Message,
    PreviewRequest,
    ProbeJob,
    Ticket,
    inference_thread,
)
from quietvoxel.jobs.denoise_job import DenoiseJob
from quietvoxel.models import ModelCard
from quietvoxel.napari_plugin.denoise_panel import DenoisePanel
from quietvoxel.napari_plugin.known_volumes import Known, KnownVolumes
from quietvoxel.napari_plugin.live_preview import LivePreview
from quietvoxel.napari_plugin.preferences import apply_model_folder, preferences
from quietvoxel.napari_plugin.relay import mailbox_for
from quietvoxel.napari_plugin.remembered import recall, remember
from quietvoxel.napari_plugin.result_layers import ResultLayer
from quietvoxel.napari_plugin.saving import Saved, SaveJob, ask_for_path
from quietvoxel.napari_plugin.screen_slice import nearest_slice, slice_on_screen
from quietvoxel.napari_plugin.volume_runs import VolumeRuns
from quietvoxel.volume import Modality

BLENDED_AT_A_TIME = 4
"""Slices mixed in one turn of the event loop: some milliseconds."""


class DenoiseDock(DenoisePanel):
    """Binds the panel's controls to jobs, and what jobs tell to layers.

    Parameters
    ----------
    napari_viewer : given by napari.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        chosen = preferences()
        apply_model_folder(chosen.model_folder)
        super().__init__(napari_viewer, recall("denoise"), chosen)
        self._viewer = napari_viewer
        self._mailbox = mailbox_for(self._read_mail)
        self._known = KnownVolumes()
        self._measuring: dict[Ticket, Image] = {}
        self._asides: dict[Ticket, Callable[[Any], None]] = {}
        self._preview = LivePreview(napari_viewer, self._mailbox, self.preview_line.setText)
        self._runs = VolumeRuns(napari_viewer, self._mailbox, self.bar, self.results)
        self._open = True
        self._watched: Image | None = None
        self._blender = QTimer(self, interval=0, timeout=self._blend_some)
        self._keeper = QTimer(self, interval=1000, singleShot=True, timeout=self._remember)
        self._connect()
        self._asides[
            inference_thread().submit_urgent((self._mailbox, "devices"), ProbeJob(), self._mailbox)
        ] = self.show_devices
        self._layer_chosen()

    def start(self) -> None:
        """Denoise the volume chosen with the engine chosen; what the button does."""
        if self._refuse_second_run():
            return
        job = self._job(self.engines.engine, self.engines.card)
        if job is not None:
            self._run([job], None)

    def start_all(self) -> None:
        """Denoise it with every engine that has a model, one after the other, and compare the results."""
        if self._refuse_second_run():
            return
        cards = {name: self.engines.card_of(name) for name in ENGINES}
        jobs = [self._job(name, card) for name, card in cards.items() if card is not None]
        ready = [job for job in jobs if job is not None]
        if ready:
            self._run(ready, self._compare)

    def denoise_layer(self, layer: Image) -> None:
        """Choose a layer and start on it."""
        if not self._refuse_second_run():
            self.chooser.choose(layer)
            if self.chooser.layer is layer:
                self.start()

    def event(self, event: QEvent) -> bool:
        """Notice the dock's × : the contents are then left without a parent, and hear nothing else."""
        if (
            event.type() == QEvent.Type.ParentChange
            and self.parent() is None
            and getattr(self, "_open", False)
        ):
            self._shut()
        return super().event(event)

    def _connect(self) -> None:
        self.chooser.chosen.connect(self._layer_chosen)
        self.modality.activated.connect(self._modality_given)
        self.noise.changed.connect(self._settings_changed)
        self.noise.estimate.connect(self._measure)
        self.engines.engine_changed.connect(self._settings_changed)
        self.engines.model_changed.connect(self._settings_changed)
        self.settings_changed.connect(self._settings_changed)
        self.blend.valueChanged.connect(self._blend_changed)
        self.preview_box.toggled.connect(self._preview_toggled)
        self.bar.start.connect(self.start)
        self.bar.start_all.connect(self.start_all)
        self.bar.cancel.connect(self._runs.cancel)
        self.results.current_changed.connect(self._show_blend)
        self.results.save.connect(self._save)
        self._viewer.layers.events.removed.connect(self._layer_removed)
        for event in self._view_events():
            event.connect(self._view_changed)
        # The viewer closes: the widgets are gone by then, only what is no widget may be touched.
        self.destroyed.connect(_Farewell(self._mailbox, self._runs))

    def _view_events(self) -> list[Any]:
        events = self._viewer.dims.events
        return [events.current_step, events.order, events.ndisplay]

    def _shut(self) -> None:
        """Put the viewer back as it was, results excepted."""
        self._open = False
        self._mailbox.close()
        self._remember()
        self._runs.shut()
        self._preview.remove()
        self._watch(None)
        self.chooser.let_go()
        self.results.let_go()
        self._viewer.layers.events.removed.disconnect(self._layer_removed)
        for event in self._view_events():
            event.disconnect(self._view_changed)

    # --- what the thread tells

    def _read_mail(self) -> None:
        for message in self._mailbox.drain():
            if not (self._runs.take(message) or self._preview.take(message)):
                self._take_other(message)
        self._runs.flush()

    def _take_other(self, message: Message) -> None:
        layer = self._measuring.pop(message.ticket, None)
        if layer is not None and layer is self.chooser.layer:
            self._measured(layer, message.content)
        finish = self._asides.pop(message.ticket, None)
        if finish is not None:
            if isinstance(message.content, Done):
                finish(message.content.result)
            elif isinstance(message.content, Failure):
                self.bar.say_failure(message.content)

    # --- the volume

    def _layer_chosen(self) -> None:
        layer = self.chooser.layer
        self._preview.remove()
        self._watch(layer)
        known = self._known_of(layer)
        self.bar.set_ready(known is not None)
        if layer is None or known is None:
            self.noise.show_waiting(False)
            self.show_volume(None)
            return
        if not self._runs.busy:
            self.bar.say("")
        self.show_volume(known.volume)
        if known.measured is None:
            self._measure()
        else:
            self.noise.show_estimate(known.measured.statistics.sigma, known.volume.modality)
            self._ask_preview(anew=True)

    def _known_of(self, layer: Image | None) -> Known | None:
        """What is known of a layer; None, and a sentence, where it is no volume."""
        if layer is None:
            return None
        try:
            return self._known.of(layer)
        except QuietVoxelError as error:
            self.bar.say(str(error))
            return None

    def _watch(self, layer: Image | None) -> None:
        """Hear of new voxels in the layer chosen, and of no other's."""
        if self._watched is not None:
            self._watched.events.data.disconnect(self._voxels_replaced)
        self._watched = layer
        if layer is not None:
            layer.events.data.connect(self._voxels_replaced)

    def _voxels_replaced(self, _event: Any = None) -> None:
        self._known.forget(self._watched)
        self._layer_chosen()

    def _modality_given(self) -> None:
        layer = self.chooser.layer
        if layer is not None:
            self._known.set_modality(layer, Modality(self.modality.currentText()))
            self._layer_chosen()

    def _measure(self) -> None:
        layer = self.chooser.layer
        known = self._known_of(layer)
        if known is None:
            return
        self.noise.show_waiting(True)
        key = (self._mailbox, "noise")
        self._measuring[inference_thread().submit_urgent(key, MeasureJob(known.volume), self._mailbox)] = (
            layer
        )

    def _measured(self, layer: Image, content: Any) -> None:
        known = self._known_of(layer)
        if isinstance(content, Failure):
            self.noise.allow_again()
            self.bar.say_failure(content)
        if known is None or not isinstance(content, Done):
            return
        measured: Measured = content.result
        known.measured = measured
        self.noise.show_estimate(measured.statistics.sigma, known.volume.modality)
        if not self._runs.busy:
            self.bar.note([*known.volume.source.notes, *measured.statistics.notes])
        self._ask_preview(anew=True)

    # --- the preview

    def _settings_changed(self) -> None:
        self._keeper.start()
        self._ask_preview(anew=True)

    def _view_changed(self, _event: Any = None) -> None:
        if self._preview.showing:
            self._ask_preview(anew=False)

    def _preview_toggled(self, wanted: bool) -> None:
        self._keeper.start()
        if wanted:
            self._ask_preview(anew=True)
        else:
            self._preview.remove()
            self.preview_line.setText("")

    def _ask_preview(self, *, anew: bool) -> None:
        layer, card = self.chooser.layer, self.engines.card
        known = self._known_of(layer)
        if not self.preview_box.isChecked() or known is None or known.measured is None:
            return
        if card is None:
            self.preview_line.setText(self._no_model(self.engines.engine))
            return
        options = self.options()
        axis = known.measured.axis if options.axis == "auto" else int(options.axis)
        index = slice_on_screen(self._viewer, layer, axis)
        if index is None:
            self._preview.rest()
            self.preview_line.setText("no preview in this view: it cuts across the slices")
            return
        settings = self.settings(self.engines.engine)
        request = PreviewRequest(
            known.volume, card, settings, options, known.measured, axis, index, str(layer.unique_id)
        )
        self._preview.ask(layer, request, anew=anew)

    # --- runs

    def _refuse_second_run(self) -> bool:
        if self._runs.busy:
            self.bar.say("A volume is being denoised; cancel that, or wait until it is done.")
        return self._runs.busy

    def _job(self, engine: str, card: ModelCard | None) -> DenoiseJob | None:
        layer = self.chooser.layer
        known = self._known_of(layer)
        if known is None:
            return None
        if card is None:
            self.bar.say(self._no_model(engine))
            return None
        options = self.options()
        axis = int(options.axis) if options.axis != "auto" else known.measured.axis if known.measured else 0
        options = options.model_copy(update={"start_slice": nearest_slice(self._viewer, layer, axis)})
        statistics = known.measured.statistics if known.measured else None
        return DenoiseJob(
            known.volume, card, self.settings(engine), options, statistics, str(layer.unique_id)
        )

    def _run(self, jobs: list[DenoiseJob], then: Callable[[list[Image]], None] | None) -> None:
        self._remember()
        self._preview.rest()
        self.preview_line.setText("")
        self._runs.start(self.chooser.layer, jobs, then)

    def _no_model(self, engine: str) -> str:
        return f"{ENGINES[engine].title} has no model yet; import or train one, or choose another engine."

    def _compare(self, layers: list[Image]) -> None:
        if find_spec("quietvoxel.napari_plugin.compare_dock") is None:
            return
        from quietvoxel.napari_plugin.compare_dock import open_compare

        source = self.chooser.layer
        open_compare(self._viewer, [source, *layers] if source is not None else layers)

    # --- results

    def _layer_removed(self, event: Any) -> None:
        self._runs.layer_gone(event.value)
        if self._preview.layer is event.value:
            self.preview_box.setChecked(False)

    def _blend_changed(self, percent: float) -> None:
        self._keeper.start()
        self._preview.set_blend(percent / 100)
        current = self.results.current
        if current is not None:
            first = nearest_slice(self._viewer, current.layer, current.axis)
            current.set_blend(percent / 100, first)
            self._blender.start()

    def _blend_some(self) -> None:
        current = self.results.current
        if current is None or not current.blend_some(BLENDED_AT_A_TIME):
            self._blender.stop()

    def _show_blend(self) -> None:
        """The slider belongs to the current result."""
        current = self.results.current
        if current is not None and current.summary is None:
            self._blend_changed(self.blend.value())
        elif current is not None:
            self.blend.setValue(round(100 * current.blend))

    def _save(self, result: ResultLayer) -> None:
        path = ask_for_path(self, result.layer.name)
        if path is not None:
            result.blend_some(result.layer.data.shape[result.axis])
            job = SaveJob.of(result, path)
            self._asides[inference_thread().submit_urgent((self._mailbox, path), job, self._mailbox)] = (
                self._saved
            )

    def _saved(self, saved: Saved) -> None:
        self.bar.say(saved.sentence)

    def _remember(self) -> None:
        self._keeper.stop()
        remember("denoise", self.to_remember())


class _Farewell:
    """What is left to do when Qt has deleted the widgets: nobody reads any more, and the run stops."""

    def __init__(self, mailbox: Any, runs: VolumeRuns) -> None:
        self._mailbox, self._runs = mailbox, runs

    def __call__(self) -> None:
        self._mailbox.close()
        self._runs.abandon()
