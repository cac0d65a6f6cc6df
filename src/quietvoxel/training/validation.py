"""How good a network is now: held-out references degraded further, denoised the engine's own way, and scored."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from quietvoxel.degradation.noise_time import noise_time_for
from quietvoxel.engines.contract import MAX_SPACING_RATIO, EngineContext, Slabs
from quietvoxel.engines.relative_flow.settings import RelativeFlowRecipe
from quietvoxel.engines.relative_flow.training import RelativeFlowStage
from quietvoxel.intensity import HU_PER_UNIT
from quietvoxel.quality.metrics import psnr, ssim
from quietvoxel.quality.report import CT_WINDOW
from quietvoxel.training.references import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from quietvoxel.training.stacks import Stack

SIDE = 160
"""Largest side of a judged slice in pixels: enough to judge by, and soon denoised."""

FACTORS = (1.5, 3.0)
"""The noise added to a judged slice, in units of its own; every second slab has the greater."""

LEVELS = {"CT": (0.010, 0.060), "MR": (0.02, 0.10)}
"""Network units: the noise added is kept within these."""

TYPICAL = {"CT": 0.012, "MR": 0.025}
"""Network units: stands for a noise that cannot be estimated."""


@dataclass(frozen=True)
class JudgedSlab:
    """A held-out slab with known noise added.

    Attributes
    ----------
    slab : (1, slices, H, W) degraded, network units.
    reference : (H, W) its middle slice before.
    sigma : standard deviation of the noise added.
    spacing_ratio : slice spacing over pixel spacing.
    batch : what a training stage makes of the same slab, for its loss.
    """

    slab: Tensor
    reference: NDArray[np.float32]
    sigma: float
    spacing_ratio: float
    source: Slabs


@dataclass(frozen=True)
class Score:
    """How good a network is on the judged slabs.

    Attributes
    ----------
    psnr, ssim : means over the slabs; CT: within -160 to 240 HU, range 400 HU; MR: range 1, the 99.5th percentile.
    """

    psnr: float
    ssim: float


Denoiser = "Callable[[Tensor, EngineContext], Tensor]"


def judged_slabs(folder: Path, stacks: Sequence[Stack], modality: str, halo: int) -> list[JudgedSlab]:
    """Degrade the held-out stacks, always in the same way.

    Parameters
    ----------
    folder : of the cache.
    stacks : of the cache.
    modality : "CT" or "MR".
    halo : neighbours on each side that the engine wants.
    """
    held = [stack for stack in stacks if stack.held_out]
    low, high = LEVELS[modality]
    time = noise_time_for(modality)
    found = []
    for index, stack in enumerate(held):
        sigma = FACTORS[index % len(FACTORS)] * (stack.sigma or TYPICAL[modality])
        sigma = min(max(sigma, low), high)
        slabs = _middle(folder, stack, halo)
        delta = time.time(sigma**2)
        degrade = RelativeFlowStage(
            RelativeFlowRecipe(
                modality="CT" if modality == "CT" else "MR",
                halo=halo,
                delta_min=delta,
                delta_max=delta,
                curriculum=False,
                degrade_references=False,
                masked_background=0.0,
            )
        )
        batch = degrade.prepare(slabs, 1.0, torch.Generator().manual_seed(index))
        slab = batch["slab"]
        reference = slab[0, halo] - batch["noise"][0]
        found.append(
            JudgedSlab(
                slab,
                reference.numpy(),
                sigma,
                float(slabs.spacing_ratio),
                slabs,
            )
        )
    return found


def _middle(folder: Path, stack: Stack, halo: int) -> Slabs:
    """The middle slab of a stack, cut to a window in the middle; neighbours beyond its ends are missing."""
    reference = stack.opened(folder)
    depth, rows, columns = stack.shape
    z, height, width = depth // 2, min(rows, SIDE), min(columns, SIDE)
    top, left = (rows - height) // 2, (columns - width) // 2
    window = (slice(top, top + height), slice(left, left + width))

    def cut(array: NDArray[np.floating]) -> NDArray[np.float32]:
        out = np.full((2 * halo + 1, height, width), MISSING, np.float32)
        for place, k in enumerate(range(z - halo, z + halo + 1)):
            if 0 <= k < depth:
                out[place] = array[k][window]
        return out

    noise = None
    if reference.noise is not None:
        noise = torch.from_numpy(np.stack([cut(one) for one in reference.noise]))[None]
    ratio = torch.tensor([min(stack.spacing_ratio, MAX_SPACING_RATIO)], dtype=torch.float32)
    return Slabs(torch.from_numpy(cut(reference.data))[None], ratio, noise)


def score(
    slabs: Sequence[JudgedSlab],
    denoise: Callable[[Tensor, EngineContext], Tensor],
    modality: str,
    device: torch.device,
    dtype: torch.dtype,
) -> tuple[Score, list[NDArray[np.float32]]]:
    """Denoise every judged slab and compare it with its reference.

    Parameters
    ----------
    denoise : from a slab (1, slices, H, W) and what is known of it to the middle slice (1, 1, H, W).

    Returns
    -------
    The score, and the denoised slices (H, W).
    """
    images = []
    psnrs, ssims = [], []
    for index, one in enumerate(slabs):
        generator = torch.Generator().manual_seed(index)
        lowest = min(0.0, float(one.slab.amin()))
        context = EngineContext(
            one.sigma, one.spacing_ratio, device, dtype, generators=(generator,), lowest=lowest
        )
        image = denoise(one.slab, context)[0, 0].float().cpu().numpy()
        images.append(image)
        figures = slice_figures(image, one.reference, modality)
        psnrs.append(figures.psnr)
        ssims.append(figures.ssim)
    return Score(float(np.mean(psnrs)), float(np.mean(ssims))), images


def slice_figures(image: NDArray[np.float32], reference: NDArray[np.float32], modality: str) -> Score:
    """PSNR and SSIM of one slice (H, W) in network units; see `Score` for their ranges."""
    scale, window, span = (
        (HU_PER_UNIT, CT_WINDOW, CT_WINDOW[1] - CT_WINDOW[0]) if modality == "CT" else (1.0, None, 1.0)
    )
    a, b = scale * image, scale * reference
    found = psnr(a, b, data_range=span, window=window)
    # Two slices that show nothing within the window are the same there.
    return Score(
        min(found, MOST_DB) if math.isfinite(found) else MOST_DB, ssim(a, b, data_range=span, window=window)
    )


MOST_DB = 99.0
"""Stands for an infinite PSNR."""
