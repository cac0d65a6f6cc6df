"""The slice on screen, denoised, laid over the volume in the views that show it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
from QuietVoxelLib.preview import Preview
from QuietVoxelLib.screen_slice import slice_on_screen
from QuietVoxelLib.volume_nodes import array_of, matrix_of

from .conftest import centre_on, oblique_matrix, until

pytestmark = pytest.mark.slicer

ORDER = {"engine": "relativeflow", "model": "", "settings": {"steps": 2}, "options": {}}


def opened(desk: Any, node: Any, client: Any) -> None:
    records: list[Any] = []
    desk.open(node, records.append, pytest.fail)
    until(lambda: records, client.tick)


@pytest.mark.parametrize("moved", [False, True], ids=["plain", "under a transform"])
def test_a_view_says_which_slice_it_shows(add_volume: Any, views: Any, scene: Any, moved: bool) -> None:
    node = add_volume(matrix=oblique_matrix())
    view = views(node)["Red"]
    centre_on(view, node, (10, 10, 2))
    if moved:
        parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        matrix = slicer.util.vtkMatrixFromArray(np.diag([1.0, 1.0, 1.0, 1.0]))
        for row in range(3):
            matrix.SetElement(row, 3, float(matrix_of(node)[row, 2]))  # by one slice
        parent.SetMatrixTransformToParent(matrix)
        node.SetAndObserveTransformNodeID(parent.GetID())

    assert slice_on_screen(view, node, 0) == (1 if moved else 2)
    assert slice_on_screen(view, node, 1) is None


def test_the_preview_is_the_slice_that_the_volume_gets(
    add_volume: Any, views: Any, desk: Any, warm_worker: Any, run: Any, plan: Any, scene: Any
) -> None:
    node = add_volume(matrix=oblique_matrix())
    shown = views(node)
    centre_on(shown["Red"], node, (10, 10, 1))
    composite = shown["Red composite"]
    composite.SetForegroundOpacity(0.25)
    said: list[str] = []
    preview = Preview(warm_worker, desk, said.append)
    opened(desk, node, warm_worker)

    preview.ask(node, ORDER)
    until(lambda: said and said[-1].startswith(("final", "draft")), warm_worker.tick)

    pixels = array_of(preview.node)[0].copy()
    assert composite.GetForegroundVolumeID() == preview.node.GetID()
    assert composite.GetForegroundOpacity() == 1.0
    expected = matrix_of(node) @ [0, 0, 1, 1]
    assert np.allclose(matrix_of(preview.node) @ [0, 0, 0, 1], expected)

    preview.set_blend(0.5)
    assert composite.GetForegroundOpacity() == 0.5

    preview.rest()
    assert composite.GetForegroundVolumeID() is None
    assert composite.GetForegroundOpacity() == 0.25
    assert not [
        n for n in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode", scene) if "preview" in n.GetName()
    ]

    results: list[Any] = []
    run.start(node, [plan], lambda _source, made: results.extend(made))
    until(lambda: results, warm_worker.tick)
    assert np.array_equal(np.rint(pixels).astype(np.int16), array_of(results[0])[1])
    assert composite.GetForegroundVolumeID() == results[0].GetID()


def test_a_view_that_cuts_across_says_so(add_volume: Any, views: Any, desk: Any, warm_worker: Any) -> None:
    node = add_volume()
    shown = views(node)
    for name in ("Red", "Green"):
        shown[name + " composite"].SetBackgroundVolumeID(None)
    said: list[str] = []
    preview = Preview(warm_worker, desk, said.append)
    opened(desk, node, warm_worker)

    preview.ask(node, ORDER)

    assert said == ["no preview in this view, which cuts across the slices"]
