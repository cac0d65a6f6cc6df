"""The optimizer: what it does to a matrix, and that it learns what it should."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from quietvoxel.training.muon import Muon, orthogonalised


@pytest.mark.parametrize("shape", [(64, 64), (32, 288), (256, 64)])
def test_the_update_has_singular_values_near_one(shape: tuple[int, int]) -> None:
    matrix = 1e-3 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalised(matrix))
    assert values.median() == pytest.approx(1.0, abs=0.3)
    assert values.max() < 1.35


def test_scale_and_direction_of_the_gradient_are_kept_apart() -> None:
    matrix = torch.randn(48, 96, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(orthogonalised(matrix), orthogonalised(1e4 * matrix), atol=0.05, rtol=0)
    assert (orthogonalised(matrix) * matrix).sum() > 0


def test_a_zero_gradient_moves_nothing() -> None:
    weight = nn.Parameter(torch.randn(64, 64, 3, 3))
    before = weight.detach().clone()
    weight.grad = torch.zeros_like(weight)
    Muon([weight]).step()
    torch.testing.assert_close(weight.detach(), before)


def test_convolutions_and_small_layers_both_reach_their_target() -> None:
    generator = torch.Generator().manual_seed(2)
    torch.manual_seed(2)
    network = nn.Sequential(nn.Conv2d(1, 32, 3, bias=False), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.Flatten())
    target = nn.Sequential(nn.Conv2d(1, 32, 3, bias=False), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.Flatten())
    optimizer = Muon(network.parameters(), matrix_rate=0.01)
    assert [len(group["params"]) for group in optimizer.param_groups] == [1, 2]
    losses = []
    for _ in range(150):
        images = torch.randn(16, 1, 8, 8, generator=generator)
        loss = (network(images) - target(images).detach()).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.1 * losses[0]
