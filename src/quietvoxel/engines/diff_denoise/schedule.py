"""The diffusion's schedule, and the step at which sampling has to start so that it removes the right amount of noise.

Derivations are in docs/diffdenoise.md. Time runs from 0 (the image) to `times` (pure noise); between whole steps the
logarithm of the signal is interpolated, so that sampling may start and stop anywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Schedule:
    """X_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) eps (Ho et al., DDPM, 2020; Nichol and Dhariwal, 2021).

    Attributes
    ----------
    kind : linear beta from 1e-4 to 0.02 (for 1000 times, scaled for others), or the cosine of improved DDPM.
    times : T.
    """

    kind: Literal["linear", "cosine"] = "linear"
    times: int = 1000

    def levels(self, t: float) -> tuple[float, float]:
        """Signal sqrt(abar) and noise sqrt(1 - abar) at a time between 0 and `times`."""
        table = _log_signal(self.kind, self.times)
        log_signal = float(np.interp(t, np.arange(self.times + 1), table))
        return math.exp(0.5 * log_signal), math.sqrt(-math.expm1(log_signal))

    def walk(self, start: float, steps: int) -> tuple[float, ...]:
        """Times from `start` to 0 in equal steps, both ends included."""
        return tuple(start * (steps - k) / steps for k in range(steps + 1))

    def weight(self, start: float, steps: int, variance: float) -> float:
        """What share of x_0 - E[x_0] DDIM leaves of it, started at a noised copy of x_0 (docs/diffdenoise.md).

        Exact for a Gaussian x_0 of this variance and the best possible network: with u = X - sqrt(abar) E[x_0], a DDIM
        step from (a, b) to (a', b') multiplies u by (a a' v + b b') / (a^2 v + b^2).
        """
        walk = [self.levels(t) for t in self.walk(start, steps)]
        found = walk[0][0]
        for (a, b), (a_next, b_next) in pairwise(walk):
            found *= (a * a_next * variance + b * b_next) / (a * a * variance + b * b)
        return found

    def matched_start(self, weight: float, steps: int, variance: float) -> float:
        """The time at which sampling has to start so that it leaves this share of x_0 - E[x_0].

        Parameters
        ----------
        weight : between 0 (pure noise does that) and 1 (no sampling at all).
        steps : of DDIM.
        variance : of x_0 given the condition.
        """
        low, high = 0.0, float(self.times)
        for _ in range(40):
            middle = 0.5 * (low + high)
            if self.weight(middle, steps, variance) > weight:
                low = middle
            else:
                high = middle
        return 0.5 * (low + high)


@lru_cache(maxsize=8)
def _log_signal(kind: str, times: int) -> np.ndarray:
    """log(abar) at the times 0 (which is 0), 1, ..., `times`."""
    if kind == "linear":
        scale = 1000.0 / times
        beta = np.linspace(1e-4 * scale, 0.02 * scale, times)
    else:
        signal = np.cos((np.arange(times + 1) / times + 0.008) / 1.008 * np.pi / 2) ** 2
        beta = 1.0 - signal[1:] / signal[:-1]
    return np.concatenate([[0.0], np.cumsum(np.log1p(-np.clip(beta, 0.0, 0.999)))])


def matched_weight(sigma: float, variance: float, power: float) -> float:
    """The share of y - c to keep: (tau^2 / (tau^2 + sigma^2))^power, tau^2 = var(y - c) - sigma^2.

    With power 1 the estimator c + w (y - c) is the best linear one; 0 keeps everything. A share below 0.02, or above
    0.999, is not told from these.

    Parameters
    ----------
    sigma : of the noise in y.
    variance : of y - c.
    power : degradation strength.
    """
    share = 1.0 - sigma**2 / max(variance, 1e-12)
    return float(min(max(share, 0.02) ** power, 0.999))
