"""CT dose reduction by noise insertion: the noise of a lower dose is made and added, the image is left alone.

What the scan lacks of the noise of a lower dose has, in the log-projections, the variance

    e^p / I0 (1/a - 1)  +  E e^{2p} / I0^2 (1/a^2 - 1)

(see `ct_scanner`). Both terms keep their shape at every dose: one pair of noise images serves them all. A
second reduction starts from the dose that the first one left (`reference_dose`); together they have the
variance of one at the product of the doses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from quietvoxel.degradation.ct_geometry import ParallelBeam
from quietvoxel.degradation.ct_kernel import BODY_KERNEL
from quietvoxel.degradation.ct_projector import CTProjector
from quietvoxel.degradation.ct_scanner import (
    MU_WATER,
    Scanner,
    attenuation,
    dose_fraction,
    log_variance,
)
from quietvoxel.degradation.ct_tissue import soft_tissue_sd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from quietvoxel.degradation.ct_geometry import BeamGeometry
    from quietvoxel.degradation.ct_kernel import Kernel

__all__ = ["NoiseUnit", "degrade_ct", "insert_noise", "path_lengths", "unit_noise"]

PADDING_BELOW_HU = -1025.0


@dataclass(frozen=True)
class NoiseUnit:
    """Noise images in HU that stand for every dose.

    At the dose fraction a the inserted noise is `quantum * sqrt(1/a - 1) + electronic * sqrt(1/a^2 - 1)`.

    Attributes
    ----------
    quantum : (B, R, H, W) photon noise of the scan at half its dose, R realisations.
    electronic : (B, R, H, W) electronic noise, independent of the photon noise.
    """

    quantum: Tensor
    electronic: Tensor

    def at(self, dose: Tensor | float, reference_dose: Tensor | float = 1.0) -> Tensor:
        """Noise in HU that takes a scan from `reference_dose` to `dose * reference_dose`, numbers or (B,)."""
        a = _per_sample(dose, self.quantum)
        a0 = _per_sample(reference_dose, self.quantum)
        return self.quantum * torch.sqrt((1 / a - 1) / a0) + self.electronic * (
            torch.sqrt(1 / (a * a) - 1) / a0
        )

    def matched(self, hu: Tensor, sd_hu: float) -> NoiseUnit:
        """Scale the unit so that half the dose inserts this SD in soft tissue.

        Half the dose adds as much noise as the scan has: `sd_hu` is the scan's own noise when it is known.

        Parameters
        ----------
        hu : (B, 1, H, W) the slices that the noise was made for, scaled together.
        sd_hu : SD in HU in eroded soft tissue.
        """
        half_dose = self.at(0.5)
        scale = sd_hu / soft_tissue_sd(half_dose, hu.expand_as(half_dose))
        return NoiseUnit(self.quantum * scale, self.electronic * scale)


def _per_sample(value: Tensor | float, like: Tensor) -> Tensor:
    tensor = torch.as_tensor(value, dtype=like.dtype, device=like.device)
    return tensor.reshape(-1, 1, 1, 1)


def path_lengths(hu: Tensor, projector: CTProjector, every: int = 4) -> Tensor:
    """Line integrals of a slice on all rays of `projector`, from fewer views and cells where they suffice.

    Parameters
    ----------
    hu : (B, 1, H, W).
    projector : where the rays run.
    every : project one view in so many and interpolate between them; when this is above 1, a slice of 256
        pixels or more is projected at half its resolution.

    Returns
    -------
    (B, 1, V, D).
    """
    mu = attenuation(hu)
    views = projector.geometry.views
    if every <= 1 or views % every:
        return projector.project(mu)
    rows, columns = projector.spacing_mm
    shrink = 2 if min(hu.shape[-2:]) >= 256 and all(n % 2 == 0 for n in hu.shape[-2:]) else 1
    coarse = CTProjector(
        projector.geometry.thinned(every, shrink * projector.pitch_mm),
        (hu.shape[-2] // shrink, hu.shape[-1] // shrink),
        (rows * shrink, columns * shrink),
        oversampling=1.0,
    )
    p = coarse.project(functional.avg_pool2d(mu, shrink) if shrink > 1 else mu)
    p = torch.cat([p, projector.geometry.wrapped(p[:, :, :1])], dim=2)
    v = torch.arange(views, dtype=p.dtype, device=p.device) * (2.0 / views) - 1
    s = projector.detector(p) * (2.0 / ((coarse.cells - 1) * coarse.pitch_mm))
    grid = torch.stack([s.expand(views, -1), v[:, None].expand(-1, len(s))], dim=-1)[None]
    return functional.grid_sample(p.transpose(0, 1), grid, align_corners=True).transpose(0, 1)


def unit_noise(
    hu: Tensor,
    spacing_mm: float | tuple[float, float],
    *,
    generator: torch.Generator,
    kernel: Kernel | Sequence[Kernel] | None = None,
    geometry: BeamGeometry | None = None,
    scanner: Scanner | None = None,
    realisations: int = 1,
) -> NoiseUnit:
    """Reconstruct the noise that CT slices would have, once for all doses.

    Parameters
    ----------
    hu : (B, 1, H, W) slices in HU; they set how much each ray is attenuated.
    spacing_mm : pixel spacing, one number or (row, column).
    generator : source of randomness, on the device of `hu`; quantum noise is drawn before electronic.
    kernel : one reconstruction kernel, or one for each of the B; `BODY_KERNEL` when not given.
    geometry : the beam; 600 parallel views when not given.
    scanner : photons and electronic noise of 600 views; another number of views shares them.
    realisations : R, independent noise images for each slice.

    Returns
    -------
    Noise images in HU, (B, R, H, W) each.
    """
    geometry = geometry or ParallelBeam()
    scanner = (scanner or Scanner()).shared_among(geometry.views)
    projector = CTProjector(geometry, (hu.shape[-2], hu.shape[-1]), spacing_mm)
    with torch.no_grad():
        quantum, electronic = log_variance(path_lengths(hu, projector), scanner)
        sd = torch.cat(
            [quantum.expand(-1, realisations, -1, -1), electronic.expand(-1, realisations, -1, -1)], 1
        )
        white = torch.randn(sd.shape, generator=generator, dtype=hu.dtype, device=hu.device)
        noise = projector.fbp(white.mul_(sd.sqrt_()), kernel or BODY_KERNEL) * (1000.0 / MU_WATER)
    return NoiseUnit(noise[:, :realisations], noise[:, realisations:])


def degrade_ct(
    hu: Tensor,
    delta: Tensor | float,
    noise: NoiseUnit,
    *,
    reference_dose: Tensor | float = 1.0,
    scanner: Scanner | None = None,
) -> Tensor:
    """Lower the dose of CT slices by exp(-5 delta).

    Parameters
    ----------
    hu : (B, 1, H, W) in HU.
    delta : step size, one number or (B,); 0 returns the slice bit for bit.
    noise : unit noise of these slices, with one realisation, from `unit_noise` or a `NoiseBank`.
    reference_dose : dose fraction that `hu` was already brought to, one number or (B,).
    scanner : whose tube-current floor holds.

    Returns
    -------
    (B, 1, H, W) in HU. Padding below -1025 HU stays as it is.
    """
    dose = dose_fraction(torch.as_tensor(delta, dtype=hu.dtype, device=hu.device), scanner)
    return _add(hu, noise.at(dose, reference_dose), keep=_per_sample(dose, hu) == 1)


def insert_noise(hu: Tensor, noise: Tensor, sigma_hu: float) -> Tensor:
    """Add noise images at the strength that gives an SD of `sigma_hu` in the soft tissue of these slices.

    Parameters
    ----------
    hu : (B, 1, H, W) slices in HU, scaled together.
    noise : (B, 1, H, W) noise of any strength, such as `NoiseUnit.quantum`.
    sigma_hu : the SD to reach in eroded soft tissue (0 to 120 HU).

    Returns
    -------
    (B, 1, H, W) in HU. Padding below -1025 HU stays as it is.
    """
    scale = sigma_hu / soft_tissue_sd(noise, hu)
    return _add(hu, noise * scale, keep=torch.tensor(sigma_hu == 0, device=hu.device))


def _add(hu: Tensor, noise: Tensor, keep: Tensor) -> Tensor:
    return torch.where(keep | (hu < PADDING_BELOW_HU), hu, hu + noise)
