"""Sampling, whatever network predicts: DDIM without added noise, and stabilised reverse sampling (SRDS)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor

    from quietvoxel.engines.diff_denoise.schedule import Schedule

    Predict = Callable[[Tensor, float, float], Tensor]
    """(X_t, sqrt(abar_t), sqrt(1 - abar_t)) -> the expected x_0."""


def ddim(
    x: Tensor,
    predict: Predict,
    schedule: Schedule,
    start: float,
    steps: int,
    after: Callable[[], None] = lambda: None,
) -> Tensor:
    """Walk from time `start` to 0 (Song et al., DDIM, ICLR 2021, eq. 12 with eta = 0).

    Parameters
    ----------
    x : (B, 1, H, W) at time `start`.
    predict : the expected x_0.
    after : called after each step.
    """
    levels = [schedule.levels(t) for t in schedule.walk(start, steps)]
    for (a, b), (a_next, b_next) in pairwise(levels):
        clean = predict(x, a, b)
        noise = (x - a * clean) / b
        x = a_next * clean + b_next * noise
        after()
    return x


def stabilised(
    signal: Tensor,
    noises: Iterable[Tensor],
    sample: Callable[[Tensor, Tensor], Tensor],
    level: float,
    *,
    mirrored: bool,
) -> tuple[Tensor, Tensor | None]:
    """Average samples that start at signal + level * noise, and where `mirrored` at signal - level * noise too.

    The mean of such a pair is SRDS (Demir et al., DiffDenoise, arXiv 2504.00264): whatever in a sample is odd in the
    noise cancels.

    Parameters
    ----------
    signal : (B, 1, H, W), sqrt(abar) x_0, or zeros for a start at pure noise.
    noises : of standard deviation 1, (B, 1, H, W) each.
    sample : from starting images (B or 2 B, 1, H, W) and the sign of their noise (B or 2 B, 1, 1, 1) to samples.
    level : sqrt(1 - abar).

    Returns
    -------
    Their mean, and half the difference of a mirrored pair: its size, RMS over pairs. Without mirroring the standard
    deviation of the samples, None if there is one only.
    """
    one = signal.new_ones(len(signal), 1, 1, 1)
    found: list[Tensor] = []
    halves: list[Tensor] = []
    for noise in noises:
        if not mirrored:
            found.append(sample(signal + level * noise, one))
            continue
        start = torch.cat([signal + level * noise, signal - level * noise])
        plus, minus = sample(start, torch.cat([one, -one])).chunk(2)
        found.append(0.5 * (plus + minus))
        halves.append(0.5 * (plus - minus))
    mean = torch.stack(found).mean(dim=0)
    if halves:
        return mean, torch.stack(halves).square().mean(dim=0).sqrt()
    return mean, torch.stack(found).std(dim=0) if len(found) > 1 else None
