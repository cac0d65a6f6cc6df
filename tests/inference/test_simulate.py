"""Simulated noise: as much as was asked for, padding left alone, the input's type kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from quietvoxel.errors import BadInputError
from quietvoxel.inference.simulate import simulate
from quietvoxel.volume import Geometry, Modality, Volume

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., Volume]


def disc(noise: float = 0.0, dtype: str = "float32") -> Volume:
    """A disc of soft tissue in air."""
    y, x = np.mgrid[-40:40, -40:40]
    inside = y**2 + x**2 < 34**2
    data = np.where(inside, 50.0, -1000.0)[None].repeat(3, axis=0)
    data += noise * np.random.default_rng(0).normal(size=data.shape)
    return Volume(np.rint(data).astype(dtype), Geometry((3.0, 3.0, 3.0)), Modality.CT)


def test_ct_noise_has_the_level_asked_for() -> None:
    truth = disc()
    noisy = simulate(truth, sigma=25.0, seed=1)
    tissue = truth.data == 50
    assert float((noisy.volume.data - truth.data)[tissue].std()) == pytest.approx(25.0, rel=0.1)
    assert noisy.sigma_added == 25.0


@pytest.mark.parametrize("measure", [{"dose": 1.0}, {"delta": 0.0}, {"sigma": 0.0}])
def test_nothing_added_returns_the_scan_bit_for_bit(measure: dict[str, float]) -> None:
    volume = disc(noise=10.0)
    assert np.array_equal(simulate(volume, **measure).volume.data, volume.data)


def test_the_type_is_kept_and_the_seed_repeats() -> None:
    volume = disc(dtype="int16")
    first, again, other = (simulate(volume, sigma=20.0, seed=seed).volume.data for seed in (1, 1, 2))
    assert first.dtype == np.int16
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_mr_noise_is_rician_and_padding_stays(volume_of: Make) -> None:
    volume = volume_of((2, 64, 64), Modality.MR)
    volume.data[:, :, :8] = 0.0
    noisy = simulate(volume, sigma=40.0, seed=3).volume.data
    assert (noisy[:, :, :8] == 0).all()
    assert noisy.min() >= 0
    assert float((noisy - volume.data)[:, :, 8:].std()) == pytest.approx(40.0, rel=0.1)


@pytest.mark.parametrize(
    ("modality", "measure", "words"),
    [
        ("CT", {}, "exactly one"),
        ("CT", {"dose": 0.5, "sigma": 3.0}, "exactly one"),
        ("CT", {"snr": 10.0}, "--snr is for MR"),
        ("MR", {"dose": 0.5}, "--dose is for CT"),
        ("CT", {"dose": 0.0}, "between 0.005 and 1"),
        ("CT", {"dose": float("nan")}, "between 0.005 and 1"),
        ("CT", {"sigma": -1.0}, "--sigma"),
        ("MR", {"sigma": float("nan")}, "--sigma"),
        ("MR", {"delta": float("inf")}, "--delta"),
        ("MR", {"snr": 0.0}, "--snr"),
    ],
)
def test_what_cannot_be_done_is_said(
    volume_of: Make, modality: str, measure: dict[str, Any], words: str
) -> None:
    volume = volume_of((2, 40, 40), Modality(modality))
    with pytest.raises(BadInputError, match=words):
        simulate(volume, **measure)
