"""How dose becomes noise on the detector: attenuation, photons, electronics.

The scan at hand is taken to be one of dose 1: a ray of line integral p brings I0 exp(-p) photons, with
Poisson noise, and the detector adds electronic noise of variance E photons^2. To first order the
log-projection at the dose fraction a then has the variance e^p / (a I0) + E e^{2p} / (a I0)^2. Dose and time
are tied by a = exp(-5 delta) (Liu et al., RelativeFlow, 2026).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from quietvoxel.degradation.noise_time import DOSE_EXPONENT

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["MU_WATER", "Scanner", "attenuation", "dose_fraction", "log_variance"]

MU_WATER = 0.02
"""Attenuation of water in 1/mm, at about 70 keV."""


@dataclass(frozen=True)
class Scanner:
    """What sets the noise of the scan that is degraded, at dose fraction 1.

    Attributes
    ----------
    photons : photons per ray and view without an object, I0, for 600 views.
    electronic_variance : variance of the electronic noise, photons^2.
    min_photons : no ray brings fewer photons than this; keeps the first-order variance finite in shadows.
    min_dose_fraction : floor of the tube current; no dose fraction goes below.
    """

    photons: float = 1e6
    electronic_variance: float = 100.0
    min_photons: float = 10.0
    min_dose_fraction: float = 0.005

    def shared_among(self, views: int) -> Scanner:
        """Give the scanner that spreads the photons of 600 views over this many: the image is as noisy."""
        share = 600 / views
        return replace(
            self,
            photons=self.photons * share,
            electronic_variance=self.electronic_variance * share,
            min_photons=self.min_photons * share,
        )


def dose_fraction(delta: Tensor | float, scanner: Scanner | None = None) -> Tensor:
    """Dose fraction exp(-5 delta), not below the tube-current floor of the scanner."""
    floor = (scanner or Scanner()).min_dose_fraction
    return torch.exp(-DOSE_EXPONENT * torch.as_tensor(delta)).clamp(min=floor)


def attenuation(hu: Tensor) -> Tensor:
    """Attenuation in 1/mm of HU, clipped to air and 3071 HU; padding counts as air."""
    return MU_WATER * (hu.clamp(-1000.0, 3071.0) / 1000.0 + 1.0)


def log_variance(p: Tensor, scanner: Scanner) -> tuple[Tensor, Tensor]:
    """Variance of the log-projection at dose 1: photon and electronic part, both shaped like `p`."""
    photons = (scanner.photons * torch.exp(-p)).clamp(min=scanner.min_photons)
    return 1 / photons, scanner.electronic_variance / (photons * photons)
