"""What is trained and for how long: engine, starting model, plan, and the advanced settings of the backend's schema."""

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QRadioButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from quietvoxel.engines.registry import ENGINES
from quietvoxel.jobs import Device
from quietvoxel.jobs.model_choice import fits, models_for
from quietvoxel.models import ModelCard
from quietvoxel.napari_plugin.denoise_panel import _device_choices, _restored
from quietvoxel.napari_plugin.settings_form import SettingsForm
from quietvoxel.training.settings import PLAN_SECONDS, SCRATCH, TrainingSettings
from quietvoxel.volume import Modality

FROM_SCRATCH = "from scratch: new weights"

MOST_STEPS = 10_000_000


class TrainChoices(QWidget):
    """Rows "Engine", "Start from" and "Plan", and what is folded away under "Advanced".

    Parameters
    ----------
    kept : what `to_remember` gave in an earlier session.

    Attributes
    ----------
    changed : the user chose something else.
    modality : of the models that are offered.
    plan_line : room for what the plan takes.
    """

    changed = Signal()

    def __init__(self, kept: dict[str, Any]) -> None:
        super().__init__()
        self.modality = str(Modality.CT)
        self._starts: dict[str, str] = dict(kept.get("starts", {}))
        self._engines, self._engine_buttons = QButtonGroup(self), {}
        for name, info in ENGINES.items():
            self._engine_buttons[name] = self._button(self._engines, info.title, info.summary)
        self._plans, self._plan_buttons = QButtonGroup(self), {}
        for name, seconds in PLAN_SECONDS.items():
            title = f"{name.capitalize()} ~{roughly(seconds)}"
            tooltip = "From start to model, on whatever machine: as many steps are made as there is time for"
            self._plan_buttons[name] = self._button(self._plans, title, tooltip)
        self.start_box = QComboBox()
        self.start_box.setToolTip(
            "The model that is adapted; from scratch takes far longer and needs many scans"
        )
        self.modality_box = QComboBox()
        self.modality_box.addItem("as the references", "")
        for modality in (Modality.CT, Modality.MR):
            self.modality_box.addItem(str(modality), str(modality))
        self.modality_box.setToolTip("What is trained; say it where files do not say what they are")
        for box in (self.start_box, self.modality_box):
            box.setMinimumContentsLength(12)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.plan_line = QLabel()
        self.plan_line.setWordWrap(True)
        self.form = SettingsForm(_restored(TrainingSettings, kept.get("settings", {})), self.changed.emit)
        self.most_steps = QSpinBox()
        self.most_steps.setRange(0, MOST_STEPS)
        self.most_steps.setSpecialValueText("as many as the plan has time for")
        self.most_steps.setToolTip("Steps of each stage, whatever the plan's time")
        self.device_box = QComboBox()
        self.device_box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.device_box.setToolTip("Where to train; the Denoise dock may use another one meanwhile")
        self._lay_out()
        self.show_devices((), str(kept.get("device", "auto")))
        _check(self._engine_buttons, kept.get("engine"))
        _check(self._plan_buttons, kept.get("plan"))
        self.show_modality(str(kept.get("modality", self.modality)))
        self._engines.buttonClicked.connect(self._engine_clicked)
        self._plans.buttonClicked.connect(self.changed)
        self.start_box.activated.connect(self._start_activated)
        self.modality_box.activated.connect(self.changed)
        self.most_steps.valueChanged.connect(self.changed)
        self.device_box.activated.connect(self.changed)

    @property
    def engine(self) -> str:
        """Name of the engine chosen."""
        return _checked(self._engine_buttons)

    @property
    def plan(self) -> str:
        """Name of the plan chosen."""
        return _checked(self._plan_buttons)

    @property
    def start(self) -> str:
        """Name of the starting model, or `SCRATCH`; "" where there is nothing to choose from."""
        return str(self.start_box.currentData() or "")

    @property
    def stated_modality(self) -> str | None:
        """What the user says is trained, or None."""
        return self.modality_box.currentData() or None

    @property
    def settings(self) -> TrainingSettings:
        """The advanced settings."""
        return self.form.value

    @property
    def device(self) -> str:
        """Where to train."""
        return str(self.device_box.currentData() or "auto")

    def choose(self, *, engine: str | None = None, plan: str | None = None, start: str | None = None) -> None:
        """Choose as the user would."""
        _check(self._engine_buttons, engine)
        _check(self._plan_buttons, plan)
        self.show_modality(self.modality)
        if start is not None and self.start_box.findData(start) >= 0:
            self.start_box.setCurrentIndex(self.start_box.findData(start))
            self._start_activated()
        else:
            self.changed.emit()

    def show_modality(self, modality: str) -> None:
        """Offer the models of the engine for a modality, and to start from scratch."""
        self.modality = modality
        wanted = self._starts.get(self._place(), "")
        self.start_box.clear()
        cards: list[ModelCard] = [card for card in models_for(self.engine, modality) if fits(card, modality)]
        for card in cards:
            self.start_box.addItem(f"{card.title} ({card.name})", card.name)
        self.start_box.addItem(FROM_SCRATCH, SCRATCH)
        self.start_box.setCurrentIndex(max(0, self.start_box.findData(wanted)))

    def show_devices(self, devices: tuple[Device, ...], chosen: str | None = None) -> None:
        """Offer the devices that there are."""
        chosen = chosen or self.device
        self.device_box.clear()
        for title, name in _device_choices(devices, chosen):
            self.device_box.addItem(title, name)
        self.device_box.setCurrentIndex(max(0, self.device_box.findData(chosen)))

    def to_remember(self) -> dict[str, Any]:
        """What the next session starts with."""
        return {
            "engine": self.engine,
            "plan": self.plan,
            "starts": self._starts,
            "modality": self.modality,
            "device": self.device,
            "settings": self.settings.model_dump(mode="json"),
        }

    def _button(self, group: QButtonGroup, title: str, tooltip: str) -> QRadioButton:
        button = QRadioButton(title)
        button.setToolTip(tooltip)
        button.setChecked(not group.buttons())
        group.addButton(button)
        return button

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow("Engine", _row(self._engine_buttons.values()))
        form.addRow("Start from", self.start_box)
        form.addRow("Plan", _row(self._plan_buttons.values()))
        form.addRow("", self.plan_line)
        own, more = QWidget(), QCollapsible("Advanced")
        rows = QFormLayout(own)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addRow("Modality", self.modality_box)
        rows.addRow("Steps", self.most_steps)
        rows.addRow("Device", self.device_box)
        more.addWidget(self.form.advanced.native)
        more.addWidget(own)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        layout.addWidget(self.form.basic.native)
        layout.addWidget(more)

    def _place(self) -> str:
        return f"{self.engine} {self.modality}"

    def _engine_clicked(self) -> None:
        self.show_modality(self.modality)
        self.changed.emit()

    def _start_activated(self) -> None:
        self._starts[self._place()] = self.start
        self.changed.emit()


