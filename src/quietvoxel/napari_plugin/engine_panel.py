"""The choice of engine and model: every engine that is registered, every model that fits it and the volume."""

from html import escape

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QRadioButton,
    QToolButton,
    QWidget,
)

from quietvoxel.engines.registry import ENGINES
from quietvoxel.jobs.model_choice import card_lines, engines_with_models, fits, models_for
from quietvoxel.models import ModelCard
from quietvoxel.napari_plugin.relay import relay
from quietvoxel.volume import Modality

NO_MODEL = "There is no model for it yet: import or train one."


class EnginePanel(QWidget):
    """Rows "Engine" and "Model" of the dock.

    Attributes
    ----------
    engine_changed, model_changed : the user, or `choose_engine`, `show_models`, chose another one.
    """

    engine_changed = Signal()
    model_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._cards: list[ModelCard] = []
        self._modality = str(Modality.CT)
        self._kept: dict[str, str] = {}
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QRadioButton] = {}
        row = QHBoxLayout()
        for name, info in ENGINES.items():
            button = QRadioButton(info.title)
            self._group.addButton(button)
            self._buttons[name] = button
            row.addWidget(button)
        row.addStretch()
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.models = QComboBox()
        self.models.setMinimumContentsLength(12)
        self.models.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.info = QToolButton()
        self.info.setText("i")
        self.info.setCheckable(True)
        self.info.setToolTip("What the model was trained on, and what it is for")
        self.card_text = QLabel()
        self.card_text.setWordWrap(True)
        self.card_text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.card_text.hide()
        model_row = QHBoxLayout()
        model_row.addWidget(self.models, 1)
        model_row.addWidget(self.info)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Engine", row)
        form.addRow("", self.summary)
        form.addRow("Model", model_row)
        form.addRow(self.card_text)
        self._offer_engines()
        usable = [button for button in self._buttons.values() if button.isEnabled()]
        (usable or list(self._buttons.values()))[0].setChecked(True)
        self._group.buttonClicked.connect(self._engine_clicked)
        self.models.activated.connect(self._model_activated)
        self.info.toggled.connect(self.card_text.setVisible)
        relay().models_changed.connect(self._models_changed)
        self._show_engine()

    @property
    def engine(self) -> str:
        """Name of the engine chosen."""
        return next(name for name, button in self._buttons.items() if button.isChecked())

    @property
    def card(self) -> ModelCard | None:
        """The model chosen; None where the engine has none."""
        index = self.models.currentIndex()
        return self._cards[index] if 0 <= index < len(self._cards) else None

    @property
    def kept(self) -> dict[str, str]:
        """The model last chosen by hand, for each engine and modality."""
        return self._kept

    def choose_engine(self, name: str) -> None:
        """Choose an engine, if there is one of that name that has a model."""
        if name in self._buttons and name != self.engine and self._buttons[name].isEnabled():
            self._buttons[name].setChecked(True)
            self._engine_clicked()

    def show_models(self, modality: str, kept: dict[str, str] | None = None) -> None:
        """Offer the models for a modality; `kept` are choices of earlier sessions."""
        self._modality = modality
        self._kept |= kept or {}
        self._offer_engines()
        before = self.card
        self._cards = models_for(self.engine, modality)
        wanted = self._kept.get(self._place())
        self.models.clear()
        for card in self._cards:
            self.models.addItem(f"{card.title} ({card.name})")
        names = [card.name for card in self._cards]
        if wanted in names:
            self.models.setCurrentIndex(names.index(wanted))
        self._show_card()
        if self.card != before:
            self.model_changed.emit()

    def fitting_card(self, engine: str) -> ModelCard | None:
        """The model that a run of every engine takes for this one; None where it has none for the modality."""
        cards = [card for card in models_for(engine, self._modality) if fits(card, self._modality)]
        chosen = self.card.name if engine == self.engine and self.card is not None else None
        wanted = chosen or self._kept.get(f"{engine} {self._modality}")
        return next((card for card in cards if card.name == wanted), next(iter(cards), None))

    def _offer_engines(self) -> None:
        """Engines without any model cannot be chosen, and say why."""
        ready = engines_with_models()
        for name, button in self._buttons.items():
            button.setEnabled(name in ready)
            summary = ENGINES[name].summary
            button.setToolTip(summary if name in ready else f"{summary}\n{NO_MODEL}")

    def _place(self) -> str:
        return f"{self.engine} {self._modality}"

    def _engine_clicked(self) -> None:
        self._show_engine()
        self.show_models(self._modality)
        self.engine_changed.emit()

    def _models_changed(self) -> None:
        self.show_models(self._modality)

    def _model_activated(self) -> None:
        if self.card is not None:
            self._kept[self._place()] = self.card.name
        self._show_card()
        self.model_changed.emit()

    def _show_engine(self) -> None:
        self.summary.setText(ENGINES[self.engine].summary)

    def _show_card(self) -> None:
        card = self.card
        self.info.setEnabled(card is not None)
        if card is None:
            self.card_text.setText(NO_MODEL)
            return
        shown = [
            f"<b>{name}</b> " * bool(name) + "<br>".join(escape(text) for text in texts)
            for name, texts in card_lines(card).items()
        ]
        self.card_text.setText("<p>".join(shown))
        self.models.setToolTip(card.description)
