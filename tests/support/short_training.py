"""Networks so small that a test can train them, and what they are trained on."""

from __future__ import annotations

import math
from typing import Any

import torch

from quietvoxel.engines.contract import Slabs
from quietvoxel.engines.diff_denoise.settings import DiffDenoiseRecipe
from quietvoxel.engines.fdn.settings import FDNRecipe

_DIFF_DENOISE: dict[str, Any] = {
    "features": 4,
    "blind_widths": (8, 16),
    "blind_blocks": (1, 1),
    "diffusion_widths": (8, 16),
    "diffusion_blocks": (1, 1),
    "student_widths": (8, 16),
    "student_blocks": (1, 1),
}
_FDN: dict[str, Any] = {"widths": (8,), "steps": 2, "latent_widths": (8, 16), "latent_blocks": (1, 1)}


def tiny_diff_denoise(**changes: Any) -> DiffDenoiseRecipe:
    """The least networks of DiffDenoise that have two levels."""
    return DiffDenoiseRecipe.model_validate({**_DIFF_DENOISE, **changes})


def tiny_fdn(**changes: Any) -> FDNRecipe:
    """A flow of two steps a block, with the least latent network that has two levels."""
    return FDNRecipe.model_validate({**_FDN, **changes})


def smooth_slabs(count: int = 8) -> Slabs:
    """Waves of different direction and length, all three slices alike."""
    rows, columns = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    turn = torch.arange(count)[:, None, None] * 0.7
    waves = 0.6 + 0.3 * torch.sin((rows * turn.cos() + columns * turn.sin()) / 4.0)
    return Slabs(waves[:, None].repeat(1, 3, 1, 1), torch.ones(count))


def trained(stage: Any, steps: int, clip: float = math.inf) -> tuple[Any, list[float]]:
    """A stage's network after some steps of Adam on smooth slabs, and its losses; `clip` bounds the gradient's norm."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = stage.build().train()
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    history = []
    for step in range(steps):
        batch = stage.prepare(smooth_slabs(), 1.0, torch.Generator().manual_seed(step))
        loss = stage.loss(network, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
        optimizer.step()
        history.append(float(loss.detach()))
    return network, history