def _row(widgets: Any) -> QHBoxLayout:
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch()
    return row


def _check(buttons: dict[str, QRadioButton], name: Any) -> None:
    if name in buttons:
        buttons[name].setChecked(True)


def _checked(buttons: dict[str, QRadioButton]) -> str:
    return next(name for name, button in buttons.items() if button.isChecked())


def roughly(seconds: float) -> str:
    """A time that nobody knows better: "40 s", "10 min", "1.5 h"."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 3600:.2g} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"


def foreseen_line(event: dict[str, Any]) -> str:
    """What a plan takes: "About 10 min · 1 150 steps of 0.44 s · 1.3 GB of memory · on cpu, bfloat16".

    Parameters
    ----------
    event : `foreseen` or `plan` of the training's process.
    """
    steps = event["steps"]
    pace = event.get("seconds_per_step")
    if pace is None:
        pace = sum(stage["steps"] * stage["seconds_per_step"] for stage in event["stages"]) / steps
    said = [
        f"About {roughly(event['seconds'])}",
        f"{f'{steps:,}'.replace(',', ' ')} steps of {pace:.2g} s",
        f"{event['memory_bytes'] / 1e9:.1f} GB of memory",
        f"on {event['device']}, {event['precision']}",
    ]
    return "\n".join([" · ".join(said), *event["notes"]])
