"""The Train dock's looks: its rows and how they stand; what they do is the business of `train_dock`."""

from typing import Any

from qtpy.QtWidgets import QGroupBox, QVBoxLayout, QWidget

from quietvoxel.jobs import TrainingState
from quietvoxel.napari_plugin.dock_contents import DockContents
from quietvoxel.napari_plugin.train_bar import TrainBar
from quietvoxel.napari_plugin.train_choices import TrainChoices
from quietvoxel.napari_plugin.train_models import OwnModels
from quietvoxel.napari_plugin.train_pictures import TrainPictures
from quietvoxel.napari_plugin.train_plots import TrainPlots
from quietvoxel.napari_plugin.train_references import TrainReferences
from quietvoxel.napari_plugin.train_waiting import TrainWaiting


class TrainPanel(DockContents):
    """All the controls.

    Parameters
    ----------
    viewer : whose layers are offered as references.
    kept : what the choices remembered in an earlier session.
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
        content = QWidget()
        rows = QVBoxLayout(content)
        box = QGroupBox("References")
        QVBoxLayout(box).addWidget(self.references)
        for widget in (
            box,
            self.choices,
            self.bar,
            self.waiting,
            self.plots,
            self.pictures,
            self.models,
        ):
            rows.addWidget(widget)
        rows.addStretch()
        self.fill(content)

    def set_ready(self, ready: bool) -> None:
        """Whether there is something to train on."""
        self.bar.set_ready(ready)

    def show_busy(self, busy: bool, state: TrainingState | None) -> None:
        """Follow the training; what it was started with stays as it is until it has ended.

        Parameters
        ----------
        busy : whether one is under way.
        state : of its process; None while layers are handed over.
        """
        self.references.setEnabled(not busy)
        self.choices.setEnabled(not busy)
        self.waiting.set_free(not busy)
        self.bar.show_state(TrainingState.PREPARING if state is None else state)
