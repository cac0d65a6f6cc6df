"""Middle slices of noise-free images, made noisy and denoised by an engine, scored against the truth (MR, range 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from standard_points import add_rician

from quietvoxel.engines.contract import EngineContext
from quietvoxel.training.references import MAX_SPACING_RATIO

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from truth_images import TruthImage

    from quietvoxel.engines.contract import Engine

LEVELS = (0.03, 0.06, 0.10)
SIGNAL = 0.08
"""Scores are taken where the truth is brighter than this."""


@dataclass(frozen=True)
class TruthPoint:
    """One noisy stack, and the slices of it that are scored.

    Attributes
    ----------
    image : the noise-free stack.
    level : standard deviation of the Rician noise.
    noisy : (z, y, x).
    slices : that are denoised and scored.
    """

    image: TruthImage
    level: float
    noisy: NDArray[np.float32]
    slices: slice

    @property
    def name(self) -> str:
        """Image and level, the key of a score."""
        return f"{self.image.name}@{self.level:g}"

    @property
    def truth(self) -> NDArray[np.float32]:
        """(slices, y, x)."""
        return self.image.data[self.slices]

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(slices, y, x), where there is signal."""
        return self.truth > SIGNAL

    def denoised(self, engine: Engine, settings: Any) -> NDArray[np.float32]:
        """(slices, y, x) as an engine gives them, in one batch, in bfloat16 on the processor."""
        halo = engine.halo(settings)
        slabs = [slab_of(self.noisy, z, halo) for z in range(self.slices.start, self.slices.stop)]
        ratio = min(self.image.spacing_ratio, MAX_SPACING_RATIO)
        context = EngineContext(self.level, ratio, torch.device("cpu"), torch.bfloat16)
        return engine.denoise(torch.cat(slabs), settings, context).image[:, 0].numpy()

    def psnr(self, image: NDArray[np.float32]) -> float:
        """PSNR in dB of denoised slices."""
        return psnr(image, self.truth, self.mask)

    def distance(self, other: TruthPoint) -> float:
        """RMS between this point's noisy slices and those of another level of noise."""
        return rms(self.noisy[self.slices] - other.noisy[other.slices], self.mask)


def truth_points(image: TruthImage, slices: int, levels: Sequence[float] = LEVELS) -> Iterator[TruthPoint]:
    """The middle slices of an image, level by level."""
    start = len(image.data) // 2 - slices // 2
    for level in levels:
        yield TruthPoint(image, level, add_rician(image.data, level), slice(start, start + slices))


def slab_of(stack: NDArray[np.float32], z: int, halo: int) -> torch.Tensor:
    """A slice with its neighbours (1, 2 halo + 1, H, W); a neighbour that is not there is all zeros."""
    out = np.zeros((1, 2 * halo + 1, *stack.shape[1:]), np.float32)
    for place, k in enumerate(range(z - halo, z + halo + 1)):
        if 0 <= k < len(stack):
            out[0, place] = stack[k]
    return torch.from_numpy(out)


def psnr(image: NDArray[Any], truth: NDArray[Any], mask: NDArray[np.bool_], data_range: float = 1.0) -> float:
    """PSNR in dB inside a mask."""
    error = np.mean(np.square(image - truth)[mask], dtype=np.float64)
    return round(float(10 * np.log10(data_range**2 / error)), 3)


def rms(difference: NDArray[Any], mask: NDArray[np.bool_]) -> float:
    """Root of the mean square inside a mask."""
    return float(np.sqrt(np.square(difference)[mask].mean()))
