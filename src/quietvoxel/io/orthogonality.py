"""Say when the axes of a grid are not at right angles, which many viewers cannot show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from quietvoxel.volume import Geometry

# Header rounding (float32, or DICOM's six digits) stays far below a tenth of a degree.
TOLERANCE_DEGREES = 0.1


def shear_degrees(geometry: Geometry) -> float:
    """Measure the largest deviation from 90 degrees between two voxel axes."""
    axes = np.asarray(geometry.direction, np.float64).reshape(3, 3)
    cosines = (axes.T @ axes)[np.triu_indices(3, 1)]
    return float(np.degrees(np.arcsin(np.clip(np.abs(cosines), 0, 1)).max()))


def shear_note(geometry: Geometry) -> list[str]:
    """Say that a grid is sheared; no sentence for an orthogonal one."""
    angle = shear_degrees(geometry)
    if angle <= TOLERANCE_DEGREES:
        return []
    note = (
        f"The voxel axes are sheared by {angle:.1f} degrees (not at right angles, as with a tilted gantry); "
        "the place of every slice is kept, but some viewers will show it upright."
    )
    return [note]
