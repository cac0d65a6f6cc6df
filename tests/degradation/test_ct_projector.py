"""The projector: a linear map with an exact transpose, whose inverse brings water back as 0 HU."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from quietvoxel.degradation.ct_geometry import BeamGeometry, FanBeam, ParallelBeam
from quietvoxel.degradation.ct_kernel import Kernel
from quietvoxel.degradation.ct_projector import CTProjector

BEAMS = [ParallelBeam(24), FanBeam(24, source_radius_mm=200.0)]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def disc(size: int, spacing_mm: float, radius_mm: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw an anti-aliased disc (1, 1, H, W) of value 1 and the distance of each pixel from its centre."""
    fine = (torch.arange(4 * size, dtype=torch.float32) - 0.5 * (4 * size - 1)) * spacing_mm / 4
    inside = (torch.hypot(fine[:, None], fine) < radius_mm).float()
    coarse = (torch.arange(size, dtype=torch.float32) - 0.5 * (size - 1)) * spacing_mm
    return functional.avg_pool2d(inside[None, None], 4), torch.hypot(coarse[:, None], coarse)


@pytest.mark.parametrize("beam", BEAMS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-10)])
def test_the_adjoint_is_the_transpose(beam: BeamGeometry, dtype: torch.dtype, tolerance: float) -> None:
    projector = CTProjector(beam, (33, 40), (0.8, 1.1))
    x = torch.randn(2, 1, 33, 40, dtype=dtype, generator=generator())
    y = torch.randn(2, 1, 24, projector.cells, dtype=dtype, generator=generator(1))

    forward = torch.sum(projector.project(x) * y)
    backward = torch.sum(x * projector.adjoint(y))

    norm = projector.project(x).norm() * y.norm()
    assert abs(forward - backward) / norm < tolerance


@pytest.mark.parametrize("beam", BEAMS)
def test_projection_is_linear(beam: BeamGeometry) -> None:
    projector = CTProjector(beam, (32, 32), 1.0)
    x, y = torch.randn(2, 1, 1, 32, 32, dtype=torch.float64, generator=generator())

    torch.testing.assert_close(
        projector.project(2 * x - 3 * y), 2 * projector.project(x) - 3 * projector.project(y)
    )


@pytest.mark.parametrize("beam", BEAMS)
def test_a_batch_gives_what_single_slices_give(beam: BeamGeometry) -> None:
    projector = CTProjector(beam, (32, 30), 1.0)
    x = torch.rand(3, 1, 32, 30, generator=generator())
    kernels = [Kernel(), Kernel("cosine"), Kernel("hann", 0.5)]

    together = projector.project(x)
    images = projector.fbp(together, kernels)

    for b, kernel in enumerate(kernels):
        torch.testing.assert_close(together[b : b + 1], projector.project(x[b : b + 1]))
        torch.testing.assert_close(images[b : b + 1], projector.fbp(together[b : b + 1], kernel))


@pytest.mark.parametrize("spacing_mm", [0.5, 0.9])
@pytest.mark.parametrize("beam", [ParallelBeam(400), FanBeam(500)])
def test_a_disc_of_water_comes_back_as_water(beam: BeamGeometry, spacing_mm: float) -> None:
    water, distance = disc(128, spacing_mm, 45 * spacing_mm)
    projector = CTProjector(beam, (128, 128), spacing_mm)

    mu = projector.fbp(projector.project(0.02 * water), Kernel("hann"))[0, 0]

    inside = 1000 * (mu / 0.02 - 1)[distance < 38 * spacing_mm]
    assert inside.abs().max() < 2
    assert inside.mean().abs() < 0.1


@pytest.mark.parametrize("beam", BEAMS)
def test_line_integrals_are_in_millimetres(beam: BeamGeometry) -> None:
    water, _ = disc(64, 0.7, 15.0)
    sinogram = CTProjector(beam, (64, 64), 0.7).project(water)

    torch.testing.assert_close(sinogram.amax(-1), torch.full((1, 1, 24), 30.0), atol=0.15, rtol=0)


def test_projections_can_be_differentiated() -> None:
    projector = CTProjector(ParallelBeam(6), (16, 16), 1.0)
    x = torch.rand(1, 1, 16, 16, dtype=torch.float64, requires_grad=True, generator=generator())
    y = torch.rand(1, 1, 6, projector.cells, dtype=torch.float64, generator=generator(1))

    (gradient,) = torch.autograd.grad(projector.project(x), x, y)

    torch.testing.assert_close(gradient, projector.adjoint(y))


def test_what_does_not_fit_is_refused() -> None:
    projector = CTProjector(ParallelBeam(6), (16, 16), 1.0)
    with pytest.raises(ValueError, match=r"Expected \(batch, 1, 16, 16\)"):
        projector.project(torch.zeros(1, 1, 16, 17))
    with pytest.raises(ValueError, match="source at 40 mm lies inside"):
        CTProjector(FanBeam(6, source_radius_mm=40.0), (64, 64), 1.0)
    with pytest.raises(ValueError, match="cannot be projected"):
        CTProjector(ParallelBeam(6), (64, 64), 0.0)
