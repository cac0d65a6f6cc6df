"""Sample data that needs no download: noisy phantoms, drawn when asked for, with their truth beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from quietvoxel.jobs.job import JobContext
    from quietvoxel.volume import Volume

CT_SHAPE, CT_SPACING = (24, 256, 256), (3.0, 1.4, 1.4)
CT_NOISE_HU = 25.0
MR_SHAPE, MR_SPACING = (24, 224, 192), (5.0, 1.0, 1.0)
MR_NOISE = 0.06
"""SD of the noise as a share of the brightest tissue."""


@dataclass(frozen=True, eq=False)
class Sample:
    """A noisy phantom and the same without noise."""

    noisy: Volume
    truth: Volume


@dataclass(frozen=True)
class SampleJob:
    """A CT of chest and abdomen with the noise of a low dose, or a T1 image of a head with Rician noise."""

    modality: Literal["CT", "MR"]

    def run(self, context: JobContext) -> Sample:  # noqa: ARG002  # takes a few seconds
        """Draw it."""
        return draw_sample(self.modality)


def draw_sample(modality: str) -> Sample:
    """Draw the sample of a modality, "CT" or "MR"."""
    from quietvoxel.inference.simulate import simulate
    from quietvoxel.phantoms import ct_phantom, mr_phantom

    if modality == "CT":
        truth = ct_phantom(CT_SHAPE, CT_SPACING, seed=7)
        sigma = CT_NOISE_HU
    else:
        truth = mr_phantom(MR_SHAPE, MR_SPACING, seed=7)
        sigma = MR_NOISE * float(truth.data.max())
    return Sample(simulate(truth, sigma=sigma, seed=7).volume, truth)
