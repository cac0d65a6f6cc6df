"""Noisy stacks of a known noise, as the networks of the noise experiments are shown them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from standard_points import SEED
from truth_scores import SIGNAL

from quietvoxel.degradation.noise_models import PRESETS
from quietvoxel.engines.relative_flow.training import network_conditions
from quietvoxel.training.references import Reference

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from truth_images import TruthImage

    from quietvoxel.engines.contract import Slabs


class FixedNoise:
    """Noisy slabs that are the references as they are.

    What was added to them, and its level, stand in place of the noise of a reference.
    """

    def __init__(self, halo: int) -> None:
        self.halo = halo

    def prepare(self, slabs: Slabs, _progress: float, _generator: torch.Generator) -> dict[str, torch.Tensor]:
        """The slabs as they are."""
        assert slabs.noise is not None
        noise = slabs.noise[:, 0, self.halo]
        sigma = slabs.noise[:, 1, self.halo].mean(dim=(1, 2))
        told = network_conditions(sigma, sigma, sigma, slabs.spacing_ratio)
        return {"slab": slabs.image, "noise": noise, "sigma": sigma, "conditions": told}


class Recorrupted(FixedNoise):
    """The noisy slabs made noisier still, and taught by less noisy copies of themselves.

    With m a second draw of the same noise, y + a m is shown and y - m / a asked for: their noises are uncorrelated, so
    that no more can be learned than what was there before either (Pang et al., Recorrupted-to-Recorrupted, CVPR 2021).
    """

    def __init__(self, halo: int, noise: str) -> None:
        super().__init__(halo)
        self.noise = noise

    def prepare(self, slabs: Slabs, progress: float, generator: torch.Generator) -> dict[str, torch.Tensor]:
        """The slabs with a share of 0.3 to 0.6 of the noise drawn anew on top; "added" is what is to go."""
        batch = super().prepare(slabs, progress, generator)
        shown = batch["slab"].clamp(0, 1)
        drawn = PRESETS[self.noise](shown, generator) - shown
        share = (0.3 + 0.3 * torch.rand(len(shown), generator=generator))[:, None, None, None]
        sigma = batch["sigma"] * (1 + share.flatten().square()).sqrt()
        return {
            **batch,
            "slab": batch["slab"] + share * drawn,
            "added": (share + 1 / share) * drawn,
            "sigma": sigma,
            "conditions": network_conditions(sigma, sigma, sigma, slabs.spacing_ratio),
        }


def noisy_image(image: TruthImage, noise: str, seed: int) -> tuple[NDArray[np.float32], float]:
    """A stack with one of the noises, and the standard deviation of what was added where there is signal."""
    generator = torch.Generator().manual_seed(seed)
    clean = torch.from_numpy(image.data).clamp(0, 1)[:, None]
    noisy = PRESETS[noise](clean, generator)[:, 0].numpy()
    mask = image.data > SIGNAL
    return noisy, float((noisy - clean[:, 0].numpy())[mask].std())


def references_with(images: list[TruthImage], noise: str) -> tuple[list[Reference], list[Reference]]:
    """Noisy stacks with what was added, and the same as the supervised network's lessons."""
    own, supervised = [], []
    for number, image in enumerate(images):
        noisy, sigma = noisy_image(image, noise, SEED + number)
        added = noisy - image.data.clip(0, 1)
        level, one = np.full_like(noisy, sigma), np.ones_like(noisy)
        data = noisy.astype(np.float32)
        own.append(Reference(image.name, data, image.spacing_ratio, np.stack([added, level])))
        supervised.append(Reference(image.name, data, image.spacing_ratio, np.stack([added, level, one])))
    return own, supervised
