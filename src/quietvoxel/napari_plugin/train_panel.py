"""The Train dock's looks: its rows and how they stand; what they do is the business of `train_dock`."""

from typing import Any

from qtpy.QtWidgets import QVBoxLayout, QWidget
from superqt import QCollapsible

from quietvoxel.engines.registry import ENGINES
from quietvoxel.jobs import TrainingState
from quietvoxel.napari_plugin.dock_contents import DockContents
from quietvoxel.napari_plugin.train_bar import TrainBar
from quietvoxel.napari_plugin.train_choices import TrainChoices
from quietvoxel.napari_plugin.train_models import OwnModels
from quietvoxel.napari_plugin.train_pictures import TrainPictures
from quietvoxel.napari_plugin.train_plots import TrainPlots
from quietvoxel.napari_plugin.train_reference_words import counted
from quietvoxel.napari_plugin.train_references import TrainReferences
from quietvoxel.napari_plugin.train_waiting import TrainWaiting

SETUP = "References and plan"


class TrainPanel(DockContents):
    """All the controls.

    Parameters
    ----------
    viewer : whose layers are offered as references.
    kept : what the choices remembered in an earlier session.

    Attributes
    ----------
    setup : what is folded away while a training is under way.
    """

    def __init__(self, viewer: Any, kept: dict[str, Any]) -> None:
        super().__init__()
        self.references = TrainReferences(viewer)
        self.choices = TrainChoices(kept)
        self.bar = TrainBar()
        self.waiting = TrainWaiting()
        self.plots = TrainPlots()
        self.pictures = TrainPictures()
        self.models = OwnModels()
        self.plots.hide()
        self.setup = QCollapsible(SETUP)
        for widget in (self.references, self.choices):
            self.setup.addWidget(widget)
        self.setup.expand(animate=False)
        self._busy = False
        own = QCollapsible("Your models")
        own.addWidget(self.models)
        content = QWidget()
        rows = QVBoxLayout(content)
        for widget in (self.setup, self.bar, self.waiting, self.plots, self.pictures, own):
            rows.addWidget(widget)
        rows.addStretch()
        self.fill(content)

    def show_busy(self, busy: bool, state: TrainingState | None) -> None:
        """Follow the training; what it was started with stays as it is until it has ended.

        Parameters
        ----------
        busy : whether one is under way.
        state : of its process; None while layers are handed over.
        """
        self.references.setEnabled(not busy)
        self.choices.setEnabled(not busy)
        if busy and not self._busy:
            # Folded away, so that buttons, curves and pictures are in sight together.
            self.setup.collapse(animate=False)
            self.setup.setText(f"{SETUP}: {self._chosen()}")
        elif not busy:
            self.setup.setText(SETUP)
        self._busy = busy
        self.waiting.set_free(not busy)
        self.bar.show_state(TrainingState.PREPARING if state is None else state)

    def _chosen(self) -> str:
        known = self.references.summary
        said = [f"{counted(known.volumes, 'volume')}, {known.modality}"] if known.volumes else []
        return " · ".join([*said, ENGINES[self.choices.engine].title, self.choices.plan])
