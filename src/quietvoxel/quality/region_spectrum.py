"""Radial noise power spectrum of a region that a user has drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.errors import BadInputError
from quietvoxel.quality.spectrum import noise_power_spectrum, radial_average

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZES = (64, 48, 32, 24, 16, 12, 8)


def region_spectrum(
    noise: NDArray[Any], mask: NDArray[np.bool_], spacing_yx: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Radially averaged noise power spectrum, from the largest squares that fit into the region.

    Parameters
    ----------
    noise : (y, x) or (z, y, x): a region of one tissue, or a residual.
    mask : of the same shape.
    spacing_yx : mm.

    Returns
    -------
    frequency, power : cycles per mm and unit² mm². The zero frequency, which detrending empties, is left out.

    Raises
    ------
    BadInputError
        When not even 8 x 8 pixels fit.
    """
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in _other_axes(mask.ndim))
    for size in SIZES if rows.size else ():
        # The squares lie on a grid: one of them about the region's middle, where an ellipse is widest.
        box = (..., _from_middle(rows, size), _from_middle(columns, size))
        try:
            spectrum = noise_power_spectrum(noise[box], spacing_yx, size=size, mask=mask[box])
        except ValueError:  # no square of this size fits
            continue
        frequency, power = radial_average(spectrum)
        return frequency[1:], power[1:]
    msg = "The region holds no square of 8 x 8 pixels, which a noise power spectrum needs; draw a larger one."
    raise BadInputError(msg)


def _other_axes(ndim: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes to sum over to leave the rows, and to leave the columns."""
    return tuple(a for a in range(ndim) if a != ndim - 2), tuple(range(ndim - 1))


def _from_middle(places: NDArray[np.intp], size: int) -> slice:
    """From where squares of `size`, half overlapping, have one in the middle of the places, to the last one."""
    length = int(places[-1] - places[0]) + 1
    return slice(int(places[0]) + (max(0, length - size) // 2) % (size // 2), int(places[-1]) + 1)
