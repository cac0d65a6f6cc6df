"""The line of the curtain, in real slice nodes and with a real interactor: where it is, and how it is dragged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import vtk
from QuietVoxelLib.comparison import Comparison, Mode
from QuietVoxelLib.volume_nodes import add_beside, array_of

from .conftest import centre_on, oblique_matrix

pytestmark = pytest.mark.slicer


class Mouse:
    """A view's interactor, and Slicer's own listener behind it, which sets the window by the left button."""

    def __init__(self) -> None:
        self.window = vtk.vtkRenderWindow()
        self.renderer = vtk.vtkRenderer()
        self.window.AddRenderer(self.renderer)
        self.interactor = vtk.vtkGenericRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        self.interactor.SetInteractorStyle(
            None
        )  # VTK's own, which takes the mouse for itself; Slicer has another
        self.others: list[str] = []
        for event in ("LeftButtonPressEvent", "MouseMoveEvent", "LeftButtonReleaseEvent"):
            self.interactor.AddObserver(event, lambda _caller, name: self.others.append(name))

    def do(self, event: str, x: float, y: float) -> None:
        self.interactor.SetEventInformation(round(x), round(y))
        self.interactor.InvokeEvent(event)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.do("LeftButtonPressEvent", *start)
        self.do("MouseMoveEvent", *end)
        self.do("LeftButtonReleaseEvent", *end)


@pytest.fixture
def scenery(add_volume: Any, views: Any, scene: Any, request: Any) -> Any:
    a = add_volume(np.zeros((3, 40, 60), np.int16), request.param)
    b = add_beside(a, np.ones((3, 40, 60), np.int16), "B")
    shown = views(a)
    view = shown["Red"]
    centre_on(view, a, (30, 20, 1))
    view.SetDimensions(400, 300, 1)
    view.SetFieldOfView(80.0, 60.0, 1.0)
    view.UpdateMatrices()
    mouse = Mouse()
    comparison = Comparison(scene, lambda: [(view, mouse.interactor)])
    assert comparison.show(Mode.CURTAIN, a, b) == ""
    return comparison, view, mouse, shown


MATRICES = {
    "axial": np.diag([-0.8, -0.8, 2.5, 1.0]),
    "mirrored": np.diag([0.8, -0.8, 2.5, 1.0]),
    "oblique": oblique_matrix(),
}
every_matrix = pytest.mark.parametrize("scenery", MATRICES.values(), ids=MATRICES, indirect=True)


def middle(line: Any) -> tuple[float, float]:
    (x0, y0), (x1, y1) = line.ends
    return (x0 + x1) / 2, (y0 + y1) / 2


@every_matrix
def test_the_line_is_where_a_meets_b(scenery: Any) -> None:
    comparison, view, mouse, _ = scenery
    (line,) = comparison._lines
    comparison.set_curtain(0.25)
    assert mouse.renderer.GetViewProps().GetNumberOfItems() == 1
    x, y = middle(line)
    to_ras = view.GetXYToRAS()
    inverse = vtk.vtkMatrix4x4()
    comparison.derived.GetRASToIJKMatrix(inverse)

    def voxel(away: float) -> int:
        i, j, k = inverse.MultiplyPoint(to_ras.MultiplyPoint((x + away, y, 0.0, 1.0)))[:3]
        return int(array_of(comparison.derived)[round(k), round(j), round(i)])

    # The line runs from top to bottom: A to its left and B to its right, within a voxel of five pixels.
    assert [voxel(-6), voxel(6)] == [0, 1] or abs(line.ends[0][0] - line.ends[1][0]) > 1
    assert {voxel(-40), voxel(40)} == {0, 1}


@every_matrix
def test_the_line_is_dragged_and_the_window_stays(scenery: Any) -> None:
    comparison, _, mouse, _ = scenery
    (line,) = comparison._lines
    dragged: list[float] = []
    usual = comparison.dragged
    comparison.dragged = lambda share: (dragged.append(share), usual(share))
    x, y = middle(line)
    mouse.drag((x + 3, y), (x - 60, y))
    assert mouse.others == []
    assert len(dragged) == 1
    assert 0.0 < dragged[0] < 0.5
    there = (array_of(comparison.derived) == 0).mean()
    assert there == pytest.approx(dragged[0], abs=0.02)
    assert abs(middle(line)[0] - (x - 60)) < 6


@every_matrix
def test_away_from_the_line_the_mouse_does_what_it_always_does(scenery: Any) -> None:
    comparison, _, mouse, _ = scenery
    (line,) = comparison._lines
    x, y = middle(line)
    before = array_of(comparison.derived).copy()
    mouse.drag((x + 40, y), (x - 60, y))
    assert mouse.others == ["LeftButtonPressEvent", "MouseMoveEvent", "LeftButtonReleaseEvent"]
    assert np.array_equal(array_of(comparison.derived), before)


@pytest.mark.parametrize("scenery", [MATRICES["axial"]], indirect=True)
def test_a_view_along_the_curtain_has_no_line_and_stopping_takes_all_away(scenery: Any) -> None:
    comparison, view, mouse, _ = scenery
    (line,) = comparison._lines
    view.SetOrientation("Sagittal")
    assert line.ends is None
    comparison.stop()
    assert mouse.renderer.GetViewProps().GetNumberOfItems() == 0
    mouse.drag((200, 100), (100, 100))
    assert len(mouse.others) == 3
