"""The section Denoise: binds its widgets to runs and previews, and nothing else."""

import json

import qt

from .denoise_run import Plan
from .qt_run_view import RunWidgets
from .qt_settings import SettingsWidgets
from .screen_slice import slice_on_screen, views_of
from .settings_form import rows_of
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
        self._session = self._about = self._parameters = None
        self._forms, self._options = {}, None
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
        ui.modelText.visible = False
        ui.previewLine.text = ""
        ui.inputSelector.connect("currentNodeChanged(vtkMRMLNode*)", self._volume_chosen)
        ui.modalityBox.connect("activated(int)", self._modality_chosen)
        ui.sigmaBox.connect("valueChanged(double)", self._sigma_given)
        ui.estimateButton.connect("clicked(bool)", self._estimate)
        ui.engineBox.connect("currentIndexChanged(int)", self._engine_chosen)
        ui.modelBox.connect("currentIndexChanged(int)", self._model_chosen)
        ui.modelInfoButton.connect("toggled(bool)", self._show_card)
        ui.blendSlider.connect("valueChanged(double)", self._blend_moved)
        ui.previewBox.connect("toggled(bool)", self._preview_toggled)
        ui.denoiseButton.connect("clicked(bool)", self._clicked)
        ui.allEnginesButton.connect("clicked(bool)", self._all_engines)

    # --- what the module gives

    def bind(self, session, about):
        """Start working: the package is there and has said what it has."""
        self._session, self._about = session, about
        ui = self._ui
        self._quiet = True
        _fill(ui.modalityBox, [(one, one) for one in about["modalities"]])
        _fill(ui.engineBox, [(_(engine["title"]), engine["name"]) for engine in about["engines"]])
        self._quiet = False
        self._build_options()
        self.set_parameters(self._parameters)
        self._volume_chosen()

    def set_parameters(self, parameters):
        """Another parameter node: a scene was loaded or closed."""
        self._parameters = parameters
        if parameters is None or self._about is None:
            return
        kept = _read(parameters.settings)
        for settings in self._forms.values():
            settings.remove()
        self._forms = {}
        self._kept = kept
        index = self._ui.engineBox.findData(parameters.engine)
        self._ui.engineBox.currentIndex = max(0, index)
        self._engine_chosen()

    def show_devices(self, devices):
        """Offer the devices that there are, with their free memory."""
        choices = [("auto", "auto")] + [(f"{one['name']} ({one['title']})", one["name"]) for one in devices]
        self._options.set_choices("device", choices)
        if devices:
            self._ui.deviceLine.text = _("auto takes {title}").format(title=devices[0]["title"])

    def view_moved(self):
        """A slice view shows another slice."""
        if self._session is not None and self._session.preview.node is not None:
            self._preview_timer.start()

    def made(self, node):
        """A result is there."""
        self._ui.resultSelector.setCurrentNode(node)
        if self._ui.blendSlider.value != 100:
            self._blend_timer.start()

    # --- what the user has chosen

    @property
    def volume(self):
        """The volume chosen."""
        return self._ui.inputSelector.currentNode()

    @property
    def engine(self):
        """The engine chosen, as the worker describes it."""
        index = max(0, self._ui.engineBox.currentIndex)
        return self._about["engines"][index]

    def plan(self, engine=None):
        """What the controls say, for an engine; for the chosen one when not given."""
        engine = engine or self.engine
        chosen = engine["name"] == self.engine["name"]
        model = self._ui.modelBox.itemData(self._ui.modelBox.currentIndex) if chosen else ""
        options = dict(self._options.values)
        if (
            self._sigma is None
            or abs(self._ui.sigmaBox.value - self._sigma) > 10.0**-self._ui.sigmaBox.decimals
        ):
            options["sigma"] = self._ui.sigmaBox.value if self._sigma is not None else None
        return Plan(engine["name"], _(engine["title"]), model or "", self._form(engine).values, options)

    def _build_options(self):
        rows = [row for row in rows_of(self._about["run"]) if row.advanced]
        kept = _read(self._parameters.options) if self._parameters is not None else {}
        self._options = SettingsWidgets(
            rows, self._ui.advancedFrame, self._ui.advancedFrame, kept, self._settings_changed
        )

    def _form(self, engine):
        name = engine["name"]
        if name not in self._forms:
            self._forms[name] = SettingsWidgets(
                rows_of(engine["settings"]),
                self._ui.settingsFrame,
                self._ui.advancedFrame,
                getattr(self, "_kept", {}).get(name),
                self._settings_changed,
            )
        return self._forms[name]

    # --- events

    def _volume_chosen(self, _node=None):
        node, ui = self.volume, self._ui
        if self._session is None:
            return
        self._session.preview.remove()
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
        self._show_models()
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
            near = abs(self._ui.sigmaBox.value - self._sigma) <= 10.0**-self._ui.sigmaBox.decimals
            self._ui.sigmaLine.text = _("(estimated)") if near else _("(given)")
            self._settings_changed()

    def _estimate(self, _checked=False):
        if self.volume is not None and self._session is not None:
            self._session.desk.forget(self.volume.GetID())
            self._volume_chosen()

    def _engine_chosen(self, _index=None):
        if self._quiet or self._about is None:
            return
        engine = self.engine
        self._form(engine)
        self._ui.engineLine.text = _(engine["summary"])
        for name, settings in self._forms.items():
            for _row, control in settings.controls.values():
                _set_row_visible(control, name == engine["name"])
        self._show_models()
        if self._parameters is not None:
            self._parameters.engine = engine["name"]
        self._settings_changed()

    def _show_models(self):
        modality = self._ui.modalityBox.currentText or "CT"
        models = self._about["models"].get(modality, {}).get(self.engine["name"], [])
        self._quiet = True
        _fill(self._ui.modelBox, [(f"{one['title']} ({one['name']})", one["name"]) for one in models])
        if self._parameters is not None:
            self._ui.modelBox.currentIndex = max(0, self._ui.modelBox.findData(self._parameters.model))
        self._quiet = False
        self._ui.modelInfoButton.enabled = bool(models)
        if not models:
            self.view.say(
                _("{engine} has no model yet; import or train one, or choose another engine.").format(
                    engine=_(self.engine["title"])
                )
            )
        self._show_card()

    def _model_chosen(self, _index=None):
        if self._quiet or self._about is None:
            return
        if self._parameters is not None:
            self._parameters.model = self._ui.modelBox.itemData(self._ui.modelBox.currentIndex) or ""
        self._show_card()
        self._settings_changed()

    def _show_card(self, _checked=None):
        ui = self._ui
        modality = ui.modalityBox.currentText or "CT"
        models = self._about["models"].get(modality, {}).get(self.engine["name"], []) if self._about else []
        index = ui.modelBox.currentIndex
        ui.modelText.visible = bool(ui.modelInfoButton.checked) and 0 <= index < len(models)
        if 0 <= index < len(models):
            parts = [
                (f"{_(heading)}: " if heading else "") + "; ".join(texts)
                for heading, texts in models[index]["lines"].items()
            ]
            ui.modelText.text = "\n".join(parts)

    def _settings_changed(self):
        if self._parameters is not None and self._options is not None:
            forms = {name: settings.values for name, settings in self._forms.items()}
            self._parameters.settings = json.dumps(getattr(self, "_kept", {}) | forms)
            self._parameters.options = json.dumps(self._options.values)
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
        plan = self.plan()
        order = {
            "engine": plan.engine,
            "model": plan.model,
            "settings": plan.settings,
            "options": plan.options,
        }
        self._session.preview.set_blend(self._ui.blendSlider.value / 100)
        self._session.preview.ask(node, order)

    def _blend_moved(self, percent):
        if self._session is not None:
            self._session.preview.set_blend(percent / 100)
            self._blend_timer.start()

    def _blend(self):
        result = self._ui.resultSelector.currentNode()
        if result is not None and self._session is not None:
            self._session.blender.blend(result, self._ui.blendSlider.value / 100)

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
        modality = self._ui.modalityBox.currentText or "CT"
        ready = [e for e in self._about["engines"] if self._about["models"].get(modality, {}).get(e["name"])]
        self._start([self.plan(engine) for engine in ready], self._compare)

    def _start(self, plans, then):
        node = self.volume
        self._session.preview.rest()
        self._ui.previewLine.text = ""
        start = _slice_now(node, self._session.desk.opened(node)) if node is not None else None
        plans = [
            Plan(one.engine, one.title, one.model, one.settings, one.options | {"start_slice": start})
            for one in plans
        ]
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


def _set_row_visible(control, visible):
    """Show or hide a control with its label."""
    control.visible = visible
    label = control.parentWidget().layout().labelForField(control)
    if label is not None:
        label.visible = visible


def _fill(box, choices):
    box.clear()
    for title, value in choices:
        box.addItem(title, value)


def _read(text):
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _single_shot(milliseconds, slot):
    timer = qt.QTimer()
    timer.singleShot = True
    timer.interval = milliseconds
    timer.connect("timeout()", slot)
    return timer
