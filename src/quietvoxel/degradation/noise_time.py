"""How degradation time and noise belong together, for each modality's own operator.

A *degradation time* t says how far an image is from its reference class: MR noise adds up in variance, CT noise in
the inverse of dose. `variance(t)` is the variance of all noise added from time 0 to t, and whoever removes the noise
between two times removes `variance(t1) - variance(t0)`. Variances are in network units (see `quietvoxel.intensity`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

RICIAN_VARIANCE_PER_TIME = 0.005
"""MR: variance that one unit of time adds to a magnitude image normalised to [0, 1] (RelativeFlow's operator)."""

DOSE_EXPONENT = 5.0
"""CT: the dose fraction after a time t is exp(-5 t) (RelativeFlow's operator)."""

CT_REFERENCE_SIGMA = 0.010
"""CT: soft-tissue noise, in units of 1000 HU, that a reference-class scan (10 HU) gains when its dose is halved."""


@dataclass(frozen=True)
class NoiseTime:
    """The law of one operator: `linear` for Rician and Gaussian noise, `dose` for CT.

    Attributes
    ----------
    law : how variance grows with time.
    scale : variance per unit time (linear), or the variance gained at half dose (dose).
    """

    law: Literal["linear", "dose"]
    scale: float

    def variance(self, t: float) -> float:
        """Variance of the noise added from time 0 to t, in network units squared."""
        return self.scale * (t if self.law == "linear" else math.expm1(DOSE_EXPONENT * t))

    def time(self, variance: float) -> float:
        """The time at which this much variance has been added; inverse of `variance`."""
        ratio = max(variance, 0.0) / self.scale
        return ratio if self.law == "linear" else math.log1p(ratio) / DOSE_EXPONENT

    def sigma_between(self, t_start: float, t_end: float) -> float:
        """Standard deviation of the noise that lies between two times, t_start <= t_end."""
        return math.sqrt(max(self.variance(t_end) - self.variance(t_start), 0.0))


RICIAN_TIME = NoiseTime("linear", RICIAN_VARIANCE_PER_TIME)
CT_TIME = NoiseTime("dose", CT_REFERENCE_SIGMA**2)


def noise_time_for(modality: str) -> NoiseTime:
    """The operator's law for "CT", and the additive one for everything else."""
    return CT_TIME if modality == "CT" else RICIAN_TIME
