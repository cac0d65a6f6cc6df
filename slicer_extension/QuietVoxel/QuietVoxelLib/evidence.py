"""What A and B hold: region statistics, plots, a known reference, and the structure check."""

from pathlib import Path

import numpy as np

from .compare_nodes import add_derived
from .plots import COLOUR_A, COLOUR_B, COLOUR_GREY, Chart, open_in_layout, show_in_layout
from .regions import line_ends, roi_mask
from .screen_slice import jump_to
from .words import _


class Evidence:
    """Measures pairs of volumes in the worker.

    Parameters
    ----------
    scene : MRML scene.
    client, desk : `WorkerClient`, `VolumeDesk`.
    """

    def __init__(self, scene, client, desk):
        self._scene = scene
        self._client = client
        self._desk = desk
        self._charts = {
            "profile": Chart(scene, _("Line profile"), _("mm"), _("value")),
            "spectrum": Chart(scene, _("Noise power spectrum"), _("cycles / mm"), _("power")),
            "histogram": Chart(scene, _("Residual"), _("A − B"), _("share")),
        }
        self._structure = None
        self.marks = None

    @property
    def charts(self):
        """Charts by subject: profile, spectrum, histogram."""
        return self._charts

    def measure(self, a, b, rois, line, show, fail):
        """Measure regions and a line.

        Parameters
        ----------
        a, b : volume nodes.
        rois : markups ROI nodes; the second one is the background of the CNR.
        line : markups line node or None.
        show : called with rows of texts (name, A, B, change).
        fail : called with a sentence.
        """

        def opened():
            regions = []
            try:
                for roi in rois:
                    mask, corner = roi_mask(roi, a)
                    path = self._desk.path("region")
                    np.save(path, mask)
                    regions.append({"file": str(path), "corner": list(corner)})
            except ValueError as error:
                fail(str(error))
                return
            order = {
                "job": "regions",
                "before": a.GetID(),
                "after": b.GetID(),
                "regions": regions,
                "line": line_ends(line, a),
            }

            def heard(record):
                for region in regions:
                    Path(region["file"]).unlink(missing_ok=True)
                if record["event"] == "finished":
                    show(record["rows"])
                    self._draw(record)
                elif record["event"] == "failed":
                    fail(record.get("message", ""))

            self._client.submit(order, heard)

        self._open([a, b], opened, fail)

    def compare_with(self, reference, nodes, show, fail):
        """PSNR, SSIM and RMSE of volumes against a reference; `show` gets one {name: figure} for each."""

        def opened():
            order = {
                "job": "quality",
                "reference": reference.GetID(),
                "images": [node.GetID() for node in nodes],
            }

            def heard(record):
                if record["event"] == "finished":
                    show(record["figures"])
                elif record["event"] == "failed":
                    fail(record.get("message", ""))

            self._client.submit(order, heard)

        self._open([reference, *nodes], opened, fail)

    def check_structure(self, a, b, show, progress, fail):
        """Check whether A minus B is noise; `show` gets the worker's record, with marks in the scene."""

        def opened():
            order = {
                "job": "structure",
                "before": a.GetID(),
                "after": b.GetID(),
                "output": str(self._desk.path("structure")),
            }

            def heard(record):
                if record["event"] == "progress":
                    progress(record["done"] / record["total"])
                elif record["event"] == "finished":
                    self._mark(a, Path(record["output"]), bool(record["places"]))
                    show(record)
                elif record["event"] == "failed":
                    fail(record.get("message", ""))
                elif record["event"] == "cancelled":
                    fail(_("Cancelled."))

            self._structure = self._client.submit(order, heard)

        self._open([a, b], opened, fail)

    def cancel_structure(self):
        """Stop a running check."""
        if self._structure is not None:
            self._client.cancel(self._structure)

    def open_chart(self, name):
        """Show a chart in a plot view; whether there is one already."""
        chart = self._charts[name].chart
        if chart is None or chart.GetScene() is None:
            return False
        open_in_layout(chart)
        return True

    def jump_to(self, a, place):
        """Show a place of the structure check in all views."""
        jump_to(self._scene, a, place["index"])

    def clear(self):
        """Take marks away; charts stay, they are the user's."""
        marks, self.marks = self.marks, None
        if marks is not None and marks.GetScene() is not None:
            self._scene.RemoveNode(marks)

    def _mark(self, a, path, any_place):
        """Strengths over the picture: amber to red, the less like noise; nothing below the limit of noise."""
        self.clear()
        strengths = np.load(path)
        path.unlink(missing_ok=True)
        if not any_place:
            return
        self.marks = add_derived(a, strengths, _("Structure check"))
        display = self.marks.GetDisplayNode()
        display.SetAndObserveColorNodeID("vtkMRMLColorTableNodeWarm1")
        display.SetAutoWindowLevel(False)
        display.SetWindowLevel(2.0, 2.0)
        display.SetLowerThreshold(1.0)
        display.SetUpperThreshold(float(strengths.max()) + 1.0)
        display.SetApplyThreshold(True)

    def _draw(self, record):
        unit = record["unit"]
        shown = None
        if "profile" in record:
            found = record["profile"]
            columns = {"mm": found["mm"], "A": found["before"], "B": found["after"]}
            shown = self._show("profile", columns, [("A", COLOUR_A), ("B", COLOUR_B)], unit or _("value"))
        if "spectrum" in record:
            found = record["spectrum"]
            columns = {"cycles / mm": found["frequency"], "A": found["before"], "B": found["after"]}
            power = f"{unit}² mm²" if unit else _("power")
            shown = self._show("spectrum", columns, [("A", COLOUR_A), ("B", COLOUR_B)], power)
        if "histogram" in record:
            found = record["histogram"]
            columns = {"A − B": found["value"], "removed": found["density"], "Gaussian": found["gaussian"]}
            shown = self._show(
                "histogram", columns, [("removed", COLOUR_B), ("Gaussian", COLOUR_GREY)], _("share")
            )
        if shown is not None:
            show_in_layout(shown)

    def _show(self, name, columns, series, y):
        chart = self._charts[name]
        chart.show(columns, series)
        chart.chart.SetYAxisTitle(y)
        return chart.chart

    def _open(self, nodes, then, fail):
        """Have the worker hold all of them, one after the other."""
        if not nodes:
            then()
            return
        self._desk.open(nodes[0], lambda _record: self._open(nodes[1:], then, fail), fail)
