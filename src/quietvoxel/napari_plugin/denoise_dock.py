"""The Denoise dock: choose a volume, an engine and its settings, see the slice on screen change, run the volume."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from napari.layers import Image
from napari.viewer import Viewer
from qtpy.QtCore import QTimer

from quietvoxel.engines.registry import ENGINES
from quietvoxel.jobs import (
    DenoiseJob,
    Done,
    Failure,
    Job,
    Message,
    PreviewRequest,
    ProbeJob,
    Ticket,
    inference_thread,
)
from quietvoxel.models import ModelCard
from quietvoxel.napari_plugin.denoise_panel import DenoisePanel
from quietvoxel.napari_plugin.live_preview import LivePreview
from quietvoxel.napari_plugin.preferences import apply_model_folder, preferences
from quietvoxel.napari_plugin.relay import mailbox_for
from quietvoxel.napari_plugin.remembered import recall, remember
from quietvoxel.napari_plugin.result_layers import ResultLayer
from quietvoxel.napari_plugin.saving import Saved, SaveJob, ask_for_path
from quietvoxel.napari_plugin.screen_slice import nearest_slice, slice_on_screen
from quietvoxel.napari_plugin.source_desk import SourceDesk
from quietvoxel.napari_plugin.unproxied import unproxied
from quietvoxel.napari_plugin.volume_runs import VolumeRuns

TOUCH = "move a slider to see what it does to this slice"

BLENDED_AT_A_TIME = 4
"""Slices mixed in one turn of the event loop: some milliseconds."""


class DenoiseDock(DenoisePanel):
    """Binds the panel's controls to jobs, and what jobs tell to layers.

    Parameters
    ----------
    napari_viewer : given by napari.

    Attributes
    ----------
    preview : of the slice on screen.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        viewer = unproxied(napari_viewer)
        chosen = preferences()
        apply_model_folder(chosen.model_folder)
        kept = recall("denoise")
        super().__init__(viewer, kept | {"engine": chosen.engine or kept.get("engine", "")}, chosen)
        self._viewer = viewer
        self._mailbox = mailbox_for(self._read_mail)
        self._asides: dict[Ticket, Callable[[Any], None]] = {}
        self._source = SourceDesk(self, self._mailbox, self._ask_anew)
        self.preview = LivePreview(self, viewer, self._mailbox, self.preview_line.setText)
        self._runs = VolumeRuns(viewer, self._mailbox, self.bar, self.results)
        # Of a preview of the volume chosen: the original is shown until a control is touched.
        self._wanted = False
        self._blender = QTimer(self, interval=0, timeout=self._blend_some)
        self._keeper = QTimer(self, interval=1000, singleShot=True, timeout=self._remember)
        self._connect()
        self._aside("devices", ProbeJob(), self.show_devices)
        self._layer_chosen()

    def start(self) -> None:
        """Denoise the volume chosen with the engine chosen; what the button does."""
        if not self._refuse_second_run():
            job = self._job(self.engines.engine, self.engines.card)
            if job is not None:
                self._run([job], None)

    def start_all(self) -> None:
        """Denoise it with every engine that has a model for its modality, one after the other, and compare them."""
        if self._refuse_second_run():
            return
        cards = {name: self.engines.fitting_card(name) for name in ENGINES}
        jobs = [self._job(name, card) for name, card in cards.items() if card is not None]
        ready = [job for job in jobs if job is not None]
        if ready:
            self._run(ready, self._compare)
        elif not any(cards.values()):
            self.bar.say(f"No engine has a model for {self.modality.currentText()}; import or train one.")

    def denoise_layer(self, layer: Image) -> None:
        """Choose a layer and start on it."""
        if not self._refuse_second_run():
            self.chooser.choose(unproxied(layer))
            if self.chooser.layer is unproxied(layer):
                self.start()

    def _connect(self) -> None:
        self.chooser.chosen.connect(self._layer_chosen)
        self.modality.textActivated.connect(self._source.set_modality)
        self.noise.estimate.connect(self._source.measure)
        for changed in (
            self.noise.changed,
            self.engines.engine_changed,
            self.engines.model_changed,
            self.settings_changed,
        ):
            changed.connect(self._settings_changed)
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
        # When the viewer closes, widgets are gone before anybody is told: only what is no widget may be touched.
        self.destroyed.connect(_Farewell(self._mailbox, self._runs))

    def _view_events(self) -> list[Any]:
        events = self._viewer.dims.events
        return [events.current_step, events.order, events.ndisplay]

    def shut(self) -> None:
        """Put the viewer back as it was, results excepted."""
        self._mailbox.close()
        self._remember()
        self._viewer.layers.events.removed.disconnect(self._layer_removed)
        for event in self._view_events():
            event.disconnect(self._view_changed)
        self._source.watch(None)
        self._runs.shut()
        self.preview.remove()
        self.chooser.let_go()
        self.results.let_go()

    def _read_mail(self) -> None:
        for message in self._mailbox.drain():
            if not any(part.take(message) for part in (self._runs, self.preview, self._source)):
                self._take_aside(message)
        self._runs.flush()

    def _aside(self, key: str, job: Job, finish: Callable[[Any], None]) -> None:
        """Have something done in the thread whenever it comes by."""
        ticket = inference_thread().submit_urgent((self._mailbox, key), job, self._mailbox)
        self._asides[ticket] = finish

    def _take_aside(self, message: Message) -> None:
        finish = self._asides.pop(message.ticket, None)
        if finish is not None and isinstance(message.content, Done):
            finish(message.content.result)
        elif finish is not None and isinstance(message.content, Failure):
            self.bar.say_failure(message.content)

    # --- the preview

    def _layer_chosen(self) -> None:
        self.preview.remove()
        self._source.look()
        # That may have chosen another model, which is not the user's touch.
        self._wanted = False
        self.preview.remove()
        self.preview_line.setText(TOUCH if self.preview_box.isChecked() else "")

    def _settings_changed(self) -> None:
        self._wanted = True
        self._keeper.start()
        self._ask_anew()

    def _ask_anew(self) -> None:
        self._ask_preview(anew=True)

    def _view_changed(self, _event: Any = None) -> None:
        if self.preview.showing or self.preview.resting_for_view:
            self._ask_preview(anew=False)

    def _preview_toggled(self, wanted: bool) -> None:
        self._wanted = wanted
        if wanted:
            self._ask_anew()
        else:
            self.preview.remove()
            self.preview_line.setText("")

    def _ask_preview(self, *, anew: bool) -> None:
        layer, card, known = self._source.layer, self.engines.card, self._source.known()
        wanted = self._wanted and self.preview_box.isChecked()
        if not wanted or layer is None or known is None or known.measured is None:
            return
        if card is None:
            self.preview_line.setText(self._no_model(self.engines.engine))
            return
        options = self.options()
        axis = known.measured.axis if options.axis == "auto" else int(options.axis)
        index = slice_on_screen(self._viewer, layer, axis)
        if index is None:
            self.preview.rest(for_view=True)
            self.preview_line.setText("no preview in this view, which cuts across the slices")
            return
        settings = self.settings(self.engines.engine)
        source = str(layer.unique_id)
        request = PreviewRequest(known.volume, card, settings, options, known.measured, axis, index, source)
        self.preview.ask(layer, request, anew=anew)

    # --- runs

    def _refuse_second_run(self) -> bool:
        if self._runs.busy:
            self.bar.say("A volume is being denoised; cancel that, or wait until it is done.")
        return self._runs.busy

    def _job(self, engine: str, card: ModelCard | None) -> DenoiseJob | None:
        layer, known = self._source.layer, self._source.known()
        if layer is None or known is None:
            return None
        if card is None:
            self.bar.say(self._no_model(engine))
            return None
        options, measured = self.options(), known.measured
        axis = int(options.axis) if options.axis != "auto" else measured.axis if measured else 0
        options = options.model_copy(update={"start_slice": nearest_slice(self._viewer, layer, axis)})
        statistics = measured.statistics if measured else None
        return DenoiseJob(
            known.volume, card, self.settings(engine), options, statistics, str(layer.unique_id)
        )

    def _run(self, jobs: list[DenoiseJob], then: Callable[[list[Image]], None] | None) -> None:
        self._remember()
        self.preview.rest()
        self.preview_line.setText("")
        self._runs.start(self._source.layer, jobs, then)

    def _no_model(self, engine: str) -> str:
        return f"{ENGINES[engine].title} has no model yet; import or train one, or choose another engine."

    def _compare(self, layers: list[Image]) -> None:
        """Show a source (where it is still there) and its results side by side."""
        if find_spec("quietvoxel.napari_plugin.compare_dock") is not None:
            from quietvoxel.napari_plugin.compare_dock import open_compare

            open_compare(self._viewer, layers)

    # --- results

    def _layer_removed(self, event: Any) -> None:
        self._runs.layer_gone(event.value)
        if self.preview.layer is event.value:
            self.preview_box.setChecked(False)

    def _blend_changed(self, percent: float) -> None:
        self._keeper.start()
        self.preview.set_blend(percent / 100)
        current = self.results.current
        if current is not None and current.in_viewer:
            current.set_blend(percent / 100, nearest_slice(self._viewer, current.layer, current.axis))
            self._blender.start()

    def _blend_some(self) -> None:
        current = self.results.current
        if current is None or not current.blend_some(BLENDED_AT_A_TIME):
            self._blender.stop()

    def _show_blend(self) -> None:
        """The slider belongs to the current result; a new one is blended as the slider stands."""
        current = self.results.current
        if current is None:
            return
        if current.summary is None:
            self._blend_changed(self.blend.value())
        else:
            self.blend.setValue(round(100 * current.blend))

    def _save(self, result: ResultLayer) -> None:
        path = ask_for_path(self, result.layer.name)
        if path is not None:
            result.blend_some(result.layer.data.shape[result.axis])
            self._aside(str(path), SaveJob.of(result, path), self._saved)

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
