"""The Simulate dock: a lower-dose CT or a noisier MR of a loaded volume, to try the engines on a known reference."""

from dataclasses import dataclass, replace
from typing import Any

from napari.experimental import link_layers
from napari.layers import Image
from napari.viewer import Viewer
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QLabel, QSpinBox, QVBoxLayout, QWidget

from quietvoxel.errors import QuietVoxelError
from quietvoxel.jobs import Cancelled, Done, Failure, SimulateJob, Ticket, inference_thread
from quietvoxel.jobs.simulate_measures import MEASURES, measures_for
from quietvoxel.napari_plugin.adapter import METADATA_KEY, volume_from_layer
from quietvoxel.napari_plugin.dock_contents import DockContents
from quietvoxel.napari_plugin.layer_chooser import LayerChooser
from quietvoxel.napari_plugin.live_preview import LINKED
from quietvoxel.napari_plugin.relay import mailbox_for
from quietvoxel.napari_plugin.remembered import recall, remember
from quietvoxel.napari_plugin.result_layers import add_above, looks_of
from quietvoxel.napari_plugin.run_bar import RunBar
from quietvoxel.napari_plugin.unproxied import unproxied
from quietvoxel.volume import Modality, Volume


@dataclass(frozen=True)
class _Order:
    """What the user asked for, as it was then."""

    source: Image
    name: str
    looks: dict[str, Any]
    job: SimulateJob


class SimulateDock(DockContents):
    """Degrades the volume chosen by one measure, in the inference thread; the result is a layer.

    Parameters
    ----------
    napari_viewer : given by napari.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self._viewer = unproxied(napari_viewer)
        self._mailbox = mailbox_for(self._read_mail)
        self._ticket: Ticket | None = None
        self._order: _Order | None = None
        self._kept: dict[str, float] = {name: one.start for name, one in MEASURES.items()}
        kept = recall("simulate").get("values", {})
        self._kept |= {name: float(value) for name, value in kept.items() if name in MEASURES}
        self.chooser = LayerChooser(self._viewer)
        self.measure = QComboBox()
        self.value = QDoubleSpinBox()
        self.value.setDecimals(3)
        self.seed = QSpinBox()
        self.seed.setRange(0, 2**31 - 1)
        self.seed.setToolTip("The same seed adds the same noise")
        self.bar = RunBar("Simulate")
        self._build()
        self.chooser.chosen.connect(self._layer_chosen)
        self.measure.currentIndexChanged.connect(self._measure_chosen)
        self.bar.start.connect(self.start)
        self.bar.cancel.connect(self._cancel)
        self.destroyed.connect(self._mailbox.close)
        self._layer_chosen()

    def start(self) -> None:
        """Simulate; what the button does."""
        layer = self.chooser.layer
        if self.bar.run.state.busy:
            return
        volume = self._volume(layer)
        if volume is None:
            return
        name = self.measure.currentData()
        self._kept[name] = self.value.value()
        remember("simulate", {"values": self._kept})
        given = {name: self.value.value()}
        job = SimulateJob(
            volume, **given, seed=self.seed.value(), purpose=MEASURES[name].result_name.format(given[name])
        )
        self._order = _Order(layer, layer.name, looks_of(layer), job)
        self.bar.run.submit()
        self.bar.say("")
        self.bar.note(())
        self.bar.show_state()
        self._ticket = inference_thread().submit(job, self._mailbox)

    def shut(self) -> None:
        """Stop for good: the dock has been closed."""
        self._mailbox.close()
        self.chooser.let_go()
        if self._ticket is not None:
            self._ticket.cancel()

    def _build(self) -> None:
        content = QWidget()
        about = QLabel(
            "Adds noise to a good scan, so that you can test the engines against a reference you know: denoise the "
            "result and compare it with the scan it was made from."
        )
        about.setWordWrap(True)
        form = QFormLayout()
        for label, control in (
            ("Volume", self.chooser),
            ("By", self.measure),
            ("Value", self.value),
            ("Seed", self.seed),
        ):
            form.addRow(label, control)
        rows = QVBoxLayout(content)
        rows.addWidget(about)
        rows.addLayout(form)
        rows.addWidget(self.bar)
        rows.addStretch()
        self.fill(content)

    def _layer_chosen(self) -> None:
        volume = self._volume(self.chooser.layer)
        self.bar.set_ready(volume is not None)
        if volume is None:
            return
        before = self.measure.currentData()
        self.measure.blockSignals(True)
        self.measure.clear()
        for name in measures_for(volume.modality):
            self.measure.addItem(MEASURES[name].title, name)
        self.measure.setCurrentIndex(max(0, self.measure.findData(before)))
        self.measure.blockSignals(False)
        self._measure_chosen()

    def _measure_chosen(self) -> None:
        name = self.measure.currentData()
        measure = MEASURES[name]
        self.value.setRange(measure.lowest, measure.highest)
        self.value.setSingleStep(measure.step)
        self.value.setValue(self._kept[name])
        self.value.setToolTip(measure.tooltip)

    def _volume(self, layer: Image | None) -> Volume | None:
        if layer is None:
            return None
        try:
            return volume_from_layer(layer)
        except QuietVoxelError as error:
            self.bar.say(str(error))
            return None

    def _cancel(self) -> None:
        if self.bar.run.ask_cancel() and self._ticket is not None:
            self._ticket.cancel()
        self.bar.show_state()

    def _read_mail(self) -> None:
        for message in self._mailbox.drain():
            if message.ticket is not self._ticket:
                continue
            match message.content:
                case Done() as done:
                    self._show(done.result)
                    self.bar.run.done()
                case Cancelled():
                    self.bar.say("Cancelled.")
                    self.bar.run.cancelled()
                case Failure() as failure:
                    self.bar.say_failure(failure)
                    self.bar.run.failed()
            self.bar.show_state()

    def _show(self, made: Any) -> None:
        order, volume = self._order, made.volume
        assert order is not None
        known = {
            "geometry": volume.geometry,
            "modality": volume.modality,
            "source": replace(volume.source, derived_by_us=True, path=None),
            "simulated": {"by": order.job.purpose, "sigma_added": made.sigma_added, "seed": order.job.seed},
        }
        name = f"{order.name} [{order.job.purpose}]"
        layer = add_above(
            self._viewer,
            [order.source],
            volume.data,
            name=name,
            metadata={METADATA_KEY: known},
            **order.looks,
        )
        if order.source in self._viewer.layers:
            link_layers([order.source, layer], LINKED)
        unit = " HU" if volume.modality == Modality.CT else ""
        self.bar.say(f"Added noise of SD {made.sigma_added:.4g}{unit}. Simulated; not for diagnosis.")
        self.bar.note(made.notes)
