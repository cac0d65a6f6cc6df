"""What an estimate of noise says: the level, how it was found, and what to be careful about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Slices that are looked at; more change the estimate by less than its own error.
MOST_SLICES = 10


@dataclass(frozen=True)
class NoiseEstimate:
    """The noise of a volume.

    Attributes
    ----------
    sigma : in the units of the volume. CT: standard deviation in uniform soft tissue, HU. MR: of the real and
        of the imaginary part, before the magnitude is taken. 0 when it cannot be known.
    method : "soft tissue patches", "soft tissue differences", "body patches", "background", "tissue" or "none".
    notes : sentences for the user: what was recognised, or why nothing can be known.
    reliable : False when the level is a guess or unknown.
    variation : upper over lower quartile of the noise of the parts of the image; 1 when it is uniform or
        cannot be told.
    zero_filled : shares (y, x) of k-space that hold data, 1 for an image that was not interpolated. MR only.
    """

    sigma: float
    method: str
    notes: tuple[str, ...] = ()
    reliable: bool = True
    variation: float = 1.0
    zero_filled: tuple[float, float] = (1.0, 1.0)


def unknown(reason: str) -> NoiseEstimate:
    """Return the estimate of an image whose noise cannot be known, with the reason as one sentence."""
    return NoiseEstimate(0.0, "none", (reason,), reliable=False)


def sampled_slices(
    data: NDArray[Any], mask: NDArray[np.bool_] | None, most: int = MOST_SLICES
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Take evenly spaced slices and the part of each that may be used: in the mask and finite.

    Parameters
    ----------
    data : (z, y, x).
    mask : same shape; everywhere when None.
    most : how many slices at most; the outermost eighth on either side is left out of thick stacks.
    """
    depth = len(data)
    margin = depth // 8 if depth > most else 0
    chosen = np.unique(np.linspace(margin, depth - 1 - margin, min(most, depth)).round().astype(int))
    slices = np.ascontiguousarray(data[chosen], dtype=np.float32)
    allowed = np.isfinite(slices)
    if mask is not None:
        allowed &= mask[chosen]
    return np.where(allowed, slices, np.float32(0)), allowed
