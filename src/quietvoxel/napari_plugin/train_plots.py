"""Plots of a training as it goes: loss of training and validation, PSNR and SSIM of validation beside the start."""

from collections.abc import Sequence

import numpy as np
from qtpy.QtWidgets import QLabel, QTabWidget, QVBoxLayout, QWidget

from quietvoxel.napari_plugin.compare_plots import COLOUR_A, COLOUR_B, COLOUR_GAUSSIAN, pyqtgraph
from quietvoxel.napari_plugin.train_curves import StageCurves

HEIGHT = 170

COLOUR_TRAINING, COLOUR_VALIDATION, COLOUR_START = COLOUR_A, COLOUR_B, COLOUR_GAUSSIAN


class Curve:
    """One line of a plot, which is moved, never made anew: a plot that is cleared each second forgets its zoom."""

    def __init__(
        self, plot: pyqtgraph.PlotWidget, colour: str, width: float = 2.0, *, marks: bool = False
    ) -> None:
        look = {"symbol": "o", "symbolSize": 6, "symbolBrush": colour, "symbolPen": None} if marks else {}
        self.line = plot.plot(pen=pyqtgraph.mkPen(colour, width=width), connect="finite", **look)

    def show(self, x: Sequence[float], y: Sequence[float]) -> None:
        """Draw these points."""
        self.line.setData(np.asarray(x, np.float64), np.asarray(y, np.float64))


class TrainPlots(QWidget):
    """Tabs with a plot each, and a line that says which colour is what."""

    def __init__(self) -> None:
        super().__init__()
        self.tabs = QTabWidget()
        self.loss = self._tab(
            "Loss", "loss", "How far the network is from what it should say; lower is better"
        )
        self.psnr = self._tab(
            "PSNR",
            "PSNR (dB)",
            "Of held-out slices degraded further, against what they were; higher is better",
        )
        self.ssim = self._tab("SSIM", "SSIM", "Likeness of structure on the same slices; higher is better")
        # A training of ten hours has some ten thousands of points.
        self.loss.getPlotItem().setDownsampling(auto=True, mode="mean")
        self._raw = Curve(self.loss, COLOUR_TRAINING + "55", 1.0)
        self._smooth = Curve(self.loss, COLOUR_TRAINING)
        self._judged = Curve(self.loss, COLOUR_VALIDATION, marks=True)
        self._start = {name: Curve(plot, COLOUR_START, 1.5) for name, plot in self._figures().items()}
        self._now = {
            name: Curve(plot, COLOUR_VALIDATION, marks=True) for name, plot in self._figures().items()
        }
        self.figures = QLabel()
        self.figures.setToolTip("Of the validation slices now, and the change since the start")
        legend = QLabel(
            f'<span style="color:{COLOUR_TRAINING}">━ training</span> &nbsp; '
            f'<span style="color:{COLOUR_VALIDATION}">━ validation</span> &nbsp; '
            f'<span style="color:{COLOUR_START}">━ at the start</span>'
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.tabs)
        layout.addWidget(legend)
        layout.addWidget(self.figures)
        self.tabs.setFixedHeight(HEIGHT)

    def show_stage(self, stage: StageCurves) -> None:
        """Draw the curves of a stage."""
        self._raw.show(stage.steps, stage.losses)
        self._smooth.show(stage.steps, stage.smooth)
        self._judged.show(stage.judged, stage.judged_losses)
        last = max((*stage.steps[-1:], *stage.judged[-1:], 1))
        for name, values, start in (
            ("psnr", stage.psnr, stage.psnr_start),
            ("ssim", stage.ssim, stage.ssim_start),
        ):
            self._now[name].show(stage.judged, values)
            self._start[name].show(*(([0, last], [start, start]) if start is not None else ([], [])))

    def show_figures(self, psnr: float, gain: float, ssim: float, ssim_gain: float) -> None:
        """Say the latest figures of the validation."""
        self.figures.setText(f"PSNR {psnr:.2f} dB ({gain:+.2f})  ·  SSIM {ssim:.4f} ({ssim_gain:+.4f})")

    def _figures(self) -> dict[str, pyqtgraph.PlotWidget]:
        return {"psnr": self.psnr, "ssim": self.ssim}

    def _tab(self, title: str, left: str, tooltip: str) -> pyqtgraph.PlotWidget:
        plot = pyqtgraph.PlotWidget(background=None)
        plot.setLabel("left", left)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        for side in ("bottom", "left"):
            plot.getAxis(side).enableAutoSIPrefix(False)
        self.tabs.addTab(plot, title)
        self.tabs.setTabToolTip(self.tabs.count() - 1, f"{tooltip}; by step")
        return plot
