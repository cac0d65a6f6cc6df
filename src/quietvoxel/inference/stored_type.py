"""Denoised voxels in the type of the input's voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def result_type(data: NDArray[Any]) -> np.dtype[Any]:
    """The input's integer type, in the machine's byte order, or float32."""
    if data.dtype.kind in "iu":
        return data.dtype.newbyteorder("=")
    return np.dtype(np.float32)


def in_type(pixels: NDArray[np.float32], dtype: np.dtype[Any]) -> tuple[NDArray[Any], int]:
    """Round and clip to an integer type.

    Returns
    -------
    The pixels in `dtype`, and how many lay outside its range.
    """
    if dtype.kind == "f":
        return pixels.astype(dtype, copy=False), 0
    limits = np.iinfo(dtype)
    # float32 rounds the ends of 32-bit types outwards, to numbers that they do not hold: one step back in.
    low = np.float32(limits.min)
    high = np.float32(limits.max)
    if int(high) > limits.max:
        high = np.nextafter(high, np.float32(0))
    whole = np.rint(pixels)
    clipped = int(np.count_nonzero((whole < limits.min) | (whole > limits.max)))
    return np.clip(whole, low, high).astype(dtype), clipped
