"""Reference volumes for training: the hospital's own noisy scans, normalised, with slabs cut out of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from quietvoxel.engines.contract import MAX_SPACING_RATIO, Slabs
from quietvoxel.training.faint_structures import add_faint_structures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MISSING = 0.0
"""A neighbouring slice that does not exist is shown to a network as all zeros."""


@dataclass(frozen=True)
class Reference:
    """One stack of slices to train on.

    Attributes
    ----------
    name : for messages, without patient data.
    data : (z, y, x) float16 or float32 in network units.
    spacing_ratio : slice spacing over pixel spacing.
    noise : (realisations, z, y, x) unit noise images of the CT operator (soft-tissue SD 1), or None for MR.
    weight : how often it is drawn, relative to the others.
    """

    name: str
    data: NDArray[np.floating]
    spacing_ratio: float
    noise: NDArray[np.floating] | None = None
    weight: float = 1.0


def through_plane_views(reference: Reference) -> list[Reference]:
    """The stack itself and, where voxels are nearly cubic, the stacks along the other two axes."""
    views = [reference]
    ratio = reference.spacing_ratio
    if reference.noise is None and 0.6 <= ratio <= 1.7 and min(reference.data.shape) >= 48:
        for axis in (1, 2):
            data = np.moveaxis(reference.data, axis, 0)
            views.append(Reference(f"{reference.name}/{axis}", data, 1.0, None, reference.weight / 2))
    return views


def draw_slabs(
    references: Sequence[Reference], count: int, patch: int, halo: int, rng: np.random.Generator
) -> Slabs:
    """Cut random slabs: random place, one of eight flips and rotations, sometimes fewer neighbours, faint structures.

    Thin stacks are also thinned out (every second or third slice), so that one thin scan teaches several spacings.
    """
    weights = np.array([reference.weight for reference in references])
    weights = weights / weights.sum()
    images, noises, ratios = [], [], []
    for index in rng.choice(len(references), size=count, p=weights):
        image, noise, ratio = _one_slab(references[index], patch, halo, rng)
        images.append(image)
        noises.append(noise)
        ratios.append(min(ratio, MAX_SPACING_RATIO))
    with_noise = all(noise is not None for noise in noises)
    return Slabs(
        torch.from_numpy(np.stack(images)),
        torch.tensor(ratios, dtype=torch.float32),
        torch.from_numpy(np.stack([n for n in noises if n is not None])) if with_noise else None,
    )


def _one_slab(
    reference: Reference, patch: int, halo: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, float]:
    depth, height, width = reference.data.shape
    stride = 1
    if reference.spacing_ratio < 2.0 and depth > 8:
        stride = int(rng.choice([1, 1, 1, 2, 3]))
    # Look for a place with tissue; after a few tries take what comes, because air has to be learned as well.
    for _ in range(4):
        z = int(rng.integers(depth))
        y = int(rng.integers(max(1, height - patch + 1)))
        x = int(rng.integers(max(1, width - patch + 1)))
        centre = reference.data[z, y : y + patch, x : x + patch]
        if float(np.ptp(centre[::8, ::8])) > 0.1:
            break
    neighbours = 0 if rng.random() < 0.1 else halo
    wanted = [z + stride * k for k in range(-halo, halo + 1)]
    there = [
        abs(k) <= neighbours and 0 <= s < depth for k, s in zip(range(-halo, halo + 1), wanted, strict=True)
    ]
    sy, sx = slice(y, y + patch), slice(x, x + patch)
    turn, flip = int(rng.integers(4)), bool(rng.integers(2))

    def cut(stack: NDArray[np.floating]) -> NDArray[np.float32]:
        out = np.full((len(wanted), patch, patch), MISSING, dtype=np.float32)
        for i, (slice_index, exists) in enumerate(zip(wanted, there, strict=True)):
            if exists:
                part = stack[slice_index, sy, sx]
                pad = ((0, patch - part.shape[0]), (0, patch - part.shape[1]))
                out[i] = np.pad(part, pad, mode="symmetric") if any(p[1] for p in pad) else part
        out = np.rot90(out, turn, axes=(1, 2))
        return np.ascontiguousarray(out[:, :, ::-1] if flip else out)

    noise = None
    if reference.noise is not None:
        noise = np.stack([cut(realisation) for realisation in reference.noise])
    image, ratio = cut(reference.data), reference.spacing_ratio * stride
    add_faint_structures(image, ratio, rng)
    return image, noise, ratio
