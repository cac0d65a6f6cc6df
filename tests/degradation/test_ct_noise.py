"""Inserted CT noise has the variance, the texture and the streaks of a lower dose; nothing else changes."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from quietvoxel.degradation.ct_geometry import FanBeam, ParallelBeam
from quietvoxel.degradation.ct_kernel import BODY_KERNEL, Kernel, random_kernel
from quietvoxel.degradation.ct_noise import (
    NoiseUnit,
    degrade_ct,
    insert_noise,
    path_lengths,
    unit_noise,
)
from quietvoxel.degradation.ct_projector import CTProjector
from quietvoxel.degradation.ct_scanner import Scanner, attenuation, dose_fraction, log_variance
from quietvoxel.degradation.ct_tissue import lag_one_correlation, soft_tissue_mask, soft_tissue_sd

BEAM = ParallelBeam(120)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def ellipse(size: int, a: float, b: float, hu: float = 40.0) -> torch.Tensor:
    """Draw an ellipse of half axes a (columns) and b (rows) in units of half the image, in air."""
    t = torch.linspace(-1, 1, size)
    inside = (t / a) ** 2 + (t[:, None] / b) ** 2 < 1
    return torch.where(inside, hu, -1000.0)[None, None]


@pytest.fixture(scope="module")
def slice_and_unit() -> tuple[torch.Tensor, NoiseUnit]:
    hu = ellipse(96, 0.8, 0.8)
    return hu, unit_noise(hu, 3.0, generator=generator(), geometry=BEAM, realisations=8)


def test_no_step_returns_the_slice_bit_for_bit() -> None:
    hu = 100 * torch.randn(2, 1, 32, 32, generator=generator())
    hu[0, 0, 0, :2] = torch.tensor([-0.0, -3024.0])
    unit = unit_noise(hu, 1.0, generator=generator(), geometry=ParallelBeam(40))

    same = degrade_ct(hu, torch.tensor([0.0, 0.0]), unit)

    assert torch.equal(same.view(torch.int32), hu.view(torch.int32))


def test_each_sample_of_a_batch_has_its_own_step() -> None:
    hu = ellipse(32, 0.8, 0.8).expand(3, -1, -1, -1)
    unit = unit_noise(hu, 5.0, generator=generator(), geometry=ParallelBeam(40))

    noise = degrade_ct(hu, torch.tensor([0.0, 0.2, 0.5]), unit) - hu

    assert noise[0].abs().max() == 0
    for b, delta in ((1, 0.2), (2, 0.5)):
        single = NoiseUnit(unit.quantum[b : b + 1], unit.electronic[b : b + 1])
        torch.testing.assert_close(noise[b : b + 1], degrade_ct(hu[:1], delta, single) - hu[:1])


@pytest.mark.parametrize("dose", [0.5, 0.1])
def test_projection_noise_has_the_variance_of_the_missing_photons(dose: float) -> None:
    p = torch.tensor([1.0, 4.0, 6.0])
    scanner = Scanner(photons=1e6, electronic_variance=0.0)
    counts = (scanner.photons * torch.exp(-p))[:, None].expand(-1, 40_000)
    full = torch.log(torch.poisson(counts, generator=generator())).var(dim=1)
    low = torch.log(torch.poisson(dose * counts, generator=generator())).var(dim=1)

    missing = log_variance(p, scanner)[0] * (1 / dose - 1)

    torch.testing.assert_close(missing, torch.exp(p) * (1 - dose) / (dose * scanner.photons))
    torch.testing.assert_close(full + missing, low, rtol=0.05, atol=0)


def test_electronic_noise_grows_with_the_square_of_the_missing_photons() -> None:
    p = torch.tensor([5.0, 6.5])
    scanner = Scanner(photons=1e6, electronic_variance=400.0)
    clean = (0.25 * scanner.photons * torch.exp(-p))[:, None].expand(-1, 40_000)
    noisy = torch.poisson(clean, generator=generator())
    noisy = noisy + 20 * torch.randn(clean.shape, generator=generator())
    quantum, electronic = log_variance(p, scanner)

    expected = quantum * 4 + electronic * 16

    torch.testing.assert_close(torch.log(noisy).var(dim=1), expected, rtol=0.05, atol=0)


def test_shadows_keep_a_finite_variance() -> None:
    quantum, electronic = log_variance(torch.tensor([40.0]), Scanner(min_photons=10.0))
    assert quantum.item() == pytest.approx(0.1)
    assert electronic.item() == pytest.approx(1.0)


def test_the_dose_has_a_floor() -> None:
    assert dose_fraction(0.2).item() == pytest.approx(math.exp(-1))
    assert dose_fraction(4.0).item() == pytest.approx(Scanner().min_dose_fraction)


def test_the_noise_image_grows_as_the_root_of_the_missing_dose(
    slice_and_unit: tuple[torch.Tensor, NoiseUnit],
) -> None:
    _, unit = slice_and_unit
    quantum_only = NoiseUnit(unit.quantum, torch.zeros_like(unit.quantum))
    for dose in (0.8, 0.25, 0.05):
        torch.testing.assert_close(quantum_only.at(dose), unit.quantum * math.sqrt(1 / dose - 1))


def test_two_reductions_have_the_variance_of_one(slice_and_unit: tuple[torch.Tensor, NoiseUnit]) -> None:
    _, unit = slice_and_unit
    first = NoiseUnit(unit.quantum[:, :4], unit.electronic[:, :4])
    second = NoiseUnit(unit.quantum[:, 4:], unit.electronic[:, 4:])

    twice = first.at(0.5) + second.at(0.4, reference_dose=0.5)

    torch.testing.assert_close(twice.var(), unit.at(0.2).var(), rtol=0.05, atol=0)


def test_the_noise_is_unbiased_and_reproducible(slice_and_unit: tuple[torch.Tensor, NoiseUnit]) -> None:
    hu, unit = slice_and_unit
    again = unit_noise(hu, 3.0, generator=generator(), geometry=BEAM, realisations=8)

    assert torch.equal(unit.quantum, again.quantum)
    assert torch.equal(unit.electronic, again.electronic)
    assert abs(unit.quantum.mean()) < 0.01 * unit.quantum.std()


@pytest.mark.parametrize(
    "kernel", [BODY_KERNEL, Kernel("hann"), Kernel("cosine"), Kernel("shepp-logan"), Kernel("hann", 0.7)]
)
def test_neighbouring_pixels_correlate_as_the_kernel_says(kernel: Kernel) -> None:
    hu = ellipse(128, 0.8, 0.8)
    unit = unit_noise(hu, 1.0, generator=generator(), kernel=kernel, geometry=ParallelBeam(200))

    measured = lag_one_correlation(unit.quantum, soft_tissue_mask(hu))

    assert measured == pytest.approx(kernel.correlation(), abs=0.05)


def test_the_usual_kernel_correlates_like_real_series() -> None:
    assert 0.35 < BODY_KERNEL.correlation() < 0.45


def test_drawn_kernels_span_the_correlation_of_real_series() -> None:
    source = generator()
    drawn = [random_kernel(source).correlation() for _ in range(60)]
    assert min(drawn) < 0.27
    assert max(drawn) > 0.63
    assert all(0.19 < r < 0.71 for r in drawn)


def test_long_paths_leave_streaks() -> None:
    hu = ellipse(128, 0.95, 0.5)
    hu[..., 56:72, 16:28] = 1500.0
    hu[..., 56:72, 100:112] = 1500.0
    unit = unit_noise(hu, 2.5, generator=generator(), geometry=ParallelBeam(240), realisations=4)
    between = unit.quantum[..., 57:71, 34:94]

    along = (between[..., :, 2:] - between[..., :, :-2]).var()
    across = (between[..., 2:, :] - between[..., :-2, :]).var()

    assert across > 1.5 * along


def test_a_wider_patient_is_noisier() -> None:
    hu = ellipse(64, 0.9, 0.9)
    narrow, wide = (
        soft_tissue_sd(unit_noise(hu, mm, generator=generator(), geometry=BEAM).quantum, hu)
        for mm in (2.0, 4.0)
    )
    # 115 mm more water make e^(0.02 * 115 / 2) = 3.2 times the noise; twice the pixel takes half of it away.
    assert 1.2 < wide / narrow < 1.6


def test_more_views_share_the_photons_and_leave_the_noise_as_it_is() -> None:
    hu = ellipse(96, 0.8, 0.8)
    sds = []
    for beam in (ParallelBeam(120), ParallelBeam(240), FanBeam(240), FanBeam(480)):
        noise = unit_noise(hu, 2.0, generator=generator(), geometry=beam, realisations=4).at(0.5)
        sds.append(soft_tissue_sd(noise, hu.expand_as(noise)))
    assert sds[1] == pytest.approx(sds[0], rel=0.08)
    assert sds[3] == pytest.approx(sds[2], rel=0.08)
    assert sds[2] == pytest.approx(sds[0], rel=0.25)


@pytest.mark.parametrize("beam", [ParallelBeam(120), FanBeam(120)])
def test_path_lengths_from_few_views_are_those_from_all(beam: ParallelBeam | FanBeam) -> None:
    hu = ellipse(256, 0.9, 0.6)
    projector = CTProjector(beam, (256, 256), 1.0)

    exact = projector.project(attenuation(hu))
    quick = path_lengths(hu, projector)

    assert (quick - exact).abs().mean() < 0.02
    assert (quick - exact).abs().max() < 0.5


def test_the_noise_can_be_set_in_soft_tissue() -> None:
    hu = ellipse(96, 0.8, 0.6)
    hu[..., :4, :] = -2000.0
    unit = unit_noise(hu, 3.0, generator=generator(), geometry=BEAM)

    noisy = insert_noise(hu, unit.quantum, 20.0)

    assert soft_tissue_sd(noisy - hu, hu) == pytest.approx(20.0, rel=1e-4)
    assert torch.equal(noisy[..., :4, :], hu[..., :4, :])
    assert soft_tissue_sd(unit.matched(hu, 12.0).at(0.5), hu) == pytest.approx(12.0, rel=1e-4)
    assert torch.equal(insert_noise(hu, unit.quantum, 0.0), hu)


def test_soft_tissue_leaves_out_edges_and_everything_else() -> None:
    hu = torch.full((1, 1, 20, 20), -100.0)
    hu[..., 5:15, 5:15] = 50.0
    mask = soft_tissue_mask(hu)
    expected = functional.pad(torch.ones(1, 1, 8, 8, dtype=torch.bool), (6, 6, 6, 6))
    assert torch.equal(mask, expected)
