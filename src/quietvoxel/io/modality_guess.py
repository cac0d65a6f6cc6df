"""Tell CT from MR by the values alone, for files that do not say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.volume import Modality

if TYPE_CHECKING:
    from numpy.typing import NDArray

_AT_MOST = 1_000_000  # voxels looked at


def guess_modality(data: NDArray[Any]) -> tuple[Modality, str]:
    """Guess what the values mean.

    CT is the one scale with a fixed zero: air at -1000 HU, fat near -100, soft tissue from 0 to 100. Values
    that are never negative, with a part of the image near zero, are a magnitude image.

    Parameters
    ----------
    data : (z, y, x), finite.

    Returns
    -------
    The modality, and the reason as a clause that follows "because".
    """
    step = max(1, data.size // _AT_MOST)
    values = np.asarray(data.reshape(-1)[::step], np.float64)
    low, high = float(data.min()), float(data.max())
    tissue = _share(values, -200, 200)
    air = _share(values, -1100, -850)
    if low <= -900 and air >= 0.002 and tissue >= 0.02:
        return Modality.CT, f"the values look like HU (from {low:g}, {air:.0%} air, {tissue:.0%} near 0)"
    # Crops without air: fat and muscle have still their two places.
    fat, muscle = _share(values, -150, -50), _share(values, 0, 100)
    if -1100 <= low < -50 and high < 4096 and fat >= 0.01 and muscle >= 0.1 and fat + muscle > 0.3:
        return Modality.CT, f"the values look like HU ({fat:.0%} fat, {muscle:.0%} soft tissue)"
    if low >= 0:
        bright = float(np.quantile(values, 0.995))
        dark = _share(values, 0, 0.1 * bright)
        if bright > 0 and dark >= 0.01:
            return Modality.MR, f"no value is negative and {dark:.0%} are near 0"
    return Modality.OTHER, f"values from {low:g} to {high:g} are typical of neither CT nor MR"


def _share(values: NDArray[np.float64], low: float, high: float) -> float:
    return float(np.count_nonzero((values >= low) & (values <= high)) / values.size)
