"""A training as one sees it: loss and validation in Slicer's plots, the validation slice as a volume."""

from pathlib import Path

import numpy as np
import slicer

from .plots import COLOUR_A, COLOUR_B, Chart, show_in_layout
from .words import _

PICTURES = ("reference", "degraded", "now", "start")


class TrainPictures:
    """Draws the events of one training after the other.

    Parameters
    ----------
    scene : MRML scene.

    Attributes
    ----------
    loss_chart, score_chart : of the training and of its validation.
    picture : node of the validation slice, or None.
    """

    def __init__(self, scene):
        self._scene = scene
        self._folder = None
        self._losses, self._scores = ([], []), ([], [], [])
        self.loss_chart = Chart(scene, _("Training loss"), _("step"), _("loss"))
        self.score_chart = Chart(scene, _("Validation"), _("step"), _("PSNR (dB)"))
        self.picture = None

    def clear(self):
        """Another training begins."""
        self._folder = None
        self._losses, self._scores = ([], []), ([], [], [])

    def started(self, folder):
        """A training works in a folder."""
        self._folder = Path(folder)

    def progress(self, record):
        """A step more of the loss."""
        _restart(self._losses, record["step"])
        self._losses[0].append(record["step"])
        self._losses[1].append(record["loss"])
        columns = {"step": self._losses[0], "loss": self._losses[1]}
        self._draw(self.loss_chart, columns, [("loss", COLOUR_B)])

    def validation(self, record):
        """A point more of the validation, and its slice."""
        _restart(self._scores, record["step"])
        for values, name in zip(self._scores, ("step", "psnr", "psnr_start"), strict=True):
            values.append(record[name])
        columns = {"step": self._scores[0], "now": self._scores[1], "at start": self._scores[2]}
        self._draw(self.score_chart, columns, [("now", COLOUR_B), ("at start", COLOUR_A)])
        self._show_slice()

    def _show_slice(self):
        """Reference, degraded, denoised now, denoised at start, from left to right."""
        if self._folder is None:
            return
        try:
            images = [np.load(self._folder / f"validation-{name}.npy") for name in PICTURES]
        except (OSError, ValueError):  # being replaced at this moment; the next validation comes
            return
        row = np.concatenate(images, axis=1)[None]
        if self.picture is None or self.picture.GetScene() is None:
            self.picture = self._scene.AddNewNodeByClass(
                "vtkMRMLScalarVolumeNode", _("Training: validation slice")
            )
            self.picture.SetDescription(_("reference | degraded | denoised now | denoised at start"))
            self.picture.SetSaveWithScene(False)
        slicer.util.updateVolumeFromArray(self.picture, row)
        self.picture.CreateDefaultDisplayNodes()

    def _draw(self, chart, columns, series):
        new = chart.chart is None
        chart.show(columns, series)
        if new:
            show_in_layout(chart.chart)


def _restart(lists, step):
    """A new stage counts from the start: its curve begins anew."""
    if lists[0] and step < lists[0][-1]:
        for values in lists:
            values.clear()
