"""The invertible layers: undone exactly, with the determinant that autograd finds, and never blown up by any input."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from quietvoxel.networks.coupling import AffineCoupling, CheckerboardCoupling
from quietvoxel.networks.flow import Flow, FlowShape
from quietvoxel.networks.invertible import ActNorm, Mixing, SoftLimit, Squeeze, haar_matrix

SHAPE = FlowShape(blocks=2, steps=8, widths=(16,), conditions=2, neighbours=2)
SMALL = {"blocks": 1, "steps": 2, "widths": (8,), "conditions": 1, "neighbours": 0, "grid": 2}
VARIANTS = [
    FlowShape(**SMALL),
    FlowShape(**{**SMALL, "masks": "checkerboard"}),
    FlowShape(**{**SMALL, "blocks": 2, "grid": 4}),
]


def shaken(module: nn.Module, size: float = 0.05, seed: int = 0) -> nn.Module:
    """Every weight moved at random, so that nothing is at its special start."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in module.parameters():
            weight += size * weight.numel() ** -0.25 * torch.randn(weight.shape, generator=generator)
    return module.eval()


def random(*size: int, seed: int = 1) -> Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


def flow_and_condition(shape: FlowShape, image: Tensor) -> tuple[Flow, list[Tensor]]:
    """A flow set up on magnitude-like images, then shaken; and its condition for this image."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        flow = Flow(shape).train()
    start = random(4, 1, 32, 32).abs()
    flow(start, flow.condition(random(4, shape.neighbours, 32, 32), random(4, shape.conditions)))
    shaken(flow)
    neighbours = random(len(image), shape.neighbours, *image.shape[-2:])
    return flow, flow.condition(neighbours, 0.1 * random(len(image), shape.conditions))


LAYERS = {
    "soft limit": SoftLimit(0.8),
    "squeeze": Squeeze(),
    "actnorm": shaken(ActNorm(4)),
    "mixing": shaken(Mixing(haar_matrix(4))),
    "coupling": shaken(AffineCoupling(4, 2, 8, flip=False, clamp=0.5)),
    "flipped coupling": shaken(AffineCoupling(4, 2, 8, flip=True, clamp=0.5)),
    "checkerboard": shaken(CheckerboardCoupling(4, 2, 8, flip=True, clamp=0.5)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_each_layer_is_undone_and_knows_its_determinant(name: str) -> None:
    layer = LAYERS[name].double()
    x, condition = random(1, 4, 4, 4).double(), random(1, 2, 4, 4).double()
    z, log_det = layer(x, condition)
    back = layer.inverse(z, condition)
    jacobian = torch.autograd.functional.jacobian(lambda v: layer(v, condition)[0].flatten(), x)
    expected = torch.linalg.slogdet(jacobian.reshape(64, 64)).logabsdet
    assert (back - x).abs().max() < 1e-5
    assert log_det.item() == pytest.approx(expected.item(), abs=1e-4)
    layer.float()


@pytest.mark.parametrize("shape", VARIANTS, ids=["1 block", "checkerboard", "2 blocks"])
def test_the_flow_knows_the_determinant_that_autograd_finds(shape: FlowShape) -> None:
    x = random(1, 1, 8, 8).abs()
    flow, condition = flow_and_condition(shape, x)
    z, log_det = flow(x, condition)
    jacobian = torch.autograd.functional.jacobian(lambda v: flow(v, condition)[0].flatten(), x)
    expected = torch.linalg.slogdet(jacobian.reshape(64, 64).double()).logabsdet
    assert z.shape[1] == shape.channels
    assert abs(log_det.item()) > 1
    assert log_det.item() == pytest.approx(expected.item(), rel=1e-4, abs=1e-3)


HOSTILE = {
    "magnitudes": random(1, 1, 64, 64).abs(),
    "constant": torch.full((1, 1, 64, 64), 0.7),
    "zeros": torch.zeros(1, 1, 64, 64),
    "pure noise": 5.0 * random(1, 1, 64, 64),
    "saturated": random(1, 1, 64, 64).sign() * 16.0,
    "huge": 1e6 * random(1, 1, 64, 64),
    "a huge constant": torch.full((1, 1, 64, 64), 1e6),
    "one bright pixel": torch.zeros(1, 1, 64, 64).index_put(
        (*(torch.tensor(i) for i in (0, 0, 9, 9)),), torch.tensor(1e6)
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_input_is_lost_in_the_flow(name: str) -> None:
    x = HOSTILE[name]
    flow, condition = flow_and_condition(SHAPE, x)
    with torch.inference_mode():
        z, log_det = flow(x, condition)
        back = flow.inverse(z, condition)
    assert torch.isfinite(z).all()
    assert torch.isfinite(log_det).all()
    assert (z - x.mean()).abs().max() > 0.1
    assert (back - x).abs().max() / max(1.0, float(x.abs().max())) < 1e-4


def test_with_bfloat16_sub_networks_the_image_comes_back_but_for_their_rounding() -> None:
    x = HOSTILE["magnitudes"].clamp(max=3.0)  # what is wild goes another way
    flow, _ = flow_and_condition(SHAPE, x)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        condition = flow.condition(random(1, 2, 64, 64), random(1, 2))
        z, log_det = flow(x, condition)
        back = flow.inverse(z, condition)
    # A value within float32's rounding of a bfloat16 boundary may be rounded the other way on the way back, and the
    # couplings after it hand that on.
    assert condition[-1].dtype == torch.bfloat16
    assert {z.dtype, log_det.dtype, back.dtype} == {torch.float32}
    assert (back - x).square().mean().sqrt() < 2e-3


def test_wild_images_come_back_through_float64_whatever_the_sub_networks_round() -> None:
    x = HOSTILE["huge"]
    flow, _ = flow_and_condition(SHAPE, x)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        condition = flow.condition(random(1, 2, 64, 64), random(1, 2))
        z, log_det = flow(x, condition)
        back = flow.inverse(z, condition)
    assert {z.dtype, log_det.dtype, back.dtype} == {torch.float64}
    assert (back - x).abs().max() < 1e-9 * x.abs().max()


def test_couplings_and_mixing_compute_in_float32_under_autocast() -> None:
    x, condition = random(1, 4, 16, 16), random(1, 2, 16, 16)
    mixing, coupling = LAYERS["mixing"], LAYERS["coupling"]
    wild = x.clone()
    wild[:, 2:] *= 1e4  # the changed half: bfloat16 would lose its digits
    with torch.no_grad():
        exact = mixing(x)[0]
        with torch.autocast("cpu", torch.bfloat16):
            assert torch.equal(mixing(x)[0], exact)
            back = coupling.inverse(coupling(wild, condition)[0], condition)
    assert (back - wild).abs().max() < 1e-2


def test_a_new_flow_is_the_orthonormal_wavelet_packet_transform() -> None:
    flow = Flow(SHAPE).eval()
    x = random(1, 1, 32, 32)
    z, log_det = flow(x, flow.condition(torch.zeros(1, 2, 32, 32), torch.zeros(1, 2)))
    assert log_det.item() == pytest.approx(0.0, abs=1e-3)
    assert z.square().sum().item() == pytest.approx(x.square().sum().item(), rel=1e-4)
    flat, _ = flow(torch.ones(1, 1, 32, 32), flow.condition(torch.zeros(1, 2, 32, 32), torch.zeros(1, 2)))
    assert flat[:, 0].min() > 3.9
    assert flat[:, 1:].abs().max() < 1e-5


@pytest.mark.parametrize(
    ("content", "channels"), [(1 / 8, 2), (1 / 4, 4), (1 / 2, 8), (3 / 4, 12), (7 / 8, 14)]
)
def test_the_split_is_a_setting_of_the_architecture(content: float, channels: int) -> None:
    assert FlowShape(content=content).content_channels == channels


def test_the_first_batch_sets_an_actnorm_once_and_the_flag_is_saved_with_the_weights() -> None:
    first, later = 3.0 + 2.0 * random(8, 4, 16, 16), random(8, 4, 16, 16)
    norm = ActNorm(4)
    norm.eval()(first)
    assert not norm.initialised  # only training sets it
    z, _ = norm.train()(first)
    assert z.std(dim=(0, 2, 3)).sub(1).abs().max() < 0.01
    assert z.mean().abs() < 0.1

    loaded = ActNorm(4)
    loaded.load_state_dict({name: value.half().float() for name, value in norm.state_dict().items()})
    before = loaded.log_scale.clone()
    loaded.train()(later)
    assert loaded.initialised
    assert torch.equal(loaded.log_scale, before)


def test_a_black_background_does_not_make_a_giant_scale() -> None:
    norm = ActNorm(1).train()
    norm(torch.zeros(2, 1, 8, 8))
    assert norm.log_scale.exp().item() <= 1000.001


def test_neighbours_start_without_weight_and_then_count() -> None:
    flow, _ = flow_and_condition(SHAPE, random(1, 1, 32, 32))
    x, told = random(1, 1, 32, 32), torch.zeros(1, 2)
    conditions = [flow.condition(value * torch.ones(1, 2, 32, 32), told) for value in (0.0, 1.0)]
    assert not torch.allclose(flow(x, conditions[0])[0], flow(x, conditions[1])[0], atol=1e-3)
    new = Flow(SHAPE)
    for layer in new.modules():
        if isinstance(layer, AffineCoupling):
            nn.init.normal_(layer.net.last.weight)
    assert torch.equal(new.eval()(x, conditions[0])[0], new(x, conditions[1])[0])
