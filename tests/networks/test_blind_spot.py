"""The blind-spot network: no pixel sees itself or its neighbourhood, at any depth, on any image."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from quietvoxel.networks.blind_spot import (
    BlindSpotNetwork,
    BlindSpotShape,
    build_blind_spot,
    interleaved,
    joined,
    nearest_mean,
    visible,
)

SMALL: dict[str, Any] = {"conditions": 2, "features": 4, "widths": (8, 16, 16), "blocks": (1, 1, 1)}
TOLD = torch.tensor([[0.1, 0.02]])


def network(radius: int = 0, slices: int = 1, **more: Any) -> BlindSpotNetwork:
    """Random weights everywhere, the zero-initialised ones included."""
    shape = BlindSpotShape(
        **{"slices": slices, "radius": radius, "dilation": 2 * (radius + 1), **SMALL, **more}
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = build_blind_spot(shape)
        torch.nn.init.normal_(made.weight, std=0.3)
        torch.nn.init.normal_(made.body.tail.weight, std=0.1)
    return made.eval()


def image(slices: int = 1, height: int = 44, width: int = 39) -> Tensor:
    return torch.randn(1, slices, height, width, generator=torch.Generator().manual_seed(0))


def influence(net: BlindSpotNetwork, x: Tensor, row: int, column: int) -> Tensor:
    """How much an output pixel depends on each input pixel: (slices, H, W)."""
    x = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(net(x, TOLD)[0, 0, row, column], x)
    return gradient[0]


@pytest.mark.parametrize("radius", [0, 1, 2, 4])
@pytest.mark.parametrize("place", [(22, 19), (0, 0), (1, 38), (43, 2), (21, 20)])
def test_an_output_pixel_depends_on_nothing_inside_its_spot(radius: int, place: tuple[int, int]) -> None:
    row, column = place
    seen = influence(network(radius), image(), row, column)[0]
    spot = seen[
        max(0, row - radius) : row + radius + 1,
        max(0, column - radius) : column + radius + 1,
    ]
    assert torch.count_nonzero(spot) == 0
    assert torch.count_nonzero(seen) > 0.15 * seen.numel()


@pytest.mark.parametrize("dilation", [4, 5, 7])
def test_other_dilations_keep_the_spot_and_see_more(dilation: int) -> None:
    seen = influence(network(1, dilation=dilation), image(), 20, 20)[0]
    assert torch.count_nonzero(seen[19:22, 19:22]) == 0
    assert float(visible(1, dilation).mean()) > 0.5


def test_a_pixel_that_would_see_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a dilation of 4 or more"):
        BlindSpotShape(radius=1, dilation=3)


def test_the_check_sees_a_hole_in_the_mask() -> None:
    net = network(1)
    net.mask.fill_(1.0)
    assert torch.count_nonzero(influence(net, image(), 20, 20)[0, 19:22, 19:22]) > 0


@pytest.mark.parametrize("open_neighbours", [True, False])
def test_neighbouring_slices_are_seen_whole_only_where_their_noise_is_their_own(
    open_neighbours: bool,
) -> None:
    seen = influence(network(1, slices=3, open_neighbours=open_neighbours), image(3), 20, 20)
    assert torch.count_nonzero(seen[1, 19:22, 19:22]) == 0
    for neighbour in (seen[0], seen[2]):
        assert bool(torch.count_nonzero(neighbour[19:22, 19:22])) == open_neighbours


def test_the_spot_holds_in_bfloat16_too() -> None:
    net, x = network(), image()
    changed = x.clone()
    changed[0, 0, 20, 20] += 1e6
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        a, b = net(x, TOLD), net(changed, TOLD)
    assert a[0, 0, 20, 20] == b[0, 0, 20, 20]
    assert a[0, 0, 20, 21] != b[0, 0, 20, 21]


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (33, 17), (64, 64)])
@pytest.mark.parametrize("radius", [0, 2])
def test_any_size_comes_back(size: tuple[int, int], radius: int) -> None:
    with torch.inference_mode():
        out = network(radius)(image(1, *size), TOLD)
    assert out.shape == (1, 1, *size)
    assert torch.isfinite(out).all()


def test_an_image_in_other_units_gives_the_result_in_other_units() -> None:
    net, x = network(slices=3), image(3)
    with torch.inference_mode():
        torch.testing.assert_close(net(7.0 * x, 7.0 * TOLD), 7.0 * net(x, TOLD), rtol=1e-3, atol=1e-3)


def test_interleaving_can_be_undone() -> None:
    x = torch.randn(2, 3, 13, 10)
    phases = interleaved(x, 4)
    assert phases.shape == (32, 3, 4, 3)
    assert torch.equal(phases[5, :, 1, 2], torch.zeros(3) if 1 * 4 + 1 >= 13 else x[0, :, 5, 9])
    assert torch.equal(joined(phases, 4)[..., :13, :10], x)


def test_a_new_network_predicts_the_mean_of_the_nearest_visible_pixels() -> None:
    x = image()
    with torch.inference_mode():
        out = build_blind_spot(BlindSpotShape(**SMALL))(x, TOLD)
    assert out[0, 0, 5, 6] == pytest.approx(float(x[0, 0, [4, 6, 5, 5], [6, 6, 5, 7]].mean()), abs=1e-5)
    assert torch.allclose(nearest_mean(torch.ones(1, 1, 4, 3), 1), torch.ones(1, 1, 4, 3))
