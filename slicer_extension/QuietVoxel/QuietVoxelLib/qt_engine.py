"""The choice of engine, model and settings in Denoise: everything in it comes from what the worker has told."""

import json

from .core_words import core
from .qt_settings import SettingsWidgets
from .settings_form import rows_of
from .words import _


class EngineChoice:
    """Widgets of the rows Engine and Model, of the engine's controls and of Advanced.

    Parameters
    ----------
    ui : the widgets of the .ui file.
    changed : called after the user changed something.
    say : takes a sentence.
    """

    def __init__(self, ui, changed, say):
        self._ui = ui
        self._changed = changed
        self._say = say
        self._about = self._parameters = self._options = None
        self._forms, self._kept = {}, {}
        self._modality = "CT"
        self._quiet = self._loading = False
        ui.modelText.visible = False
        ui.engineBox.connect("currentIndexChanged(int)", self._engine_chosen)
        ui.modelBox.connect("currentIndexChanged(int)", self._model_chosen)
        ui.modelInfoButton.connect("toggled(bool)", self._show_card)

    def bind(self, about, parameters):
        """Offer what there is; called again when that has changed, a new model say."""
        first, self._about = self._about is None, about
        if first:
            self._quiet = True
            fill(self._ui.engineBox, [(core(one["title"]), one["name"]) for one in about["engines"]])
            self._quiet = False
            rows = [row for row in rows_of(about["run"]) if row.advanced]
            kept = _read(parameters.options) if parameters is not None else {}
            frame = self._ui.advancedFrame
            self._options = SettingsWidgets(rows, frame, frame, kept, self._touched)
        self.set_parameters(parameters)

    def set_parameters(self, parameters):
        """Another parameter node: a scene was loaded or closed."""
        self._parameters = parameters
        if parameters is None or self._about is None:
            return
        self._kept = _read(parameters.settings)
        for form in self._forms.values():
            form.remove()
        self._forms = {}
        self._loading = True  # nobody has touched anything: the original stays on screen
        self._ui.engineBox.currentIndex = max(0, self._ui.engineBox.findData(parameters.engine))
        self._engine_chosen()
        self._loading = False

    def show_devices(self, devices):
        """Offer the devices that there are, with their free memory."""
        choices = [("auto", "auto")] + [(f"{one['name']} ({one['title']})", one["name"]) for one in devices]
        self._options.set_choices("device", choices)
        if devices:
            self._ui.deviceLine.text = _("auto takes {title}").format(title=devices[0]["title"])

    @property
    def engine(self):
        """The engine chosen, as the worker describes it."""
        return self._about["engines"][max(0, self._ui.engineBox.currentIndex)]

    @property
    def model(self):
        """Name of the model chosen; "" for the general one."""
        return self._ui.modelBox.itemData(self._ui.modelBox.currentIndex) or ""

    @property
    def options(self):
        """Options of a run, as the worker takes them."""
        return dict(self._options.values)

    def settings(self, engine):
        """Settings of an engine, as the worker takes them."""
        return self._form(engine).values

    def with_models(self, modality):
        """The engines that have a model for a modality."""
        return [one for one in self._about["engines"] if self._models(one, modality)]

    def show_models(self, modality):
        """Offer the models of the engine for a modality."""
        self._modality = modality
        models = self._models(self.engine, modality)
        self._quiet = True
        fill(self._ui.modelBox, [(f"{core(one['title'])} ({one['name']})", one["name"]) for one in models])
        if self._parameters is not None:
            self._ui.modelBox.currentIndex = max(0, self._ui.modelBox.findData(self._parameters.model))
        self._quiet = False
        self._ui.modelInfoButton.enabled = bool(models)
        if not models:
            self._say(
                _("{engine} has no model yet; import or train one, or choose another engine.").format(
                    engine=core(self.engine["title"])
                )
            )
        self._show_card()

    def _models(self, engine, modality):
        return self._about["models"].get(modality, {}).get(engine["name"], [])

    def _form(self, engine):
        name, ui = engine["name"], self._ui
        if name not in self._forms:
            rows = rows_of(engine["settings"])
            self._forms[name] = SettingsWidgets(
                rows, ui.settingsFrame, ui.advancedFrame, self._kept.get(name), self._touched
            )
            self._show_forms()
        return self._forms[name]

    def _show_forms(self):
        """Show the controls of the engine chosen, with their labels, and no others."""
        for name, form in self._forms.items():
            for _row, control in form.controls.values():
                shown = name == self.engine["name"]
                control.visible = shown
                label = control.parentWidget().layout().labelForField(control)
                if label is not None:
                    label.visible = shown

    def _engine_chosen(self, _index=None):
        if self._quiet or self._about is None:
            return
        engine = self.engine
        self._form(engine)
        self._show_forms()
        self._ui.engineLine.text = core(engine["summary"])
        self.show_models(self._ui.modalityBox.currentText or "CT")
        if self._parameters is not None:
            self._parameters.engine = engine["name"]
        self._touched()

    def _model_chosen(self, _index=None):
        if self._quiet or self._about is None:
            return
        if self._parameters is not None:
            self._parameters.model = self.model
        self._show_card()
        self._touched()

    def _show_card(self, _checked=None):
        ui = self._ui
        index = ui.modelBox.currentIndex
        models = self._models(self.engine, self._modality) if self._about else []
        there = 0 <= index < len(models)
        ui.modelText.visible = bool(ui.modelInfoButton.checked) and there
        if there:
            lines = models[index]["lines"].items()
            ui.modelText.text = "\n".join(
                (f"{core(heading)}: " if heading else "") + "; ".join(texts) for heading, texts in lines
            )

    def _touched(self):
        if self._parameters is not None:
            forms = {name: form.values for name, form in self._forms.items()}
            self._parameters.settings = json.dumps(self._kept | forms)
            self._parameters.options = json.dumps(self._options.values)
        if not self._loading:
            self._changed()


def fill(box, choices):
    """Offer other choices: [(title, value)]."""
    box.clear()
    for title, value in choices:
        box.addItem(title, value)


def _read(text):
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
