"""The line of the curtain in a slice view: drawn where A meets B, and dragged by the left mouse button."""

import numpy as np
import vtk

from .screen_slice import ras_to_ijk

NEAR = 8.0
"""Pixels within which the line is taken hold of; elsewhere the mouse does what it always does."""

FIRST = 10.0
"""Priority of the observers: before Slicer's own, which set the window by the same button."""

EVENTS = ("LeftButtonPressEvent", "MouseMoveEvent", "LeftButtonReleaseEvent")


def across(view, node, axis):
    """How a voxel index changes over a view: (per pixel right, per pixel up, at the lower left corner).

    Parameters
    ----------
    view : slice node.
    node : volume node.
    axis : of the array (z, y, x).
    """
    matrix = view.GetXYToRAS()
    to_ras = np.array([[matrix.GetElement(i, j) for j in range(4)] for i in range(4)])
    row = (ras_to_ijk(node) @ to_ras)[2 - axis]
    return row[0], row[1], row[3]


def line_in_view(view, node, axis, index):
    """Both ends, in pixels, of the line on which a view shows a voxel index; None where it does not."""
    right, up, start = across(view, node, axis)
    width, height = view.GetDimensions()[:2]
    if abs(right) + abs(up) < 1e-6:  # the view lies along the curtain
        return None
    sides = [(x, (index - start - right * x) / up) for x in (0.0, width - 1.0) if abs(up) > 1e-9]
    sides += [((index - start - up * y) / right, y) for y in (0.0, height - 1.0) if abs(right) > 1e-9]
    found = [(x, y) for x, y in sides if 0 <= x <= width - 1 and 0 <= y <= height - 1]
    if len(found) < 2:
        return None
    return found[0], max(found, key=lambda end: (end[0] - found[0][0]) ** 2 + (end[1] - found[0][1]) ** 2)


class CurtainLine:
    """One view's line; listens to its mouse until `let_go`.

    Parameters
    ----------
    view, interactor : slice node, and vtkRenderWindowInteractor of its view.
    curtain : `compare_nodes.Curtain`.
    dragged : called with the share of the width that the user dragged the line to.
    """

    def __init__(self, view, interactor, curtain, dragged):
        self._view, self._interactor = view, interactor
        self._curtain, self._dragged = curtain, dragged
        self._held = False
        self._points = vtk.vtkPoints()
        self._points.SetNumberOfPoints(2)
        self._actor = _line_actor(self._points)
        self._renderer = interactor.GetRenderWindow().GetRenderers().GetFirstRenderer()
        if self._renderer is not None:
            self._renderer.AddViewProp(self._actor)
        self._tags = [interactor.AddObserver(event, self._mouse, FIRST) for event in EVENTS]
        self._view_tag = view.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_event: self.draw())
        self.draw()

    @property
    def ends(self):
        """Both ends in pixels, or None where this view shows no line."""
        return line_in_view(self._view, self._curtain.node, self._curtain.axis, self._curtain.edge)

    def draw(self):
        """Put the line where A meets B; the view draws itself anew, for its volume or its slice has changed."""
        ends = self.ends
        self._actor.SetVisibility(ends is not None)
        for number, (x, y) in enumerate(ends or ()):
            self._points.SetPoint(number, x, y, 0.0)
        self._points.Modified()

    def let_go(self):
        """Listen no more, and take the line away."""
        for tag in self._tags:
            self._interactor.RemoveObserver(tag)
        self._view.RemoveObserver(self._view_tag)
        if self._renderer is not None:
            self._renderer.RemoveViewProp(self._actor)
        self._tags = []

    def _mouse(self, _caller, event):
        x, y = self._interactor.GetEventPosition()
        if event == EVENTS[0]:
            self._held = self._near(x, y)
        if not self._held:
            return
        if event == EVENTS[1]:
            right, up, start = across(self._view, self._curtain.node, self._curtain.axis)
            self._dragged(self._curtain.share_at(start + right * x + up * y))
        self._held = event != EVENTS[2]
        for tag in self._tags:  # the window stays as it is while the line moves
            self._interactor.GetCommand(tag).SetAbortFlag(True)

    def _near(self, x, y):
        if self.ends is None:
            return False
        right, up, start = across(self._view, self._curtain.node, self._curtain.axis)
        return abs(start + right * x + up * y - self._curtain.edge) <= NEAR * np.hypot(right, up)


def _line_actor(points):
    cells = vtk.vtkCellArray()
    cells.InsertNextCell(2, [0, 1])
    line = vtk.vtkPolyData()
    line.SetPoints(points)
    line.SetLines(cells)
    mapper = vtk.vtkPolyDataMapper2D()
    mapper.SetInputData(line)
    actor = vtk.vtkActor2D()
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(1.0, 0.8, 0.0)
    actor.GetProperty().SetLineWidth(2.0)
    return actor
