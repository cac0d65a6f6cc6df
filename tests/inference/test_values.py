"""Voxels that need care: padding, metal, magnitudes, negative numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from quietvoxel.errors import BadInputError
from quietvoxel.inference import measure
from quietvoxel.intensity import intensity_for
from quietvoxel.volume import Modality, Volume

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietvoxel.inference import DenoiseResult

    Run = Callable[..., DenoiseResult]
    Make = Callable[..., Volume]


@pytest.mark.parametrize("value", [-2000, -3024])
@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_ct_padding_comes_back_unchanged(run: Run, volume_of: Make, value: int, dtype: str) -> None:
    volume = volume_of((3, 48, 48), dtype=dtype)
    volume.data[:, :, :8] = value
    result = run(volume, options={"sigma": 30.0}).volume.data
    assert (result[:, :, :8] == value).all()
    assert not np.array_equal(result[:, :, 8:], volume.data[:, :, 8:])


def test_ct_padding_does_not_reach_the_network_as_an_edge(run: Run, plain: Any, volume_of: Make) -> None:
    lowest = []
    volume = volume_of((1, 48, 48))
    volume.data[:, :, :8] = -3024.0
    run(volume, plain(lambda x: (lowest.append(float(x.min())), x)[1]))
    assert lowest == [-1.0]  # air


def test_mr_zeros_outside_the_field_of_view_come_back_and_enter_no_statistic(
    run: Run, volume_of: Make
) -> None:
    volume = volume_of((3, 48, 48), Modality.MR)
    cropped = Volume(volume.data[:, :, 12:].copy(), volume.geometry, volume.modality)
    volume.data[:, :, :12] = 0.0
    result = run(volume).volume.data
    assert (result[:, :, :12] == 0).all()
    assert not np.array_equal(result[:, :, 12:], volume.data[:, :, 12:])
    assert measure(volume, 1.0).intensity.unit == pytest.approx(
        measure(cropped, 1.0).intensity.unit, rel=0.01
    )


def test_mr_padding_reaches_the_network_as_background_noise_the_same_in_every_slab(
    run: Run, plain: Any, volume_of: Make
) -> None:
    volume, seen = volume_of((2, 64, 64), Modality.MR), []
    volume.data[:, :, :16] = 0.0
    unit = measure(volume, 1.0).intensity.unit
    result = run(
        volume, plain(lambda x: (seen.append(x[0, 0, :, :16].clone()), x)[1]), options={"sigma": 30.0}
    )
    assert (result.volume.data[:, :, :16] == 0).all()
    for background in seen:
        assert float(background.square().mean()) == pytest.approx(2 * (30.0 / unit) ** 2, rel=0.1)
    again: list[Any] = []
    run(
        volume,
        plain(lambda x: (again.append(x[0, 0, :, :16].clone()), x)[1]),
        options={"sigma": 30.0},
        only=[1],
    )
    assert any(np.array_equal(again[0], one) for one in seen)


def test_padding_has_no_uncertainty(run: Run, plain: Any, volume_of: Make) -> None:
    volume = volume_of((1, 48, 48))
    volume.data[:, :, :8] = -2000.0
    spread = run(volume, plain(lambda x: x, spread=0.01)).uncertainty
    assert spread is not None
    assert (spread[:, :, :8] == 0).all()
    assert np.allclose(spread[:, :, 8:], 10.0)


def test_metal_beyond_the_range_of_the_network_keeps_its_value_plus_the_residual(
    run: Run, plain: Any, volume_of: Make
) -> None:
    seen = []
    volume = volume_of((1, 32, 32), dtype="int16")
    volume.data[0, 10:12, 10:12] = [[3500, 8000], [20000, 30000]]
    result = run(volume, plain(lambda x: (seen.append(float(x.max())), x - 0.015)[1])).volume.data
    assert seen == [pytest.approx(3.072)]
    assert np.array_equal(result[0, 10:12, 10:12], volume.data[0, 10:12, 10:12] - 15)


def test_a_magnitude_is_never_negative(run: Run, plain: Any, volume_of: Make) -> None:
    result = run(volume_of(modality=Modality.MR), plain(lambda x: x - 10.0)).volume.data
    assert result.min() == 0.0


def test_rounding_does_not_make_a_zero_negative(run: Run, plain: Any, volume_of: Make) -> None:
    volume = volume_of(modality=Modality.MR)
    assert run(volume, plain(lambda x: 0.0 * x)).volume.data.min() >= 0.0


def test_a_signed_image_stays_signed(run: Run, plain: Any) -> None:
    data = np.random.default_rng(0).normal(0, 100, (2, 24, 24)).astype(np.float32)
    result = run(Volume(data, modality=Modality.OTHER), plain(lambda x: 0.5 * x)).volume.data
    assert np.allclose(result, 0.5 * data, atol=1e-3)


def test_engines_are_told_how_low_the_volume_goes_whichever_slice_they_see(run: Run, plain: Any) -> None:
    phase = np.random.default_rng(0).uniform(0.1, 1.0, (3, 24, 24)).astype(np.float32)
    phase[0, 0, 0] = -0.9
    engine = plain(lambda x: x)
    run(Volume(phase, modality=Modality.MR), engine)
    unit = float(np.percentile(np.abs(phase), 99.5))
    assert [told.lowest for told in engine.contexts] == pytest.approx([-0.9 / unit] * 3)
    magnitude = plain(lambda x: x)
    run(Volume(np.abs(phase), modality=Modality.MR), magnitude)
    assert {told.lowest for told in magnitude.contexts} == {0.0}


def test_ct_goes_by_fixed_hounsfield_units_and_mr_by_a_percentile() -> None:
    data = np.random.default_rng(0).uniform(0, 500, (4, 64, 64)).astype(np.float32)
    outlier = data.copy()
    outlier[0, 0, 0] = 1e6
    assert intensity_for(data, Modality.CT) == intensity_for(outlier, Modality.CT)
    assert intensity_for(data, Modality.MR).unit == pytest.approx(
        intensity_for(outlier, Modality.MR).unit, rel=1e-3
    )
    assert intensity_for(data, Modality.MR).unit == pytest.approx(float(np.percentile(data, 99.5)))


def test_the_scale_of_a_large_volume_is_sampled_without_a_bias() -> None:
    rng = np.random.default_rng(1)
    data = rng.uniform(0, 1, (40, 256, 256)).astype(np.float32) * np.linspace(0.2, 1, 256, dtype=np.float32)
    sampled = intensity_for(data, Modality.MR).unit
    assert sampled == pytest.approx(float(np.percentile(data, 99.5)), rel=2e-3)


def test_nothing_but_zeros_is_said() -> None:
    with pytest.raises(BadInputError, match="nothing but zeros"):
        intensity_for(np.zeros((2, 16, 16)), Modality.MR)


def test_unknown_noise_is_said_and_nothing_is_removed(run: Run) -> None:
    data = np.random.default_rng(0).normal(40, 20, (20, 12, 12)).astype(np.float32)  # too small to tell
    result = run(Volume(data, modality=Modality.CT), options={"sigma": None})
    assert result.sigma == 0
    assert any("--sigma" in note for note in result.notes)
    assert np.array_equal(result.volume.data, data)
