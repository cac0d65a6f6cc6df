"""The table of region statistics that every viewer shows: before, after, change, in the same words and figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class MeasuredRegion:
    """A region and the voxels about it.

    Attributes
    ----------
    number : from 1, as the user drew them.
    before, after, mask : arrays of one shape.
    """

    number: int
    before: NDArray[Any]
    after: NDArray[Any]
    mask: NDArray[np.bool_]


@dataclass(frozen=True)
class RegionRow:
    """One row of the table: a figure of A and of B."""

    name: str
    before: float
    after: float

    @property
    def change(self) -> float:
        """Relative change, or NaN where there was nothing."""
        return self.after / self.before - 1 if self.before else float("nan")

    @property
    def texts(self) -> tuple[str, str, str, str]:
        """Name, A, B and change, as the table shows them."""
        return (self.name, figure(self.before), figure(self.after), percent(self.change))


def region_rows(regions: Sequence[MeasuredRegion]) -> list[RegionRow]:
    """Mean, SD and SNR of every region, and the CNR of each against the second one.

    Raises
    ------
    BadInputError
        If a region is too small.
    """
    from quietvoxel.quality import contrast_to_noise, region_statistics

    figures = [
        [region_statistics(image, region.mask) for image in (region.before, region.after)]
        for region in regions
    ]
    rows: list[RegionRow] = []
    for region, (before, after) in zip(regions, figures, strict=True):
        rows += [
            RegionRow(f"{region.number}  mean", before.mean, after.mean),
            RegionRow(f"{region.number}  SD", before.sd, after.sd),
            RegionRow(f"{region.number}  SNR", before.snr, after.snr),
        ]
    if len(figures) > 1:
        background = figures[1]
        for region, pair in zip(regions, figures, strict=True):
            if pair is background:
                continue
            values = [contrast_to_noise(one, back) for one, back in zip(pair, background, strict=True)]
            rows.append(RegionRow(f"{region.number} in 2  CNR", *values))
    return rows


def figure(value: float) -> str:
    """Four significant digits; "∞" for what has no noise."""
    if np.isinf(value):
        return "∞"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.3g}"


def percent(change: float) -> str:
    """Such as "−42 %"; a dash where there is nothing to relate to."""
    if not np.isfinite(change):
        return "–"
    whole = round(100 * change)
    return f"{whole:+} %".replace("-", "−") if whole else "0 %"
