"""What a volume must be before anything is computed from it; each failure is one sentence to the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SMALLEST_SIDE = 16
"""Pixels; a network sees no structure in less."""


def check_size(path: Path, shape: Sequence[int]) -> None:
    """Refuse what has no voxels or is too small in-plane.

    Parameters
    ----------
    path : the file, for the message.
    shape : (z, y, x).

    Raises
    ------
    BadInputError
        If a side is 0, or an in-plane side is under 16 pixels.
    """
    rows, columns = shape[-2:]
    if 0 in shape:
        msg = f"{path} is empty ({_sides(shape)} voxels); export the image again."
        raise BadInputError(msg)
    if min(rows, columns) < SMALLEST_SIDE:
        msg = (
            f"{path} has slices of {columns} x {rows} pixels, and at least "
            f"{SMALLEST_SIDE} x {SMALLEST_SIDE} are needed; use an image that was not cropped so far."
        )
        raise BadInputError(msg)


def check_values(path: Path, data: NDArray[Any], fill_nonfinite: float | None) -> tuple[NDArray[Any], int]:
    """Refuse NaN, infinity and constant images; replace the former where that was asked for.

    Returns
    -------
    The voxels, and how many were replaced.

    Raises
    ------
    BadInputError
        If voxels are not finite and `fill_nonfinite` is None or not finite itself, or all voxels are equal.
    """
    replaced = 0
    if data.dtype.kind == "f":
        finite = np.isfinite(data)
        replaced = int(data.size - np.count_nonzero(finite))
        if replaced and fill_nonfinite is None:
            msg = (
                f"{path} has {replaced} of {data.size} voxels that are NaN or infinite; "
                f"give fill_nonfinite (--fill-nonfinite) the value that shall replace them."
            )
            raise BadInputError(msg)
        if replaced:
            fill = np.float64(fill_nonfinite if fill_nonfinite is not None else 0.0)
            if not np.isfinite(fill):
                msg = f"fill_nonfinite must be a finite number, not {fill}; nothing in {path} was replaced."
                raise BadInputError(msg)
            data = np.where(finite, data, fill.astype(data.dtype))
    if data.min() == data.max():
        msg = f"{path} is constant (every voxel is {data.flat[0]:g}); there is no image in it to denoise."
        raise BadInputError(msg)
    return data, replaced


def pick_frame(path: Path, count: int, frame: int | None, what: str = "frames") -> int:
    """Find the index of the 3-D image that is wanted out of `count`.

    Raises
    ------
    BadInputError
        If there are several and none was picked, or the picked one does not exist.
    """
    if frame is None:
        if count == 1:
            return 0
        msg = (
            f"{path} is 4-D with {count} {what}, and one volume is read at a time; "
            f"pick one with frame=0 to {count - 1} (--frame)."
        )
        raise BadInputError(msg)
    if not 0 <= frame < count:
        have = f"{count} {what} (0 to {count - 1})" if count > 1 else "a single image (frame 0)"
        msg = f"{path} has {have}, so there is no frame {frame}; pick another one or none."
        raise BadInputError(msg)
    return frame


def colour_error(path: Path) -> BadInputError:
    """Make the error for RGB and other colour images."""
    return BadInputError(
        f"{path} is a colour image (RGB), and only grey values can be denoised; "
        "use the original CT or MR image."
    )


def damaged_error(path: Path, how: str) -> BadInputError:
    """Make the error for a file that contradicts itself; `how` is a clause without its subject."""
    return BadInputError(f"{path} is damaged: it {how}; copy or export it again.")


def _sides(shape: Sequence[int]) -> str:
    return " x ".join(str(n) for n in reversed(shape))
