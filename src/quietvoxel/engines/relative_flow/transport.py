"""Consistent transport: the path, the velocity and the Euler updates of RelativeFlow, without any network.

Quality runs along a time t that grows as an image gets better (Liu et al., "RelativeFlow", CVPR 2026, arXiv
2604.15459). An image at time t is x_t = x_inf + e^-t (x_0 - x_inf); the residual x_t - x_inf shrinks as e^-t. The
derivations are in docs/relativeflow.md. All functions take Python floats, numpy arrays or torch tensors.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

UpdateRule = Literal["expm1", "identity"]


def interpolation_weight(t: float, t_worse: float, t_better: float) -> float:
    """Weight of the worse image in the image at time t between two times (RelativeFlow, the path).

    `lambda = (e^-t - e^-t_better) / (e^-t_worse - e^-t_better)`; `t_better` may be `math.inf`.
    """
    end = math.exp(-t_better)
    return (math.exp(-t) - end) / (math.exp(-t_worse) - end)


def interpolate(x_worse: Any, x_better: Any, t: float, t_worse: float, t_better: float) -> Any:
    """The image at time t on the path from `x_worse` (at t_worse) to `x_better` (at t_better)."""
    weight = interpolation_weight(t, t_worse, t_better)
    return weight * x_worse + (1.0 - weight) * x_better


def velocity_target(reference: Any, degraded: Any, delta: float) -> Any:
    """The training target `(x_ref - x_degraded) / (e^delta - 1)`: the velocity at the reference's end."""
    return (reference - degraded) / math.expm1(delta)


def step_factor(delta: float, rule: UpdateRule) -> float:
    """What a predicted velocity is multiplied by in one Euler step.

    `expm1` gives `e^delta - 1`, the exact update for the target above, whatever the step size; `identity` gives
    `delta`, as in the authors' released code.
    """
    return math.expm1(delta) if rule == "expm1" else delta


def integrate(
    x: Any, velocity: Callable[[Any, float], Any], deltas: tuple[float, ...], rule: UpdateRule = "expm1"
) -> Any:
    """Multi-step Euler: `x <- x + factor(delta) * velocity(x, delta)` for each step, first to last."""
    for delta in deltas:
        x = x + step_factor(delta, rule) * velocity(x, delta)
    return x


def matched_share(steps: int) -> float:
    """Share of the noise variance to walk through, so that `steps` steps remove all of the noise.

    One step has to be told of all the noise. Many small steps arrive earlier, because each of them is a mean over
    what is left: half of the variance would do in the limit. The values, 1, 0.85, 0.8, 0.775, ..., fit the optimum
    found on training anatomy (docs/relativeflow.md).
    """
    return 0.7 + 0.3 / steps


def step_schedule(total: float, steps: int, delta_max: float) -> tuple[float, ...]:
    """Split a total time into steps in the ratio 2^(n-1) : ... : 2 : 1, none longer than `delta_max`.

    The largest step comes first, because a network may never be told of more noise than is still there. A step
    above `delta_max`, the longest one met in training, is split into equal parts.

    Parameters
    ----------
    total : the time to travel, 0 or more.
    steps : number of steps asked for, 1 or more.
    delta_max : longest step of the model's training.

    Returns
    -------
    tuple of float
        Step lengths that add up to `total`; empty for 0.
    """
    if total <= 0:
        return ()
    weights = [2.0**k for k in reversed(range(steps))]
    schedule: list[float] = []
    for weight in weights:
        length = total * weight / sum(weights)
        parts = max(1, math.ceil(length / delta_max - 1e-9))
        schedule += [length / parts] * parts
    return tuple(schedule)
