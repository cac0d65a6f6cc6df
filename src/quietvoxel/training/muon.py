"""Muon: momentum whose update of each weight matrix is made orthogonal (Jordan et al., 2024).

A hidden convolution is a matrix from (input channels x kernel) to output channels. The gradient of such a matrix is
nearly of low rank, so that plain momentum, and AdamW too, moves along a few directions only; making the update
orthogonal gives all directions the same length. Reached here with a third of the steps that AdamW needs
(docs/relativeflow.md); the extra arithmetic is some 10 % of a step.

`torch.optim.Muon` takes matrices only, not convolutions, and leaves everything else to a second optimizer; this one
holds both, so that a trainer sees one state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.optim import Optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor, nn

QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of the Newton-Schulz iteration; singular values end between 0.7 and 1.2 after five rounds (Jordan)."""

SMALLEST_SIDE = 32
"""Smaller matrices (the first and the last layer) have too few directions to be worth it."""


def orthogonalised(matrix: Tensor, rounds: int = 5) -> Tensor:
    """The nearest (nearly) orthogonal matrix, by Newton-Schulz in bfloat16.

    Parameters
    ----------
    matrix : (rows, columns), any scale.
    """
    a, b, c = QUINTIC
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix).bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(rounds):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    found: Tensor = (x.T if tall else x).float()
    return found


class Muon(Optimizer):
    """Muon for the hidden convolutions and linear layers of a network, AdamW for all other parameters.

    Parameters
    ----------
    parameters : of the network.
    matrix_rate : learning rate of the matrices: the share of a typical weight that one step changes.
    learning_rate : of AdamW.
    momentum : of Muon (with Nesterov's look ahead).
    betas, weight_decay : of AdamW.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        matrix_rate: float = 0.02,
        learning_rate: float = 1e-3,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 1e-4,
    ) -> None:
        everything = list(parameters)
        matrices = [p for p in everything if p.ndim >= 2 and min(p.shape[:2]) >= SMALLEST_SIDE]
        chosen = {id(p) for p in matrices}
        others = [p for p in everything if id(p) not in chosen]
        groups: list[dict[str, Any]] = [
            {"params": matrices, "lr": matrix_rate, "momentum": momentum, "matrices": True},
            {
                "params": others,
                "lr": learning_rate,
                "betas": betas,
                "weight_decay": weight_decay,
                "matrices": False,
            },
        ]
        super().__init__([group for group in groups if group["params"]], {})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One step; `closure` computes the loss anew and returns it."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            move = self._move_matrix if group["matrices"] else self._move_other
            for parameter in group["params"]:
                if parameter.grad is not None:
                    move(parameter, parameter.grad, group)
        return loss

    def _move_matrix(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(gradient, 1 - group["momentum"])
        ahead = gradient.lerp(state["momentum"], group["momentum"])
        rows = parameter.shape[0]
        update = orthogonalised(ahead.reshape(rows, -1)).view_as(parameter)
        tall = max(1.0, rows / (parameter.numel() / rows))
        parameter.add_(update, alpha=-group["lr"] * tall**0.5)

    def _move_other(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())
            state["mean"], state["square"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        state["step"] += 1
        first, second = group["betas"]
        state["mean"].lerp_(gradient, 1 - first)
        state["square"].mul_(second).addcmul_(gradient, gradient, value=1 - second)
        steps = float(state["step"])
        scale = (state["square"] / (1 - second**steps)).sqrt_().add_(1e-8)
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.addcdiv_(state["mean"], scale, value=-group["lr"] / (1 - first**steps))
