"""Curves in Slicer's own plot views: one chart a subject, its table and series renewed in place."""

import slicer
import vtk

from .words import _

COLOUR_A = (1.0, 0.8, 0.0)
COLOUR_B = (0.2, 0.73, 1.0)
COLOUR_GREY = (0.67, 0.67, 0.67)
WITH_PLOT = {
    getattr(slicer.vtkMRMLLayoutNode, name) for name in dir(slicer.vtkMRMLLayoutNode) if "Plot" in name
}
"""Slicer's own layouts that have a plot view."""


class Chart:
    """A chart with its table; made when first shown, taken out of saved scenes by nobody: it is the user's then.

    Parameters
    ----------
    scene : MRML scene.
    title, x, y : titles of the chart and its axes.
    """

    def __init__(self, scene, title, x, y):
        self._scene = scene
        self._title, self._x, self._y = title, x, y
        self.chart = self.table = None
        self._series = []

    def show(self, columns, series):
        """Draw curves.

        Parameters
        ----------
        columns : {name: numbers}, the first being x; None is a gap.
        series : [(column, colour)] of the curves.
        """
        self._ensure()
        _fill(self.table, columns)
        x = next(iter(columns))
        while len(self._series) < len(series):
            node = self._scene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", self._title)
            self._series.append(node)
            self.chart.AddAndObservePlotSeriesNodeID(node.GetID())
        for node in self._series[len(series) :]:
            self._scene.RemoveNode(node)
        del self._series[len(series) :]
        for node, (column, colour) in zip(self._series, series, strict=True):
            node.SetName(column)
            node.SetAndObserveTableNodeID(self.table.GetID())
            node.SetXColumnName(x)
            node.SetYColumnName(column)
            node.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
            node.SetMarkerStyle(slicer.vtkMRMLPlotSeriesNode.MarkerStyleNone)
            node.SetColor(*colour)

    def remove(self):
        """Take chart, series and table out of the scene."""
        for node in [*self._series, self.chart, self.table]:
            if node is not None and node.GetScene() is not None:
                self._scene.RemoveNode(node)
        self._series, self.chart, self.table = [], None, None

    def _ensure(self):
        if self.chart is not None and self.chart.GetScene() is not None:
            return
        self._series = []
        self.table = self._scene.AddNewNodeByClass(
            "vtkMRMLTableNode", _("{title} table").format(title=self._title)
        )
        self.chart = self._scene.AddNewNodeByClass("vtkMRMLPlotChartNode", self._title)
        self.chart.SetTitle(self._title)
        self.chart.SetXAxisTitle(self._x)
        self.chart.SetYAxisTitle(self._y)


def open_in_layout(chart):
    """Show a chart, in a layout with a plot view where the present one has none."""
    layout = chart.GetScene().GetFirstNodeByClass("vtkMRMLLayoutNode")
    if layout is not None and layout.GetViewArrangement() not in WITH_PLOT:
        layout.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotView)
    show_in_layout(chart)


def show_in_layout(chart):
    """Put a chart into the plot views of the layout, if it has any."""
    scene = chart.GetScene()
    for view in slicer.util.getNodesByClass("vtkMRMLPlotViewNode", scene):
        view.SetPlotChartNodeID(chart.GetID())


def _fill(table_node, columns):
    table = table_node.GetTable()
    table.Initialize()
    for name, values in columns.items():
        column = vtk.vtkDoubleArray()
        column.SetName(name)
        for value in values:
            column.InsertNextValue(float("nan") if value is None else float(value))
        table.AddColumn(column)
    table_node.Modified()
