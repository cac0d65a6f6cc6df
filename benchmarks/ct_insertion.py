"""CT noise for the standard points: an FBP noise image, scaled to a given SD in soft tissue.

The training data are made by a bank of many kernels and geometries; the points use one fixed recipe, written
down here in full, so that a change of the training operator never moves the figures.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import torch
from volumes import RUNS

from quietvoxel.degradation.ct_geometry import ParallelBeam
from quietvoxel.degradation.ct_kernel import Kernel
from quietvoxel.degradation.ct_noise import path_lengths
from quietvoxel.degradation.ct_projector import CTProjector
from quietvoxel.quality import tissue_regions

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

VIEWS = 600

#: Slices reconstructed together; more is not faster.
BATCH = 4


def fbp_noise(
    hu: NDArray[np.float32], spacing_yx: tuple[float, float], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Noise images of arbitrary strength: parallel beam, 600 views over 180°, Hann, log-variance ∝ exp(p).

    Parameters
    ----------
    hu : (z, y, x) in HU.
    spacing_yx : mm.
    rng : white noise is drawn from it slice by slice, views before cells.
    """
    height, width = hu.shape[-2:]
    projector = CTProjector(ParallelBeam(views=VIEWS), (height, width), spacing_yx)
    out = np.empty(hu.shape, dtype=np.float32)
    with torch.inference_mode():
        for first in range(0, len(hu), BATCH):
            planes = torch.from_numpy(np.ascontiguousarray(hu[first : first + BATCH]))[:, None]
            # exp(p) of two metal implants in line would drown the rest; 14 is 70 cm of water.
            p = path_lengths(planes, projector).clamp(max=14.0)
            white = np.stack([rng.standard_normal(tuple(p.shape[-2:])).astype(np.float32) for _ in planes])
            noise = projector.fbp(torch.exp(0.5 * p) * torch.from_numpy(white)[:, None], Kernel("hann"))
            out[first : first + BATCH] = noise[:, 0].numpy()
    return out


def inserted_noise(
    name: str,
    hu: NDArray[np.float32],
    body: NDArray[np.bool_],
    spacing_yx: tuple[float, float],
    sd_hu: float,
    seed: int,
    cache: Path = RUNS / "ct_noise",
) -> NDArray[np.float32]:
    """Make noise with a standard deviation of `sd_hu` in the eroded soft tissue of a volume, slices pooled.

    One noise image serves every level: it is kept on disk under the name of the volume and a digest of its
    voxels.
    """
    digest = hashlib.sha256(hu.tobytes() + repr((spacing_yx, seed, VIEWS)).encode()).hexdigest()[:12]
    stored = cache / f"{name}-{digest}.npy"
    if stored.exists():
        noise = np.load(stored)
    else:
        noise = fbp_noise(hu, spacing_yx, np.random.default_rng(seed))
        soft = tissue_regions(hu, body)["soft"]
        noise /= noise[soft].std(dtype=np.float64)
        cache.mkdir(parents=True, exist_ok=True)
        np.save(stored, noise)
    return noise * np.float32(sd_hu)
