"""Which way a volume's axes point in the patient: planes, letters and the radiological way up. No napari, no Qt.

Radiological convention: the patient's right is on the left of the screen and the front at the top of an axial
slice; the head is at the top of a coronal and a sagittal slice, and the nose on the left of a sagittal one.
"""

from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from quietvoxel.io.orthogonality import TOLERANCE_DEGREES, shear_degrees
from quietvoxel.volume import Geometry

PLANES = {"Axial": (2, 1, 0), "Coronal": (1, 2, 0), "Sagittal": (0, 2, 1)}
"""Patient axes (0 to the left, 1 to the back, 2 to the head) through, down and across the screen."""

_LETTERS = ("RL", "AP", "IS")  # towards the negative and the positive end of each patient axis
_SECOND_LETTER = np.sin(np.radians(15.0))  # less oblique than this, one letter says it
_OBLIQUE_DEGREES = 0.5
# Which way the positive end of a patient axis goes on the screen.
_ACROSS = ("right", "right", "left")  # left of the patient right, back right, head left
_DOWNWARDS = ("down", "down", "up")  # left down, back down, head up


@dataclass(frozen=True)
class View:
    """How to show one plane in napari.

    Attributes
    ----------
    order : array axes through, down and across the screen, for ``viewer.dims.order``.
    orientation : (depth, vertical, horizontal), for ``viewer.scene.camera.orientation``.
    """

    order: tuple[int, int, int]
    orientation: tuple[str, str, str]


def array_axes(geometry: Geometry) -> NDArray[np.float64]:
    """Unit vectors (LPS) of the array axes z, y, x, as rows."""
    return np.reshape(np.asarray(geometry.direction, np.float64), (3, 3)).T[::-1]


def patient_axes(geometry: Geometry) -> tuple[int, int, int]:
    """For each array axis the patient axis that it is nearest to, each one once."""
    sizes = np.abs(array_axes(geometry))
    best = max(permutations(range(3)), key=lambda p: sum(sizes[k, p[k]] for k in range(3)))
    return (best[0], best[1], best[2])


def view_of(geometry: Geometry, plane: str) -> View:
    """The radiological view of a plane: "Axial", "Coronal" or "Sagittal"."""
    nearest = patient_axes(geometry)
    through, down, across = (nearest.index(axis) for axis in PLANES[plane])
    return View((through, down, across), upright(geometry, (through, down, across)))


def plane_of(geometry: Geometry, order: tuple[int, int, int]) -> str:
    """Name the plane that an order of array axes shows, the one nearest to it."""
    through = patient_axes(geometry)[order[0]]
    return next(name for name, axes in PLANES.items() if axes[0] == through)


def upright(geometry: Geometry, order: tuple[int, int, int]) -> tuple[str, str, str]:
    """Which way the camera has to turn each array axis of `order`, and never as a mirror image in 3-D.

    Returns
    -------
    (depth, vertical, horizontal) : "towards" or "away", "up" or "down", "left" or "right".
    """
    axes, nearest = array_axes(geometry), patient_axes(geometry)
    _, down, across = order
    vertical = _DOWNWARDS[nearest[down]]
    if axes[down, nearest[down]] < 0:
        vertical = "up" if vertical == "down" else "down"
    horizontal = _ACROSS[nearest[across]]
    if axes[across, nearest[across]] < 0:
        horizontal = "left" if horizontal == "right" else "right"
    # The screen's right, up and towards the viewer are right-handed; so has to be what is shown along them.
    hand = np.sign(np.linalg.det(axes[[across, down, order[0]]]))
    hand *= (1 if horizontal == "right" else -1) * (1 if vertical == "up" else -1)
    return ("towards" if hand > 0 else "away", vertical, horizontal)


def edge_letters(
    geometry: Geometry, displayed: tuple[int, int], orientation: tuple[str, str]
) -> dict[str, str]:
    """Letters for the edges of the screen, such as "R" or, 15 degrees oblique and more, "RA".

    Parameters
    ----------
    displayed : array axes down and across the screen.
    orientation : of the camera, (vertical, horizontal).

    Returns
    -------
    Letters at "left", "right", "top" and "bottom".
    """
    axes = array_axes(geometry)
    bottom = axes[displayed[0]] * (1 if orientation[0] == "down" else -1)
    right = axes[displayed[1]] * (1 if orientation[1] == "right" else -1)
    return {
        "left": _letters(-right),
        "right": _letters(right),
        "top": _letters(-bottom),
        "bottom": _letters(bottom),
    }


def oblique_degrees(geometry: Geometry) -> float:
    """Largest angle between an array axis and the patient axis it is nearest to."""
    axes, nearest = array_axes(geometry), patient_axes(geometry)
    cosines = [abs(axes[k, nearest[k]]) for k in range(3)]
    return float(np.degrees(np.arccos(np.clip(min(cosines), 0.0, 1.0))))


def oblique_note(geometry: Geometry) -> str:
    """One line for a volume that is not parallel to the patient's axes, or not at right angles; else ""."""
    angle = shear_degrees(geometry)
    if angle > TOLERANCE_DEGREES:
        return (
            f"The slices are not at right angles to their stack ({angle:.1f} degrees, as with a tilted gantry): "
            "shown upright, saved in their true place."
        )
    angle = oblique_degrees(geometry)
    if angle > _OBLIQUE_DEGREES:
        return f"The volume is oblique by {angle:.0f} degrees: shown along its own axes, saved with its true direction."
    return ""


def _letters(direction: NDArray[np.float64]) -> str:
    sizes = np.abs(direction)
    axes = [axis for axis in np.argsort(-sizes) if sizes[axis] >= _SECOND_LETTER]
    return "".join(_LETTERS[axis][int(direction[axis] > 0)] for axis in axes)
