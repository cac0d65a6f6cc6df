"""Three plots of A and B: a line profile, the noise power spectrum of a region, the residual's histogram."""

import os

import numpy as np
from numpy.typing import NDArray
from qtpy import API_NAME
from qtpy.QtWidgets import QTabWidget

os.environ.setdefault("PYQTGRAPH_QT_LIB", API_NAME)  # it would look for a binding of its own

import pyqtgraph

from quietvoxel.quality import ResidualHistogram

COLOUR_A = "#ffcc00"
COLOUR_B = "#33bbff"
COLOUR_GAUSSIAN = "#aaaaaa"
HEIGHT = 210

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]


class ComparePlots(QTabWidget):
    """Tabs with a plot each; A is yellow, B is blue."""

    def __init__(self) -> None:
        super().__init__()
        self.profile = _plot("mm", "value")
        self.spectrum = _plot("cycles / mm", "power")
        self.histogram = _plot("A − B", "share")
        for title, plot, tooltip in (
            ("Line profile", self.profile, "Values along the last line drawn; A yellow, B blue"),
            ("Noise spectrum", self.spectrum, "Noise power of the last region drawn, by spatial frequency"),
            (
                "Residual",
                self.histogram,
                "What was removed, in the last region or the slice; grey: a Gaussian",
            ),
        ):
            self.addTab(plot, title)
            self.setTabToolTip(self.count() - 1, tooltip)
        self.setFixedHeight(HEIGHT)

    def show_profile(self, before: Curve | None, after: Curve | None, unit: str) -> None:
        """Draw the profiles of A and B, or nothing."""
        self.profile.setLabel("left", unit or "value")
        _draw(self.profile, (before, after))

    def show_spectrum(self, before: Curve | None, after: Curve | None, unit: str) -> None:
        """Draw the spectra of A and B, or nothing."""
        self.spectrum.setLabel("left", f"{unit}² mm²" if unit else "power")
        _draw(self.spectrum, (before, after))

    def show_histogram(self, found: ResidualHistogram | None, unit: str) -> None:
        """Draw the residual's histogram and its Gaussian, or nothing."""
        self.histogram.clear()
        self.histogram.setLabel("bottom", f"A − B ({unit})" if unit else "A − B")
        if found is None:
            return
        self.histogram.plot(
            found.edges, found.density, stepMode="center", fillLevel=0, brush=COLOUR_B + "66", pen=COLOUR_B
        )
        centres = (found.edges[1:] + found.edges[:-1]) / 2
        self.histogram.plot(centres, found.gaussian, pen=COLOUR_GAUSSIAN)


def _plot(bottom: str, left: str) -> pyqtgraph.PlotWidget:
    plot = pyqtgraph.PlotWidget(background=None)
    plot.setLabel("bottom", bottom)
    plot.setLabel("left", left)
    plot.setMenuEnabled(False)
    plot.hideButtons()
    # Units are ours: "0.01 HU" must not become "10 mHU".
    for side in ("bottom", "left"):
        plot.getAxis(side).enableAutoSIPrefix(False)
    return plot


def _draw(plot: pyqtgraph.PlotWidget, curves: tuple[Curve | None, Curve | None]) -> None:
    plot.clear()
    for curve, colour in zip(curves, (COLOUR_A, COLOUR_B), strict=True):
        if curve is not None:
            plot.plot(*curve, pen=pyqtgraph.mkPen(colour, width=1.5), connect="finite")
