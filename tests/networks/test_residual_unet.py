"""The shared backbone: it scales with its input, takes any size, and bfloat16 costs next to nothing."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quietvoxel.networks.residual_unet import ResidualUNet, UNetShape, build_unet

SHAPE = UNetShape(slices=3, conditions=2, widths=(8, 16, 24), blocks=(1, 1, 1))


@pytest.fixture(scope="module")
def network() -> ResidualUNet:
    """Random weights everywhere, the zero-initialised output included."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        random = ResidualUNet(SHAPE)
        torch.nn.init.orthogonal_(random.tail.weight)
    made = build_unet(SHAPE)
    made.load_state_dict(random.state_dict())
    return made.eval()


def image(height: int = 24, width: int = 24) -> torch.Tensor:
    return torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("scale", [1e-3, 0.5, 7.0])
def test_an_image_in_other_units_gives_the_result_in_other_units(network: ResidualUNet, scale: float) -> None:
    x, told = image(), torch.tensor([[0.1, 0.02], [0.3, -0.05]])
    with torch.inference_mode():
        once, scaled = network(x, told), network(scale * x, scale * told)
    assert torch.allclose(scaled, scale * once, rtol=1e-3, atol=1e-5 * scale)


def test_what_it_is_told_makes_a_difference(network: ResidualUNet) -> None:
    with torch.inference_mode():
        quiet, loud = (network(image(), torch.full((2, 2), told)) for told in (0.0, 0.5))
    assert (quiet - loud).abs().max() > 1e-3


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 41), st.integers(1, 41))
def test_any_height_and_width_comes_back(network: ResidualUNet, height: int, width: int) -> None:
    with torch.inference_mode():
        out = network(image(height, width), torch.zeros(2, 2))
    assert out.shape == (2, 1, height, width)
    assert torch.isfinite(out).all()


def test_sizes_that_divide_by_nothing_agree_with_the_image_padded_by_hand(network: ResidualUNet) -> None:
    x = image(21, 19)
    padded = torch.nn.functional.pad(x, (0, 5, 0, 3), mode="reflect")
    with torch.inference_mode():
        assert torch.allclose(
            network(x, torch.zeros(2, 2)), network(padded, torch.zeros(2, 2))[..., :21, :19]
        )


def test_bfloat16_channels_last_stays_close_to_float32(network: ResidualUNet) -> None:
    x = image(48, 48)
    told = torch.full((2, 2), 0.1)
    with torch.inference_mode():
        exact = network(x, told)
        with torch.autocast("cpu", torch.bfloat16):
            fast = network(x.contiguous(memory_format=torch.channels_last), told)
    assert fast.dtype == torch.float32
    assert 0 < (fast - exact).pow(2).mean().sqrt() < 0.02 * exact.pow(2).mean().sqrt()


def test_memory_format_changes_nothing_else(network: ResidualUNet) -> None:
    plain = ResidualUNet(SHAPE).to(memory_format=torch.contiguous_format)
    plain.load_state_dict(network.state_dict())
    told = torch.full((2, 2), 0.1)
    with torch.inference_mode():
        assert torch.allclose(plain.eval()(image(), told), network(image(), told), atol=1e-4)


def test_a_new_network_predicts_nothing() -> None:
    assert build_unet(SHAPE)(image(), torch.ones(2, 2)).abs().max() == 0


def test_there_is_no_bias_to_break_the_scaling(network: ResidualUNet) -> None:
    assert not [name for name, _ in network.named_parameters() if "bias" in name]
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 16, 16), torch.zeros(1, 2)).abs().max() == 0


def test_a_new_network_looks_at_the_middle_slice_first() -> None:
    network = ResidualUNet(UNetShape(slices=3, conditions=1, widths=(8, 16), blocks=(1, 1)))
    used = network.head.weight.abs().sum(dim=(0, 2, 3)) > 0
    assert used.tolist() == [False] * 4 + [True] * 4 + [False] * 4 + [True]
