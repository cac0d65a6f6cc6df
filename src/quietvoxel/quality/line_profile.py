"""Values of an image along a straight line, by millimetres."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from quietvoxel.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def line_profile(
    image: NDArray[Any], start: Sequence[float], end: Sequence[float], spacing: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sample an image from `start` to `end`, linearly between voxel centres.

    Parameters
    ----------
    image : of any dimension n.
    start, end : n voxel coordinates each; the centre of the first voxel is 0. The line may lie oblique to all
        axes.
    spacing : n numbers, mm between voxel centres.

    Returns
    -------
    distance, values : mm from `start`, and the image there. Samples lie at most half the smallest spacing
        apart; both ends are among them. Beyond the image the values are NaN.

    Raises
    ------
    BadInputError
        When the line has no length.
    """
    first, last = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    length = float(np.linalg.norm((last - first) * np.asarray(spacing, dtype=np.float64)))
    if length == 0:
        msg = "The line has no length; draw it from one point to another."
        raise BadInputError(msg)
    count = int(np.ceil(length / (0.5 * min(spacing)))) + 1
    along = np.linspace(0.0, 1.0, count)
    points = first[:, None] + (last - first)[:, None] * along
    # Only the box around the line is converted: a volume may be large, and may be stored as integers.
    low = np.clip(np.floor(points.min(axis=1)).astype(int) - 1, 0, None)
    high = np.ceil(points.max(axis=1)).astype(int) + 2
    box = np.asarray(image[tuple(map(slice, low, high))], dtype=np.float64)
    values = np.full(count, np.nan)
    if box.size:
        values = ndimage.map_coordinates(box, points - low[:, None], order=1, cval=np.nan)
    return along * length, values
