"""The bank hands out fresh noise of the right strength for any crop, from a few stored images."""

from __future__ import annotations

import pytest
import torch

from quietvoxel.degradation.ct_noise import NoiseUnit, degrade_ct
from quietvoxel.degradation.ct_scanner import dose_fraction
from quietvoxel.degradation.ct_tissue import soft_tissue_sd
from quietvoxel.degradation.noise_bank import NoiseBank


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def water(size: int) -> torch.Tensor:
    t = torch.linspace(-1, 1, size)
    return torch.where(torch.hypot(t, t[:, None]) < 0.8, 40.0, -1000.0)


@pytest.fixture(scope="module")
def bank() -> NoiseBank:
    slices = [water(80), water(80), water(64)]
    return NoiseBank.build(slices, [2.0, 2.0, 3.0], generator=generator(), sd_hu=[10.0, 20.0, 10.0])


def test_every_slice_has_the_noise_asked_for(bank: NoiseBank) -> None:
    assert len(bank) == 3
    assert bank.unit_sd_hu == pytest.approx([10.0, 20.0, 10.0], rel=1e-3)
    for i, size in enumerate((80, 80, 64)):
        assert bank.images[i].shape == (2, 3, size, size)


def test_draws_are_fresh_and_as_strong_as_the_stored_noise(bank: NoiseBank) -> None:
    source = generator(1)
    hu = water(80)[None, None]
    drawn = [bank.draw([1], generator=source)[0] for _ in range(40)]

    strengths = torch.tensor([soft_tissue_sd(unit.at(0.5), hu) for unit in drawn])

    torch.testing.assert_close(strengths.square().mean().sqrt(), torch.tensor(20.0), rtol=0.05, atol=0)
    assert not torch.equal(drawn[0].quantum, drawn[1].quantum)


def test_draws_made_together_are_independent(bank: NoiseBank) -> None:
    source = generator(2)
    correlations = []
    for _ in range(40):
        first, second = bank.draw([0], generator=source, draws=2)
        pair = torch.stack([first.quantum.flatten(), second.quantum.flatten()])
        correlations.append(torch.corrcoef(pair)[0, 1])
    assert abs(torch.stack(correlations).mean()) < 0.05


def test_two_draws_lower_the_dose_as_one_does(bank: NoiseBank) -> None:
    source = generator(3)
    hu = water(80)[None, None]
    once, twice = [], []
    for _ in range(60):
        first, second = bank.draw([0], generator=source, draws=2)
        half = degrade_ct(hu, 0.1, first)
        both = degrade_ct(half, 0.2, second, reference_dose=dose_fraction(0.1))
        once.append((degrade_ct(hu, 0.3, first) - hu).var())
        twice.append((both - hu).var())
    torch.testing.assert_close(torch.stack(twice).mean(), torch.stack(once).mean(), rtol=0.05, atol=0)


def test_crops_are_cut_out_of_the_slice(bank: NoiseBank) -> None:
    crops = [(0, 0, 32, 48), (48, 32, 32, 48), (16, 8, 32, 48)]
    (unit,) = bank.draw([0, 1, 2], generator=generator(), crops=crops)
    assert unit.quantum.shape == (3, 1, 32, 48)
    assert unit.electronic.shape == (3, 1, 32, 48)


def test_the_same_seed_draws_the_same_noise(bank: NoiseBank) -> None:
    one, two = (bank.draw([0, 1], generator=generator(7))[0] for _ in range(2))
    assert isinstance(one, NoiseUnit)
    assert torch.equal(one.quantum, two.quantum)


def test_more_independent_draws_than_stored_are_refused(bank: NoiseBank) -> None:
    with pytest.raises(ValueError, match="the bank holds 3"):
        bank.draw([0], generator=generator(), draws=4)


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    NoiseBank.build(
        [water(32)] * 3,
        [1.0] * 3,
        generator=generator(),
        batch=2,
        realisations=1,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(2, 3), (3, 3)]
