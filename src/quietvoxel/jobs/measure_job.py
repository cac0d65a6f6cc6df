"""Find out about a volume what every preview and run of it needs: noise level, intensity scale, padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quietvoxel.inference.statistics import VolumeStatistics
    from quietvoxel.jobs.job import JobContext
    from quietvoxel.volume import Volume

SAMPLED_SLICES = 5
WHITE_NOISE_HALVED = 0.5


@dataclass(frozen=True)
class Measured:
    """What was found.

    Attributes
    ----------
    statistics : of the volume; its noise is the estimated one.
    axis : array axis of the slices, where the user leaves the choice to us.
    halved_noise : noise at half the in-plane resolution, as a share of the noise; a draft needs it.
    """

    statistics: VolumeStatistics
    axis: int
    halved_noise: float


@dataclass(frozen=True, eq=False)
class MeasureJob:
    """Measure a volume once; a front-end keeps the result with the volume.

    Attributes
    ----------
    volume : what to measure.
    """

    volume: Volume

    def run(self, _context: JobContext) -> Measured:
        """Measure, too quickly to be cancelled in the middle; see `quietvoxel.inference.measure` for what is raised."""
        from quietvoxel.inference.slabs import slice_axis
        from quietvoxel.inference.statistics import measure

        statistics = measure(self.volume)
        axis = slice_axis(self.volume)
        return Measured(statistics, axis, _halved_noise(np.moveaxis(self.volume.data, axis, 0)))


def halved(image: NDArray[Any]) -> NDArray[np.float32]:
    """Means of 2 x 2 pixels of (..., H, W); an odd last row or column is left out."""
    height, width = (length // 2 * 2 for length in image.shape[-2:])
    even = np.asarray(image[..., :height, :width], dtype=np.float32)
    rows = even[..., 0::2, :] + even[..., 1::2, :]
    return np.asarray((rows[..., 0::2] + rows[..., 1::2]) * np.float32(0.25))


def _halved_noise(data: NDArray[Any]) -> float:
    """How much of the noise is left by `halved`: a half of white noise, more of blotchy noise.

    `data` is (slices, H, W).

    Differences between neighbouring slices hold little anatomy, so that their spread is that of the noise.
    """
    if len(data) < 2 or min(data.shape[1:]) < 4:
        return WHITE_NOISE_HALVED
    places = np.linspace(0, len(data) - 2, min(SAMPLED_SLICES, len(data) - 1)).astype(int)
    ratios = []
    for place in places:
        difference = data[place + 1].astype(np.float32) - data[place].astype(np.float32)
        whole = float(np.median(np.abs(difference - np.median(difference))))
        half = halved(difference)
        part = float(np.median(np.abs(half - np.median(half))))
        if whole > 0:
            ratios.append(part / whole)
    return float(np.clip(np.median(ratios), 0.25, 1.0)) if ratios else WHITE_NOISE_HALVED
