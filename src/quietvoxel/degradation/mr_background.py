"""Noise of a magnitude MR from its background, where the magnitude of mere noise is Rayleigh distributed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from quietvoxel.degradation.patch_sd import lower_mode

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Side of a block, pixels.
BLOCK = 8

#: A block with more exact zeros than this was zeroed, at least in part; fewer are noise rounded to integers.
ZEROED = 0.3

#: Standard deviation over mean of a Rayleigh variable is 0.523; a block of 64 scatters by about 0.05.
RAYLEIGH_RATIO = (0.38, 0.68)

LEAST_BLOCKS = 30

#: Background that is left beside a zeroed one is at least this share of it.
LEFT_OVER = 0.25


@dataclass(frozen=True)
class Background:
    """What the dark parts of an MR say.

    Attributes
    ----------
    sigma : of the real part, in the image's unit; 0 when no block looks like background.
    blocks : how many blocks of 8 x 8 it rests on.
    rayleigh : whether mean, median and root mean square tell the same sigma.
    zeroed_share : of the image that is exactly zero, or left out, in whole blocks.
    dark_share : of the image that is dark without being zero.
    """

    sigma: float
    blocks: int
    rayleigh: bool
    zeroed_share: float
    dark_share: float


def background_noise(slices: NDArray[np.float32], allowed: NDArray[np.bool_], bright: float) -> Background:
    """Read the noise of the quietest blocks without signal; ghosts are brighter and stay out.

    Parameters
    ----------
    slices, allowed : (z, y, x) magnitude and where it may be used.
    bright : a level of tissue; blocks above half of it cannot be background.

    Notes
    -----
    With sigma of the real part, a Rayleigh variable m has mean sigma sqrt(pi/2), median sigma sqrt(2 ln 2)
    and E m² = 2 sigma² (Gudbjartsson and Patz, Magn. Reson. Med. 34 (1995) 910).
    """
    rows, columns = (n // BLOCK for n in slices.shape[-2:])
    shape = (len(slices), rows, BLOCK, columns, BLOCK)

    def blocks(values: NDArray[np.generic]) -> NDArray[np.generic]:
        cut = values[:, : rows * BLOCK, : columns * BLOCK].reshape(shape)
        return cut.transpose(0, 1, 3, 2, 4).reshape(-1, BLOCK * BLOCK)

    usable = blocks(allowed)
    inside = usable.all(axis=1)
    left_out = int(np.count_nonzero(~usable.any(axis=1)))  # MR padding: zeros that somebody found before
    values = np.asarray(blocks(slices)[inside], dtype=np.float64)
    if len(values) == 0:
        return Background(0.0, 0, False, 0.0, 0.0)
    zeros = (values == 0).mean(axis=1)
    mean, sd = values.mean(axis=1), values.std(axis=1)
    dark = (zeros <= ZEROED) & (mean > 0) & (mean < bright / 2)
    zeroed = left_out + int((zeros == 1).sum())
    zeroed_share, dark_share = (float(n) / (left_out + len(values)) for n in (zeroed, dark.sum()))
    ratio = sd / np.maximum(mean, 1e-30)
    candidates = values[dark & (ratio > RAYLEIGH_RATIO[0]) & (ratio < RAYLEIGH_RATIO[1])]
    if len(candidates) < LEAST_BLOCKS:
        return Background(0.0, len(candidates), False, zeroed_share, dark_share)
    level = np.sqrt(0.5 * (candidates**2).mean(axis=1))
    mode, _ = lower_mode(level, overlap=1.0, least_peak=0.3)
    quiet = candidates[np.abs(np.log(level / mode)) < 0.2]
    root = math.sqrt(0.5 * float((quiet**2).mean()))
    by_mean = float(quiet.mean()) / math.sqrt(0.5 * math.pi)
    by_median = float(np.median(quiet)) / math.sqrt(2 * math.log(2))
    agree = abs(by_mean / root - 1) < 0.03 and abs(by_median / root - 1) < 0.05
    # Chance gives dark tissue the same ratio here and there; background is most of what is dark, or a lot.
    # Where the background was zeroed, only tissue and edges are left to look like it.
    enough = len(quiet) >= max(LEAST_BLOCKS, 0.15 * int(dark.sum()), LEFT_OVER * zeroed)
    return Background(root, len(quiet), agree and enough, zeroed_share, dark_share)
