"""Stored numbers and real ones: rescaling on the way in, rounding and clipping on the way out.

Integers stay integers wherever slope and intercept allow it, so that an undenoised volume is written back
bit for bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quietvoxel.volume import Volume

# float32 counts exactly to 2**24; two bits are kept for the rounding of slope and intercept.
_EXACT_FLOAT32 = 2**22


def is_integral(*numbers: float) -> bool:
    """Whether all numbers are whole."""
    return all(float(n).is_integer() for n in numbers)


def smallest_integer_type(low: float, high: float) -> np.dtype[Any]:
    """Find the first of int16, int32 and int64 that holds `low` and `high`."""
    for name in ("int16", "int32"):
        if np.iinfo(name).min <= low and high <= np.iinfo(name).max:
            return np.dtype(name)
    return np.dtype("int64")


def real_values(stored: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    """Apply ``slope * stored + intercept``.

    Parameters
    ----------
    stored : array of any shape, as on disk.
    slope, intercept : rescaling of the file; a slope of 0 means none, as NIfTI has it.

    Returns
    -------
    The same array without rescaling; the smallest fitting integer type when slope and intercept are whole;
    else float32, or float64 where float32 could not give the stored numbers back.
    """
    if slope == 0 or (slope == 1 and intercept == 0) or stored.size == 0:
        return stored
    if stored.dtype.kind in "iu":
        ends = (slope * float(stored.min()) + intercept, slope * float(stored.max()) + intercept)
        if is_integral(slope, intercept):
            dtype = smallest_integer_type(min(ends), max(ends))
            # Two's complement: what overflows on the way comes back, since the result fits.
            out = stored.astype(dtype)
            out *= np.int64(slope).astype(dtype)
            out += np.int64(intercept).astype(dtype)
            return out
        exact = max(abs(e) for e in ends) < _EXACT_FLOAT32 * abs(slope)
        out = stored.astype(np.float32 if exact else np.float64)
    else:
        out = stored.astype(stored.dtype if stored.dtype.itemsize >= 4 else np.float32)
    out *= slope
    out += intercept
    return out


def stored_values(
    data: NDArray[Any], dtype: np.dtype[Any], slope: float = 1.0, intercept: float = 0.0
) -> tuple[NDArray[Any], int]:
    """Undo the rescaling and convert to `dtype`, rounding to nearest and clipping to its range.

    Returns
    -------
    The stored array, and how many voxels had to be clipped.
    """
    plain = slope == 1 and intercept == 0
    if plain and (data.dtype == dtype or dtype.kind == "f"):
        return data.astype(dtype, copy=False), 0
    out = np.empty(data.shape, dtype)
    clipped = 0
    for z, values in enumerate(data):  # slice by slice: the float64 copy stays small
        if dtype.kind == "f":
            out[z] = (values.astype(np.float64) - intercept) / slope
            continue
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        if plain and values.dtype.kind in "iu":
            # Whole numbers are compared as such: float64 would round int64.
            kept = np.clip(
                values, max(low, np.iinfo(values.dtype).min), min(high, np.iinfo(values.dtype).max)
            )
            clipped += int(np.count_nonzero(kept != values))
            out[z] = kept.astype(dtype)
            continue
        whole = np.rint((values.astype(np.float64) - intercept) / slope)
        outside = (whole < low) | (whole > high)
        clipped += int(np.count_nonzero(outside))
        # float64(2**63 - 1) is 2**63, which no int64 holds: the ends are set as integers.
        out[z] = np.where(outside, 0, whole).astype(dtype)
        out[z][whole < low] = low
        out[z][whole > high] = high
    return out, clipped


def storage_of(volume: Volume, *, can_rescale: bool) -> tuple[np.dtype[Any], float, float]:
    """Choose the type, slope and intercept a volume is written with.

    The type of the source is kept. Where the file format has no slope and intercept (NRRD, MetaImage), or the
    source was DICOM with whole ones, the real values themselves are written, in an integer type that holds
    them: every reader understands int16 HU, not every reader applies an intercept.

    Parameters
    ----------
    volume : the volume to write, denoised or not.
    can_rescale : whether the file format has a slope and an intercept.
    """
    source, data = volume.source, volume.data
    stored: np.dtype[Any] = np.dtype(source.stored_dtype)
    own: np.dtype[Any] = data.dtype.newbyteorder("=")
    if own.kind == "b" or (own.kind == "f" and own.itemsize == 2):  # no file format has these
        own = np.dtype("uint8" if own.kind == "b" else "float32")
    if stored.kind not in "iu":
        keeps_own = own.kind in "iu" or source.format == "memory"
        return (own if keeps_own else np.dtype(stored.newbyteorder("="))), 1.0, 0.0
    stored = np.dtype(stored.newbyteorder("="))
    slope, intercept = source.slope, source.intercept
    if slope in (0.0, 1.0) and intercept == 0:
        return stored, 1.0, 0.0
    if can_rescale and (source.format == "nifti" or not is_integral(slope, intercept)):
        return stored, slope, intercept
    if is_integral(slope, intercept):
        return smallest_integer_type(float(data.min()), float(data.max())), 1.0, 0.0
    return np.dtype("float32"), 1.0, 0.0
