"""The Denoise dock's looks: its rows and how they stand; what they do is the business of `denoise_dock`."""

from typing import Any

from pydantic import ValidationError
from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible, QLabeledSlider

from quietvoxel.engines.registry import ENGINES
from quietvoxel.engines.settings import EngineSettings
from quietvoxel.inference.options import InferenceOptions
from quietvoxel.jobs import Device
from quietvoxel.napari_plugin.dock_contents import DockContents
from quietvoxel.napari_plugin.engine_panel import EnginePanel
from quietvoxel.napari_plugin.layer_chooser import LayerChooser
from quietvoxel.napari_plugin.noise_row import NoiseRow
from quietvoxel.napari_plugin.preferences import Preferences
from quietvoxel.napari_plugin.results_list import ResultsList
from quietvoxel.napari_plugin.run_bar import RunBar
from quietvoxel.napari_plugin.settings_form import SettingsForm, is_advanced
from quietvoxel.volume import Modality, Volume


class DenoisePanel(DockContents):
    """All the controls.

    Parameters
    ----------
    viewer : whose layers are offered.
    kept : what `to_remember` gave in an earlier session.
    chosen : the preferences, which go before that.

    Attributes
    ----------
    settings_changed : a control of an engine or of the options was moved.
    """

    settings_changed = Signal()

    def __init__(self, viewer: Any, kept: dict[str, Any], chosen: Preferences) -> None:
        super().__init__()
        self.chooser = LayerChooser(viewer)
        self.volume_line = QLabel()
        self.volume_line.setWordWrap(True)
        self.modality = QComboBox()
        self.modality.addItems([str(modality) for modality in Modality])
        self.modality.setToolTip("What the voxel values mean; change it where it was guessed wrong")
        self.noise = NoiseRow()
        self.engines = EnginePanel()
        self.forms: dict[str, SettingsForm[EngineSettings]] = {}
        self.options_form = SettingsForm(
            _restored(InferenceOptions, kept.get("options", {}) | {"device": chosen.device}),
            self.settings_changed.emit,
            [name for name, field in InferenceOptions.model_fields.items() if is_advanced(field)],
            {"device": {"widget_type": "ComboBox", "choices": _device_choices((), chosen.device)}},
        )
        device = self.options_form["device"].native
        device.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.device_line = QLabel()
        self.device_line.setWordWrap(True)
        self.blend = QLabeledSlider()
        self.preview_box = QCheckBox("Live preview of the slice on screen")
        self.preview_box.setChecked(chosen.preview)
        self.preview_line = QLabel()
        self.preview_line.setWordWrap(True)
        self.bar = RunBar("Denoise volume", "All engines")
        self.bar.all_button.setToolTip(
            "Runs every engine that has a model for this modality, one after the other, and compares them"
        )
        self.results = ResultsList(viewer)
        self._device = chosen.device
        self._build(kept)

    def settings(self, engine: str) -> EngineSettings:
        """Settings of an engine as its controls show them."""
        return self.forms[engine].value

    def options(self) -> InferenceOptions:
        """How to run, as the controls show it; blending is left to the layers."""
        return self.options_form.value.model_copy(update={"sigma": self.noise.given})

    def show_volume(self, volume: Volume | None) -> None:
        """Say what the volume is, and offer the models for it."""
        self.modality.setEnabled(volume is not None)
        if volume is None:
            self.volume_line.setText("Open a volume: drop a DICOM folder or a file on the canvas.")
            return
        z, y, x = volume.shape
        spacing = "×".join(f"{length:.3g}" for length in volume.geometry.spacing)
        self.modality.setCurrentText(str(volume.modality))
        self.volume_line.setText(f"{x}×{y}×{z} · {spacing} mm")
        self.engines.show_models(volume.modality)

    def show_devices(self, devices: tuple[Device, ...]) -> None:
        """Offer the devices that there are, with their names and free memory."""
        control = self.options_form["device"]
        control.choices = _device_choices(devices, self._device)
        self.device_line.setText(f"auto takes {devices[0].title}")

    def to_remember(self) -> dict[str, Any]:
        """What the next session starts with."""
        return {
            "engine": self.engines.engine,
            "models": self.engines.kept,
            "settings": {name: form.value.model_dump(mode="json") for name, form in self.forms.items()},
            "options": self.options_form.value.model_dump(mode="json", include={"precision", "axis", "tile"}),
            "blend": self.blend.value(),
        }

    def _build(self, kept: dict[str, Any]) -> None:
        settings = kept.get("settings", {})
        basic, advanced = QStackedWidget(), QStackedWidget()
        for name, info in ENGINES.items():
            form = SettingsForm(_restored(info.settings, settings.get(name, {})), self.settings_changed.emit)
            self.forms[name] = form
            basic.addWidget(form.basic.native)
            advanced.addWidget(form.advanced.native)
        self._stacks = (basic, advanced)
        for stack in self._stacks:
            stack.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.engines.engine_changed.connect(self._show_form)
        self.engines.choose_engine(kept.get("engine", ""))
        self.engines.show_models(Modality.CT, kept.get("models", {}))
        self._show_form()
        self.blend.setRange(0, 100)
        self.blend.setValue(int(kept.get("blend", 100)))
        self.blend.setToolTip(InferenceOptions.model_fields["blend"].description or "")
        more = QCollapsible("Advanced")
        for widget in (self.options_form.advanced.native, self.device_line, advanced):
            more.addWidget(widget)
        self._lay_out(basic, more)

    def _lay_out(self, basic: QWidget, more: QWidget) -> None:
        content = QWidget()
        rows = QVBoxLayout(content)
        top = QFormLayout()
        choice = QHBoxLayout()
        choice.addWidget(self.chooser, 1)
        choice.addWidget(self.modality)
        top.addRow("Volume", choice)
        top.addRow("", self.volume_line)
        top.addRow("Noise", self.noise)
        rows.addLayout(top)
        rows.addWidget(self.engines)
        rows.addWidget(basic)
        blend = QFormLayout()
        blend.addRow(InferenceOptions.model_fields["blend"].title, self.blend)
        rows.addLayout(blend)
        for widget in (more, self.preview_box, self.preview_line, self.bar, self.results):
            rows.addWidget(widget)
        rows.addStretch()
        self.fill(content)

    def _show_form(self) -> None:
        number = list(ENGINES).index(self.engines.engine)
        for stack in self._stacks:
            stack.setCurrentIndex(number)


def _restored(model: type[Any], kept: Any) -> Any:
    """Settings of an earlier session, as far as they are still valid."""
    valid = model()
    for name, value in kept.items() if isinstance(kept, dict) else ():
        try:
            valid = model.model_validate(valid.model_dump() | {name: value})
        except ValidationError:
            continue
    return valid


def _device_choices(devices: tuple[Device, ...], chosen: str) -> list[tuple[str, str]]:
    """Titles and names for the device's control."""
    known = {"auto": "auto", "cpu": "cpu", chosen: chosen}
    known |= {device.name: f"{device.name} ({device.title})" for device in devices}
    return [(title, name) for name, title in known.items()]
