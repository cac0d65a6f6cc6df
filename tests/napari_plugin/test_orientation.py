"""Letters and ways up agree with the patient for every way a volume can be stored."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from quietvoxel.napari_plugin.orientation import (
    array_axes,
    edge_letters,
    oblique_note,
    patient_axes,
    plane_of,
    view_of,
)
from quietvoxel.volume import Geometry

EXPECTED = {
    "Axial": {"left": "R", "right": "L", "top": "A", "bottom": "P"},
    "Coronal": {"left": "R", "right": "L", "top": "S", "bottom": "I"},
    "Sagittal": {"left": "A", "right": "P", "top": "S", "bottom": "I"},
}


def stored(order: tuple[int, ...], signs: tuple[int, ...]) -> Geometry:
    direction = np.zeros((3, 3))
    for column, (axis, sign) in enumerate(zip(order, signs, strict=True)):
        direction[axis, column] = sign
    return Geometry(direction=tuple(direction.ravel()))


ALL = [stored(order, signs) for order in permutations(range(3)) for signs in product((1, -1), repeat=3)]


def turned(degrees: float) -> Geometry:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return Geometry(direction=(1, 0, 0, 0, cos, -sin, 0, sin, cos))


@pytest.mark.parametrize("plane", EXPECTED)
@pytest.mark.parametrize("geometry", ALL, ids=range(len(ALL)))
def test_the_patient_is_the_same_way_round_however_the_file_is_stored(geometry: Geometry, plane: str) -> None:
    view = view_of(geometry, plane)

    assert sorted(view.order) == [0, 1, 2]
    assert edge_letters(geometry, view.order[1:], view.orientation[1:]) == EXPECTED[plane]
    assert plane_of(geometry, view.order) == plane


@pytest.mark.parametrize("plane", EXPECTED)
@pytest.mark.parametrize("geometry", ALL, ids=range(len(ALL)))
def test_three_dimensions_are_never_a_mirror_image(geometry: Geometry, plane: str) -> None:
    """A volume stored left-handed, with one axis flipped, is the mirror image in memory, not on the screen."""
    view = view_of(geometry, plane)
    through, down, across = array_axes(geometry)[list(view.order)]
    towards, vertical, horizontal = view.orientation
    right = across * (1 if horizontal == "right" else -1)
    up = down * (1 if vertical == "up" else -1)
    out = through * (1 if towards == "towards" else -1)

    np.testing.assert_allclose(np.cross(right, up), out)


def test_oblique_volumes_get_a_second_letter() -> None:
    for degrees, top, bottom in ((5, "A", "P"), (20, "AI", "PS"), (50, "IA", "SP")):
        letters = edge_letters(turned(degrees), (1, 2), ("down", "right"))
        assert (letters["top"], letters["bottom"]) == (top, bottom)
        assert (letters["left"], letters["right"]) == ("R", "L")


def test_each_array_axis_has_a_patient_axis_of_its_own_even_at_45_degrees() -> None:
    for degrees in np.linspace(0, 360, 33):
        assert sorted(patient_axes(turned(degrees))) == [0, 1, 2]


def test_oblique_and_sheared_volumes_are_said_in_one_line() -> None:
    assert oblique_note(Geometry()) == ""
    assert "oblique by 20 degrees" in oblique_note(turned(20))
    tilt = np.radians(18)
    sheared = Geometry(direction=(1, 0, 0, 0, 1, np.sin(tilt), 0, 0, np.cos(tilt)))
    assert "18.0 degrees" in oblique_note(sheared)
    assert "\n" not in oblique_note(sheared)
