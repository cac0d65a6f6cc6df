"""Whether what a network removed has a pattern of a few pixels, as networks on blocks of pixels leave them."""

from __future__ import annotations

from itertools import product

import numpy as np


def chequer_excess(residual: np.ndarray, period: int, side: int = 64) -> float:
    """Greatest power at a frequency of a pattern of this period, over the mean of the frequencies around it."""
    window = np.outer(np.hanning(side), np.hanning(side))
    corners = product(*(range(0, n - side + 1, side // 2) for n in residual.shape))
    power = np.zeros((side, side))
    for top, left in corners:
        patch = residual[top : top + side, left : left + side]
        power += np.abs(np.fft.fft2((patch - patch.mean()) * window)) ** 2
    excess = []
    for place in product(range(0, side, side // period), repeat=2):
        if any(place):
            around = np.roll(power, [6 - p for p in place], (0, 1))[:13, :13]
            at = around[5:8, 5:8]
            excess.append(at.mean() / ((around.sum() - around[4:9, 4:9].sum()) / (169 - 25)))
    return float(max(excess))
