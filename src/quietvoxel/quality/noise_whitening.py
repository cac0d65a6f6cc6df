"""Filters that make correlated noise white, found from the noise itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from quietvoxel.quality.noise_scores import NoiseScores

#: Side of the squares whose power spectra are taken, pixels; smaller in smaller images.
SQUARE = 32
#: Frequencies with less power than this share of the strongest are not amplified further.
FLOOR = 0.02


def radial_power(noise: NoiseScores, check: Callable[[], None] = lambda: None) -> NDArray[np.float64]:
    """Power by spatial frequency 0, 1/n, 2/n … cycles per pixel, as the median over squares of n pixels.

    A median, because the few squares that hold an erased structure must not count: its bias for the power of
    Gaussian noise, ln 2, is divided out.
    """
    depth, height, width = noise.scores.shape
    side = min(SQUARE, height, width)
    step = max(1, side // 2)
    window = np.hanning(side + 2)[1:-1]
    taper = np.outer(window, window)
    taper /= np.sqrt((taper**2).mean())
    stride = max(1, depth // 24)
    powers = []
    for scores, valid in zip(noise.scores[::stride], noise.valid[::stride], strict=True):
        check()
        for y in range(0, height - side + 1, step):
            for x in range(0, width - side + 1, step):
                square = (slice(y, y + side), slice(x, x + side))
                if valid[square].mean() > 0.9:
                    powers.append(np.abs(fft.fft2(scores[square] * taper)) ** 2 / side**2)
    if not powers:
        return np.ones(side // 2 + 1)
    power = np.median(np.asarray(powers), axis=0) / np.log(2)
    frequency = fft.fftfreq(side)
    ring = np.rint(np.hypot(frequency[:, None], frequency) * side).astype(int)
    radial = np.bincount(ring.ravel(), power.ravel()) / np.bincount(ring.ravel())
    return np.asarray(np.maximum(radial, FLOOR * radial.max() or 1.0), dtype=np.float64)


@dataclass(frozen=True)
class Whitener:
    """Fourier transforms of slices, and the filter that whitens noise in them.

    Attributes
    ----------
    height, width : of a slice.
    padded : shape of the transforms; room for the filters to reach over the rim.
    gain : (padded y, half x) one over the root of the noise's power.
    """

    height: int
    width: int
    padded: tuple[int, int]
    gain: NDArray[np.float32]

    @classmethod
    def of(cls, power: NDArray[np.float64], height: int, width: int, margin: int) -> Whitener:
        """Make a whitener of a radial power that begins at frequency 0 and steps by 1/n, n its square's side."""
        side = min(SQUARE, height, width)
        rows = fft.next_fast_len(height + margin, real=True)
        columns = fft.next_fast_len(width + margin, real=True)
        radius = np.hypot(fft.fftfreq(rows)[:, None], fft.rfftfreq(columns)) * side
        gain = 1.0 / np.sqrt(np.interp(radius, np.arange(len(power)), power))
        return cls(height, width, (rows, columns), gain.astype(np.float32))

    def forward(self, plane: NDArray[np.float32]) -> NDArray[np.complex64]:
        """Transform of a slice."""
        return np.asarray(fft.rfft2(plane, self.padded))

    def back(self, transform: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Slice of a transform."""
        return np.asarray(fft.irfft2(transform, self.padded)[: self.height, : self.width])

    def whiten(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        """Slice whose noise is white, if the noise of `plane` had the power."""
        return self.back(self.forward(plane) * self.gain)
