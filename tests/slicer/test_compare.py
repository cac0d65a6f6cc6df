"""A and B in Slicer's own views, and the views as they were afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
from QuietVoxelLib.blending import Blender
from QuietVoxelLib.comparison import Comparison, Mode
from QuietVoxelLib.volume_nodes import add_beside, array_of

from .conftest import noisy_array, oblique_matrix

pytestmark = pytest.mark.slicer


@pytest.fixture
def pair(add_volume: Any) -> tuple[Any, Any]:
    a = add_volume(matrix=oblique_matrix())
    quiet = array_of(a).copy()
    quiet[:, :, 6:] = 40
    return a, add_beside(a, quiet, "CT abdomen [RelativeFlow]")


def state(shown: dict[str, Any]) -> list[Any]:
    found: list[Any] = [shown["layout"].GetViewArrangement()]
    for name in ("Red", "Yellow", "Green"):
        composite, view = shown[name + " composite"], shown[name]
        matrix = view.GetSliceToRAS()
        found.append(
            (
                composite.GetBackgroundVolumeID(),
                composite.GetForegroundVolumeID(),
                composite.GetForegroundOpacity(),
                composite.GetLinkedControl(),
                composite.GetHotLinkedControl(),
                [matrix.GetElement(i, j) for i in range(4) for j in range(4)],
                view.GetFieldOfView(),
            )
        )
    return found


@pytest.mark.parametrize("mode", list(Mode))
def test_stopping_gives_the_views_back_as_they_were(pair: Any, views: Any, scene: Any, mode: Mode) -> None:
    shown = views(pair[0])
    shown["layout"].SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    before, volumes = state(shown), scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    comparison = Comparison(scene)

    assert comparison.show(mode, *pair) == ""
    assert state(shown) != before
    comparison.stop()

    assert state(shown) == before
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == volumes


def test_side_by_side_is_two_linked_views_of_one_plane(pair: Any, views: Any, scene: Any) -> None:
    shown = views(pair[0])
    Comparison(scene).show(Mode.SIDE_BY_SIDE, *pair)
    red, yellow = shown["Red composite"], shown["Yellow composite"]
    assert shown["layout"].GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView
    assert red.GetBackgroundVolumeID() == pair[0].GetID()
    assert yellow.GetBackgroundVolumeID() == pair[1].GetID()
    assert red.GetHotLinkedControl()
    assert yellow.GetHotLinkedControl()
    for row in range(4):
        for column in range(4):
            places = [shown[name].GetSliceToRAS().GetElement(row, column) for name in ("Red", "Yellow")]
            assert places[0] == places[1]


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_curtain_shows_a_left_and_b_right(
    add_volume: Any, views: Any, scene: Any, mirrored: bool
) -> None:
    matrix = np.diag([0.8 if mirrored else -0.8, -0.8, 2.5, 1.0])
    a = add_volume(np.zeros((2, 20, 40), np.int16), matrix)
    b = add_beside(a, np.ones((2, 20, 40), np.int16), "B")
    views(a)  # axial: the patient's right is left, which is where RAS's first coordinate is high
    comparison = Comparison(scene)
    comparison.show(Mode.CURTAIN, a, b)
    for share in (0.25, 0.75, 0.5, 1.0, 0.0, 0.3):
        comparison.set_curtain(share)
        shown = array_of(comparison.derived)
        from_left = shown[:, :, ::-1] if mirrored else shown
        cut = round(share * 40)
        assert (from_left[:, :, :cut] == 0).all()
        assert (from_left[:, :, cut:] == 1).all()


def test_flicker_fade_checkerboard_and_residual(pair: Any, views: Any, scene: Any) -> None:
    a, b = pair
    shown = views(a)
    composite = shown["Red composite"]
    comparison = Comparison(scene)
    comparison.show(Mode.FLICKER, a, b)
    opacities = []
    for _ in range(3):
        opacities.append(composite.GetForegroundOpacity())
        comparison.flip()
    assert opacities == [0.0, 1.0, 0.0]
    comparison.show(Mode.FADE, a, b)
    comparison.set_fade(0.25)
    assert composite.GetForegroundOpacity() == 0.25
    comparison.show(Mode.RESIDUAL, a, b)
    residual = array_of(comparison.derived)
    assert residual.dtype == np.float32
    assert np.array_equal(residual, array_of(a).astype(np.float32) - array_of(b))
    comparison.set_residual_window(30.0)
    assert comparison.derived.GetDisplayNode().GetWindow() == 60.0
    assert comparison.derived.GetDisplayNode().GetLevel() == 0.0
    comparison.show(Mode.CHECKERBOARD, a, b)
    board = array_of(comparison.derived)
    assert set(np.unique((board == array_of(a)) | (board == array_of(b)))) == {True}
    assert (board != array_of(a)).any()
    assert (board != array_of(b)).any()


def test_a_window_set_on_one_is_set_on_the_other_until_it_ends(pair: Any, views: Any, scene: Any) -> None:
    a, b = pair
    views(a)
    comparison = Comparison(scene)
    comparison.show(Mode.SIDE_BY_SIDE, a, b)
    b.GetDisplayNode().SetWindowLevel(1500.0, -600.0)
    assert (a.GetDisplayNode().GetWindow(), a.GetDisplayNode().GetLevel()) == (1500.0, -600.0)
    comparison.stop()
    b.GetDisplayNode().SetWindowLevel(80.0, 40.0)
    assert a.GetDisplayNode().GetWindow() == 1500.0


def test_other_grids_are_refused_in_a_sentence(add_volume: Any, views: Any, scene: Any) -> None:
    a, b = add_volume(), add_volume(noisy_array((5, 40, 48)), name="Other")
    views(a)
    comparison = Comparison(scene)
    assert "lie on different grids" in comparison.show(Mode.CURTAIN, a, b)
    assert comparison.show(Mode.FADE, a, b) == ""
    assert "same volume" in comparison.show(Mode.FADE, a, a)
    assert "No volume is chosen" in comparison.show(Mode.FADE, a, None)


def test_blending_mixes_at_once_and_back_exactly(pair: Any) -> None:
    a, b = pair
    denoised = array_of(b).copy()
    blender = Blender()
    blender.add(b, denoised)
    blender.blend(b, 0.5)
    middle = (array_of(a).astype(np.float32) + denoised) / 2
    assert np.abs(array_of(b) - middle).max() <= 0.5
    assert b.GetAttribute("QuietVoxel.blend") == "0.5"
    blender.blend(b, 0.0)
    assert np.array_equal(array_of(b), array_of(a))
    blender.blend(b, 1.0)
    assert np.array_equal(array_of(b), denoised)
