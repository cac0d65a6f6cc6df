"""Find voxels outside the field of view: constants the scanner filled in, which are no measurement.

They are left as they are by a denoiser and stay out of every statistic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quietvoxel.volume import Modality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quietvoxel.volume import Volume

IMPOSSIBLE_HU = -1500.0
"""No tissue and no air has so low a value, and reconstructions clip at -1000 or -1024."""
ENOUGH = 0.005
"""Smallest share of the voxels that is taken as padding."""
_GROWTH = 16  # pixels


def padding_mask(volume: Volume) -> NDArray[np.bool_] | None:
    """Find voxels that were filled in, or None if there are none to speak of.

    In CT these have the lowest value of the volume if that is -1500 HU or less, or the padding value that the
    file states; one in the range of real values (-1024 HU) counts only in one piece with the edge of the
    slice, as the corners around a round field of view are. In MR they are areas of exact zeros; single
    zeros are noise.

    Returns
    -------
    Boolean (z, y, x), or None.
    """
    data = volume.data
    if data.size == 0:
        return None
    stated = volume.source.metadata.get("padding_value")
    mask = np.zeros(data.shape, np.bool_)
    if volume.modality is Modality.CT:
        low = float(data.min())
        if low <= IMPOSSIBLE_HU:
            mask |= data == low
        if stated is not None:
            own = data == stated
            mask |= own if stated <= IMPOSSIBLE_HU else _reaching_the_edge(own)
    elif volume.modality is Modality.MR:
        mask |= _areas(data == 0)
    elif stated is not None:
        mask |= _areas(data == stated)
    return mask if np.count_nonzero(mask) >= ENOUGH * mask.size else None


def _reaching_the_edge(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep what is reached in a straight line along a row or column from the edge of its slice."""
    out = np.zeros_like(mask)
    for axis in (1, 2):
        out |= np.logical_and.accumulate(mask, axis=axis)
        out |= np.flip(np.logical_and.accumulate(np.flip(mask, axis), axis=axis), axis)
    return out


def _areas(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep areas into which a square of 3 x 3 pixels fits, with their rims, in each slice."""
    core = mask.copy()
    for axis in (1, 2):
        core = core & _shifted(core, axis, 1, edge=True) & _shifted(core, axis, -1, edge=True)
    for _ in range(_GROWTH):  # into rims and tips thinner than the square
        before = np.count_nonzero(core)
        for axis in (1, 2):
            core = (core | _shifted(core, axis, 1, edge=False) | _shifted(core, axis, -1, edge=False)) & mask
        if np.count_nonzero(core) == before:
            break
    return core


def _shifted(mask: NDArray[np.bool_], axis: int, by: int, *, edge: bool) -> NDArray[np.bool_]:
    out = np.roll(mask, by, axis)
    last: list[slice | int] = [slice(None)] * mask.ndim
    last[axis] = 0 if by > 0 else -1
    out[tuple(last)] = edge
    return out
