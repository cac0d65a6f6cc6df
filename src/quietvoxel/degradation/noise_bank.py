"""A store of ready-made CT noise, so that lowering the dose of a training batch costs one addition."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

import torch

from quietvoxel.degradation.ct_geometry import ParallelBeam
from quietvoxel.degradation.ct_kernel import Kernel, random_kernel
from quietvoxel.degradation.ct_noise import NoiseUnit, unit_noise
from quietvoxel.degradation.ct_scanner import Scanner
from quietvoxel.degradation.ct_tissue import soft_tissue_sd

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from quietvoxel.degradation.ct_geometry import BeamGeometry

__all__ = ["NoiseBank"]


@dataclass
class NoiseBank:
    """Unit noise images of slices, several realisations of each.

    A linear mix of the realisations with weights on the unit sphere is again a realisation, so that a few
    stored images give endless ones; draws made together have orthogonal weights and are independent.

    Attributes
    ----------
    images : for each slice (2, R, H, W): quantum, electronic; in HU.
    unit_sd_hu : for each slice the SD in soft tissue of the noise inserted at half the dose.
    scanner : whose noise it is.
    """

    images: list[Tensor] = field(default_factory=list)
    unit_sd_hu: list[float] = field(default_factory=list)
    scanner: Scanner = field(default_factory=Scanner)

    @classmethod
    def build(
        cls,
        slices: Sequence[Tensor],
        spacings_mm: Sequence[float | tuple[float, float]],
        *,
        generator: torch.Generator,
        kernel: Kernel | None = None,
        geometry: BeamGeometry | None = None,
        scanner: Scanner | None = None,
        realisations: int = 3,
        sd_hu: float | Sequence[float] | None = None,
        dtype: torch.dtype = torch.float16,
        batch: int = 8,
        progress: Callable[[int, int], None] | None = None,
    ) -> NoiseBank:
        """Make the noise of a set of slices.

        Parameters
        ----------
        slices : (H, W) tensors in HU; neighbours of equal size and spacing are made together.
        spacings_mm : pixel spacing of each.
        generator : source of randomness.
        kernel : reconstruction kernel of all; drawn anew for each slice when not given (`random_kernel`).
        geometry : the beam; when not given parallel, with as many views as the size needs, 600 at most.
        scanner : as in `unit_noise`.
        realisations : stored for each slice; at least as many as draws that have to be independent.
        sd_hu : the SD in soft tissue that half the dose is to insert, for all or for each slice, such as the
            noise estimated in the scan itself. When not given the scanner's photons decide.
        dtype : of the stored images.
        batch : slices made at once.
        progress : called with (done, total).
        """
        scanner = scanner or Scanner()
        bank = cls(scanner=scanner)
        targets = [sd_hu] * len(slices) if sd_hu is None or isinstance(sd_hu, int | float) else list(sd_hu)
        order = list(range(len(slices)))
        for _, run in groupby(order, key=lambda i: (tuple(slices[i].shape), spacings_mm[i])):
            same = list(run)
            size = max(1, min(batch, batch * 256 * 256 // slices[same[0]].numel()))
            for chunk in (same[k : k + size] for k in range(0, len(same), size)):
                hu = torch.stack([slices[i] for i in chunk])[:, None].float()
                kernels = [kernel or random_kernel(generator) for _ in chunk]
                unit = unit_noise(
                    hu,
                    spacings_mm[chunk[0]],
                    generator=generator,
                    kernel=kernels,
                    geometry=geometry or _beam(hu),
                    scanner=scanner,
                    realisations=realisations,
                )
                for b, i in enumerate(chunk):
                    own = NoiseUnit(unit.quantum[b : b + 1], unit.electronic[b : b + 1])
                    bank._store(own, hu[b : b + 1], targets[i], dtype)
                if progress is not None:
                    progress(len(bank.images), len(slices))
        return bank

    def _store(self, unit: NoiseUnit, hu: Tensor, target: float | None, dtype: torch.dtype) -> None:
        if target is not None:
            unit = unit.matched(hu, target)
        half_dose = unit.at(0.5)
        self.images.append(torch.cat([unit.quantum, unit.electronic]).to(dtype))
        self.unit_sd_hu.append(soft_tissue_sd(half_dose, hu.expand_as(half_dose)))

    def __len__(self) -> int:
        """Count the slices."""
        return len(self.images)

    def draw(
        self,
        indices: Sequence[int],
        *,
        generator: torch.Generator,
        crops: Sequence[tuple[int, int, int, int]] | None = None,
        draws: int = 1,
        shift: int = 4,
    ) -> list[NoiseUnit]:
        """Draw fresh unit noise for a batch.

        Parameters
        ----------
        indices : B slice numbers, in the order of `build`.
        generator : source of randomness.
        crops : for each slice (top, left, height, width), all of one size; the whole slice when not given.
        draws : how many independent sets, at most the number of realisations.
        shift : the noise is taken up to so many pixels beside the crop where the slice has room; its local
            strength hardly changes over so few, but the pattern under an edge does.

        Returns
        -------
        `draws` units of (B, 1, H, W), to be added before flips and rotations that turn image and noise alike.
        """
        sets: list[list[Tensor]] = [[] for _ in range(draws)]
        for b, i in enumerate(indices):
            stored = self.images[i]
            if draws > stored.shape[1]:
                msg = (
                    f"{draws} independent draws need as many realisations; the bank holds {stored.shape[1]}."
                )
                raise ValueError(msg)
            if crops is not None:
                stored = _window(stored, crops[b], shift, generator)
            for mixed, into in zip(_mix(stored.float(), draws, generator), sets, strict=True):
                into.append(mixed)
        stacks = [torch.stack(part) for part in sets]
        return [NoiseUnit(stack[:, :1], stack[:, 1:]) for stack in stacks]


def _beam(hu: Tensor) -> ParallelBeam:
    """Give views about a pixel apart at the image's edge; a multiple of 4, which `path_lengths` can thin."""
    return ParallelBeam(views=min(600, max(160, 4 * math.ceil(0.3 * max(hu.shape[-2:])))))


def _window(
    stored: Tensor, crop: tuple[int, int, int, int], shift: int, generator: torch.Generator
) -> Tensor:
    move = torch.randint(-shift, shift + 1, (2,), generator=generator, device=generator.device).tolist()
    for axis, start, length, step in ((-2, crop[0], crop[2], move[0]), (-1, crop[1], crop[3], move[1])):
        moved = min(max(start + step, 0), stored.shape[axis] - length)
        stored = stored.narrow(axis, moved, length)
    return stored


def _mix(stored: Tensor, draws: int, generator: torch.Generator) -> Tensor:
    """Mix (2, R, h, w) with random orthonormal weights into (draws, 2, h, w)."""
    weights = torch.randn(2, stored.shape[1], draws, generator=generator, device=generator.device)
    return torch.einsum("crhw,crd->dchw", stored, torch.linalg.qr(weights)[0].to(stored.device))
