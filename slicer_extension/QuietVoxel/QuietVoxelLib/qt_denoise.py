"""The section Denoise: binds its widgets to runs and previews, and nothing else."""

from dataclasses import replace

import qt

from .core_words import core
from .plan import Plan
from .qt_engine import EngineChoice, fill
from .qt_results import ResultsList
from .qt_run_view import RunWidgets
from .screen_slice import slice_on_screen, views_of
from .volume_nodes import PREFIX, trouble_with
from .words import _

PREVIEW_MS = 60
"""A preview is asked for this long after the last move of a control or of the slice."""

BLEND_MS = 30


class DenoiseSection:
    """Widgets of the section.

    Parameters
    ----------
    ui : the widgets of the .ui file.
    compare : called with the source and the results when all engines have run.
    """

    def __init__(self, ui, compare):
        self._ui = ui
        self._compare = compare
        self._session = None
        self._sigma = None  # the estimate, where the volume's is known
        self._quiet = False
        self.view = RunWidgets(
            ui.denoiseButton,
            ui.denoiseBar,
            ui.denoiseProgress,
            ui.denoiseStatus,
            ui.denoiseNotes,
            _("Denoise volume"),
            ui.denoiseDetailsButton,
            self._state_changed,
        )
        self._preview_timer = _single_shot(PREVIEW_MS, self._preview)
        self._blend_timer = _single_shot(BLEND_MS, self._blend)
        self.view.set_ready(False)
        self.results = ResultsList(ui, lambda: self.volume)
        self.engines = EngineChoice(ui, self._settings_changed, self.view.say)
        ui.previewLine.text = ""
        ui.inputSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._volume_chosen)
        ui.modalityBox.connect("activated(int)", self._modality_chosen)
        ui.sigmaBox.connect("valueChanged(double)", self._sigma_given)
        ui.estimateButton.connect("clicked(bool)", self._estimate)
        ui.blendSlider.connect("valueChanged(double)", self._blend_moved)
        ui.previewBox.connect("toggled(bool)", self._preview_toggled)
        ui.denoiseButton.connect("clicked(bool)", self._clicked)
        ui.allEnginesButton.connect("clicked(bool)", self._all_engines)

    # --- what the module gives

    def bind(self, session, about, parameters):
        """Start working: the package is there and has said what it has. Again when that has changed."""
        first, self._session = self._session is None, session
        if first:
            self._quiet = True
            fill(self._ui.modalityBox, [(one, one) for one in about["modalities"]])
            self._quiet = False
        self.engines.bind(about, parameters)
        self._volume_chosen()

    def view_moved(self):
        """A slice view shows another slice."""
        if self._session is not None and self._session.preview.node is not None:
            self._preview_timer.start()

    def made(self, node):
        """A result is there."""
        self.results.made(node)
        if self._ui.blendSlider.value != 100:
            self._blend_timer.start()

    def node_removed(self, node):
        """A node leaves the scene."""
        self.results.fill(gone=node)

    # --- what the user has chosen

    @property
    def volume(self):
        """The volume chosen."""
        return self._ui.inputSelector.currentNode()

    def plan(self, engine=None):
        """What the controls say, for an engine; for the chosen one when not given."""
        chosen = self.engines.engine
        engine = engine or chosen
        options = self.engines.options
        if self._sigma is not None and not self._estimate_counts:
            options["sigma"] = self._ui.sigmaBox.value
        model = self.engines.model if engine is chosen else ""
        return Plan(engine["name"], core(engine["title"]), model, self.engines.settings(engine), options)

    @property
    def _estimate_counts(self):
        """Whether the noise is the estimated one, as far as the box shows it."""
        return abs(self._ui.sigmaBox.value - self._sigma) <= 0.51 * 10.0**-self._ui.sigmaBox.decimals

    # --- events

    def _volume_chosen(self, _node=None):
        node, ui = self.volume, self._ui
        if self._session is None:
            return
        self._session.preview.remove()
        self.results.fill()
        self._sigma = None
        trouble = trouble_with(node)
        self.view.set_ready(not trouble)
        ui.allEnginesButton.enabled = not trouble
        ui.previewLine.text = ""
        if trouble:
            ui.volumeLine.text = trouble
            return
        size = "×".join(str(one) for one in node.GetImageData().GetDimensions())
        spacing = "×".join(f"{one:.3g}" for one in node.GetSpacing())
        ui.volumeLine.text = _("{size} · {spacing} mm").format(size=size, spacing=spacing)
        ui.sigmaLine.text = _("measuring…")
        self._session.desk.open(node, lambda record: self._opened(node, record), self._refused)

    def _opened(self, node, record):
        if node is not self.volume:
            return
        ui, sigma = self._ui, record["sigma"]
        self._quiet = True
        ui.modalityBox.currentIndex = max(0, ui.modalityBox.findData(record["modality"]))
        ui.sigmaBox.decimals = 1 if sigma >= 10 else 2 if sigma >= 1 else 4
        ui.sigmaBox.suffix = " HU" if record["modality"] == "CT" else ""
        ui.sigmaBox.value = sigma
        self._sigma = sigma
        ui.sigmaLine.text = _("(estimated)")
        self._quiet = False
        self.engines.show_models(record["modality"])
        if not self._session.run.busy:
            self.view.note(record.get("notes", []))
        ui.previewLine.text = (
            _("move a slider to see what it does to this slice") if ui.previewBox.checked else ""
        )

    def _refused(self, sentence, _details=""):
        self._ui.sigmaLine.text = _("not known")
        self.view.say(sentence)

    def _modality_chosen(self, _index=None):
        node = self.volume
        if not self._quiet and node is not None:
            node.SetAttribute(PREFIX + "modality", self._ui.modalityBox.currentText)
            self._volume_chosen()

    def _sigma_given(self, _value=None):
        if not self._quiet and self._sigma is not None:
            self._ui.sigmaLine.text = _("(estimated)") if self._estimate_counts else _("(given)")
            self._settings_changed()

    def _estimate(self, _checked=False):
        if self.volume is not None and self._session is not None:
            self._session.desk.forget(self.volume.GetID())
            self._volume_chosen()

    def _settings_changed(self):
        if self._ui.previewBox.checked and self._sigma is not None:
            self._preview_timer.start()

    def _preview_toggled(self, wanted):
        if self._session is None:
            return
        if wanted:
            self._preview_timer.start()
        else:
            self._session.preview.rest()
            self._ui.previewLine.text = ""

    def _preview(self):
        node = self.volume
        if self._session is None or node is None or not self._ui.previewBox.checked:
            return
        self._session.preview.set_blend(self._ui.blendSlider.value / 100)
        self._session.preview.ask(node, self.plan().order)

    def _blend_moved(self, percent):
        if self._session is not None:
            self._session.preview.set_blend(percent / 100)
            self._blend_timer.start()

    def _blend(self):
        result = self.results.result
        if result is not None and self._session is not None:
            self._session.blender.blend(result, self._ui.blendSlider.value / 100)
            self.results.blended(result)

    def _clicked(self, _checked=False):
        if self._session is None:
            return
        if self._session.run.busy:
            self._session.run.cancel()
        else:
            self._start([self.plan()], None)

    def _all_engines(self, _checked=False):
        if self._session is None or self._session.run.busy:
            return
        ready = self.engines.with_models(self._ui.modalityBox.currentText or "CT")
        self._start([self.plan(engine) for engine in ready], self._compare)

    def _start(self, plans, then):
        node = self.volume
        self._session.preview.rest()
        self._ui.previewLine.text = ""
        start = _slice_now(node, self._session.desk.opened(node)) if node is not None else None
        plans = [replace(one, options=one.options | {"start_slice": start}) for one in plans]
        self._session.run.start(node, plans, then)

    def _state_changed(self, state):
        self._ui.allEnginesButton.enabled = state == "idle" and self._session is not None


def _slice_now(node, record):
    """The slice on screen, from which a run goes outwards; None where no view shows one."""
    if record is None:
        return None
    for view, _composite in views_of(node.GetScene(), node.GetID()):
        index = slice_on_screen(view, node, record["axis"])
        if index is not None:
            return index
    return None


def _single_shot(milliseconds, slot):
    timer = qt.QTimer()
    timer.singleShot = True
    timer.interval = milliseconds
    timer.connect("timeout()", slot)
    return timer
