"""What the user gets from `denoise`: every slice once, the same in any order, in the type it came in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from quietvoxel.engines.relative_flow.settings import RelativeFlowSettings
from quietvoxel.errors import BadInputError, CancelledError, QuietVoxelError
from quietvoxel.inference import Finished, SliceDone, Started, StepDone, measure
from quietvoxel.inference.ensemble import TRANSFORMS, turned, turned_back
from quietvoxel.inference.slabs import Slices, outwards, slice_axis
from quietvoxel.phantoms import mr_phantom
from quietvoxel.volume import Geometry, Modality, Volume

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietvoxel.inference import DenoiseResult

    Run = Callable[..., DenoiseResult]
    Make = Callable[..., Volume]


def half(x: torch.Tensor) -> torch.Tensor:
    return 0.5 * x


@pytest.mark.parametrize("modality", [Modality.CT, Modality.MR])
def test_the_slice_of_a_preview_is_that_of_the_whole_volume(
    run: Run, volume_of: Make, modality: Modality
) -> None:
    volume = volume_of(modality=modality)
    whole = run(volume).volume.data
    preview = run(volume, only=[3], options={"start_slice": 1}).volume.data
    assert np.array_equal(preview[3], whole[3])
    assert np.array_equal(preview[[0, 1, 2, 4]], volume.data[[0, 1, 2, 4]])
    assert not np.array_equal(whole[3], volume.data[3])


def test_the_order_of_slices_changes_nothing(run: Run, volume_of: Make) -> None:
    results = [run(volume_of(), options={"start_slice": start}).volume.data for start in (0, 2, 4)]
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])


def test_a_preview_may_go_ahead_between_two_slices(run: Run, volume_of: Make) -> None:
    volume, ahead = volume_of(), []

    def preview() -> None:
        if not ahead:
            ahead.append(run(volume, only=[4]).volume.data[4])

    whole = run(volume, between_slices=preview).volume.data
    assert np.array_equal(ahead[0], whole[4])


def test_statistics_measured_once_serve_a_preview(run: Run, volume_of: Make) -> None:
    volume = volume_of()
    known = measure(volume, 20.0)
    fast = run(volume, only=[2], statistics=known, options={"sigma": None}).volume.data
    assert np.array_equal(fast, run(volume, only=[2]).volume.data)


@pytest.mark.parametrize("dtype", ["int16", "uint16", ">i2", "int32", "float32", "float64"])
def test_voxels_come_back_in_their_type(run: Run, plain: Any, volume_of: Make, dtype: str) -> None:
    volume = volume_of(modality=Modality.MR, dtype=dtype)
    result = run(volume, plain(half)).volume
    assert result.data.dtype == (np.float32 if dtype == "float64" else np.dtype(dtype).newbyteorder("="))
    assert np.allclose(result.data, 0.5 * volume.data, atol=0.5)
    assert result.geometry == volume.geometry
    assert result.source.derived_by_us


def test_values_outside_the_type_are_clipped_and_counted(run: Run, plain: Any) -> None:
    data = np.full((2, 16, 16), 40000, np.uint16)
    data[0, :4] = 20000
    result = run(Volume(data, modality=Modality.MR), plain(lambda x: 2.0 * x))
    assert result.clipped == data.size - 4 * 16
    assert result.volume.data.max() == 65535
    assert (result.volume.data[0, :4] == 40000).all()


@pytest.mark.parametrize("value", [2**31 - 1, -(2**31)])
def test_the_ends_of_a_32_bit_type_do_not_wrap_around(run: Run, plain: Any, value: int) -> None:
    data = np.full((1, 16, 16), value, np.int32)
    data[0, 0, 0] = 100
    out = run(Volume(data, modality=Modality.MR), plain(lambda x: 3.0 * x)).volume.data
    assert (np.sign(out[0, 1:]) == np.sign(value)).all()


@pytest.mark.parametrize("blend", [0.0, 0.25, 1.0])
def test_blend_mixes_with_the_original(run: Run, plain: Any, volume_of: Make, blend: float) -> None:
    volume = volume_of()
    data = run(volume, plain(half), options={"blend": blend}).volume.data
    assert np.allclose(data, (1 - 0.5 * blend) * volume.data, atol=1e-2)
    assert blend > 0 or np.array_equal(data, volume.data)


@pytest.mark.parametrize("modality", [Modality.CT, Modality.MR])
@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_strength_0_returns_the_input_bit_for_bit(
    run: Run, volume_of: Make, modality: Modality, dtype: str
) -> None:
    volume = volume_of(modality=modality, dtype=dtype)
    result = run(volume, settings=RelativeFlowSettings(strength=0.0))
    assert np.array_equal(result.volume.data, volume.data)


def test_best_quality_is_the_mean_of_eight_turned_runs(run: Run, volume_of: Make) -> None:
    volume = volume_of((1, 32, 24))
    by_hand = []
    for turn, flip in TRANSFORMS:
        image = turned(torch.from_numpy(volume.data)[None], turn, flip).contiguous().numpy()[0]
        out = torch.from_numpy(run(Volume(image, volume.geometry, volume.modality)).volume.data)
        by_hand.append(turned_back(out[None], turn, flip)[0])
    mean = torch.stack(by_hand).mean(0).numpy()

    best = run(volume, settings=RelativeFlowSettings(best_quality=True)).volume.data

    assert np.allclose(best, mean, atol=1e-2)
    assert not np.allclose(best, by_hand[0], atol=0.1)


@pytest.mark.parametrize("axis", ["0", "1", "2"])
def test_any_axis_gives_every_slice_once(run: Run, plain: Any, volume_of: Make, axis: str) -> None:
    volume, seen = volume_of((5, 17, 23)), []
    engine = plain(half)
    result = run(
        volume,
        engine,
        options={"axis": axis},
        on_event=lambda e: seen.append(e) if isinstance(e, SliceDone) else None,
    )
    assert np.allclose(result.volume.data, 0.5 * volume.data, atol=1e-3)
    assert sorted(event.index for event in seen) == list(range(volume.shape[int(axis)]))
    along = np.moveaxis(result.volume.data, int(axis), 0)
    assert all(np.array_equal(event.pixels, along[event.index]) for event in seen)
    assert result.provenance["slice_axis"] == int(axis)


@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 17, 37), (2, 33, 16), (1, 61, 16)])
def test_the_network_takes_any_size(run: Run, volume_of: Make, shape: tuple[int, int, int]) -> None:
    data = run(volume_of(shape)).volume.data
    assert data.shape == shape
    assert np.isfinite(data).all()


def test_anisotropic_volumes_are_cut_across_their_thick_slices(run: Run, plain: Any) -> None:
    def axis_of(shape: tuple[int, int, int], spacing_xyz: tuple[float, float, float]) -> int:
        return slice_axis(Volume(np.zeros(shape), Geometry(spacing_xyz)))

    assert axis_of((20, 20, 20), (1.0, 1.0, 5.0)) == 0
    assert axis_of((20, 20, 20), (1.0, 5.0, 1.0)) == 1
    assert axis_of((20, 20, 20), (5.0, 1.0, 1.0)) == 2
    assert axis_of((20, 20, 20), (1.0, 1.0, 1.0)) == 0
    assert axis_of((1, 20, 20), (5.0, 1.0, 1.0)) == 0  # one image is one slice
    engine = plain(half)
    run(
        Volume(np.random.default_rng(0).normal(0, 9, (16, 4, 20)), Geometry((1.0, 5.0, 1.0)), Modality.CT),
        engine,
    )
    assert engine.slabs == [(1, 3, 16, 20)] * 4
    assert engine.contexts[0].spacing_ratio == 5.0


def test_a_missing_neighbour_is_all_zeros(volume_of: Make) -> None:
    volume = volume_of()
    slices = Slices.of(volume, 0, measure(volume, 1.0))
    slab = slices.slab(0, 2)
    assert slab.shape == (1, 5, 32, 40)
    assert (slab[0, :2] == 0).all()
    assert np.allclose(slab[0, 2:].numpy() * 1000, volume.data[:3], atol=1e-3)


def test_slices_go_outwards_from_the_one_on_screen() -> None:
    assert outwards(5, 3) == [3, 2, 4, 1, 0]
    assert outwards(4, None)[0] == 2
    assert outwards(4, 99)[0] == 3


def test_events_are_complete_and_in_order(run: Run, plain: Any, volume_of: Make) -> None:
    events: list[Any] = []
    result = run(volume_of(), plain(half, steps=3), on_event=events.append, options={"start_slice": 1})

    started, *middle, finished = events
    assert isinstance(started, Started)
    assert (started.slices, started.axis, started.sigma, started.device) == (5, 0, 20.0, "cpu")
    assert isinstance(finished, Finished)
    assert finished.notes == result.notes
    kinds = [type(e) for e in middle]
    assert kinds == ([StepDone] * 3 + [SliceDone]) * 5
    slices = [e for e in middle if isinstance(e, SliceDone)]
    assert [e.index for e in slices] == [1, 0, 2, 3, 4]
    assert [e.done for e in slices] == [1, 2, 3, 4, 5]
    steps = [e for e in middle if isinstance(e, StepDone)]
    assert [(e.done, e.step) for e in steps] == [(d, s) for d in range(5) for s in (1, 2, 3)]
    assert all(e.eta_s is not None and e.eta_s >= 0 for e in steps)


def test_steps_count_on_over_the_passes_of_best_quality(run: Run, plain: Any, volume_of: Make) -> None:
    steps: list[StepDone] = []
    run(
        volume_of((1, 24, 24)),
        plain(half, steps=2),
        settings=RelativeFlowSettings(best_quality=True),
        on_event=lambda e: steps.append(e) if isinstance(e, StepDone) else None,
    )
    assert [(e.step, e.steps) for e in steps] == [(k, 16) for k in range(1, 17)]


def test_it_cancels_within_one_step_and_gives_nothing(run: Run, plain: Any, volume_of: Make) -> None:
    engine = plain(half, steps=4)
    events: list[Any] = []
    with pytest.raises(CancelledError):
        run(volume_of(), engine, on_event=events.append, cancelled=lambda: engine.steps_done >= 6)
    assert engine.steps_done == 6
    assert not any(isinstance(e, Finished) for e in events)


def test_noise_is_seeded_by_seed_and_slice(run: Run, volume_of: Make, plain: Any) -> None:
    def drawn(seed: int, only: list[int]) -> dict[int, float]:
        engine = plain(half)
        run(volume_of(), engine, settings=RelativeFlowSettings(seed=seed), only=only)
        numbers = [float(torch.rand(1, generator=c.generators[0])) for c in engine.contexts]
        return dict(zip(sorted(only), numbers, strict=True)) if len(only) == 1 else {0: len(set(numbers))}

    assert drawn(0, [3]) == drawn(0, [3])
    assert drawn(0, [3]) != drawn(1, [3])
    assert drawn(0, [0, 1, 2, 3])[0] == 4


def test_uncertainty_passes_through_in_the_units_of_the_volume(run: Run, plain: Any, volume_of: Make) -> None:
    volume = volume_of()
    assert run(volume, plain(half)).uncertainty is None
    spread = run(volume, plain(half, spread=0.012)).uncertainty
    assert spread is not None
    assert spread.shape == volume.shape
    assert np.allclose(spread, 12.0)


def test_a_network_that_overflows_is_an_error_and_never_nan(run: Run, plain: Any, volume_of: Make) -> None:
    with pytest.raises(QuietVoxelError, match="overflowed in slice 2"):
        run(volume_of(), plain(lambda x: x / 0.0))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_voxels_that_are_not_finite_are_refused_and_counted(run: Run, volume_of: Make, bad: float) -> None:
    volume = volume_of()
    volume.data[1, 2, 3:5] = bad
    with pytest.raises(BadInputError, match="2 voxels"):
        run(volume)


@pytest.mark.parametrize("only", [[5], [-1], [0, 99]])
def test_a_slice_that_is_not_there_is_said(run: Run, volume_of: Make, only: list[int]) -> None:
    with pytest.raises(BadInputError, match="slices 0 to 4"):
        run(volume_of(), only=only)


def test_settings_of_another_engine_are_refused(run: Run, volume_of: Make) -> None:
    from quietvoxel.engines.settings import EngineSettings

    with pytest.raises(BadInputError, match="RelativeFlowSettings"):
        run(volume_of(), settings=EngineSettings())


def test_a_model_of_the_other_modality_is_said(run: Run, volume_of: Make, plain: Any) -> None:
    other = volume_of(modality=Modality.OTHER)
    assert any("neither CT nor MR" in note for note in run(other, plain(half)).notes)


@pytest.mark.parametrize("interpolated", [True, False])
def test_an_interpolated_image_is_told_which_model_suits_it(
    run: Run, plain: Any, *, interpolated: bool
) -> None:
    head = mr_phantom((3, 128, 128), (3.0, 1.6, 1.6), seed=4, contrast="T1").as_float32()
    rng = np.random.default_rng(5)
    sd = 0.05 * np.percentile(head, 99.5)
    k_space = np.fft.fftshift(np.fft.fft2(head + sd * rng.normal(size=head.shape)), axes=(1, 2))
    margin = 64 if interpolated else 0
    k_space = np.pad(k_space, [(0, 0), (margin, margin), (margin, margin)])
    image = np.abs(np.fft.ifft2(np.fft.ifftshift(k_space, axes=(1, 2)))).astype(np.float32)

    notes = run(
        Volume(image, Geometry((1.0, 1.0, 3.0)), Modality.MR), plain(half), options={"sigma": None}
    ).notes

    assert any("relativeflow-mr-interpolated" in note for note in notes) == interpolated


def test_the_record_says_how_it_was_made_and_nothing_of_the_patient(run: Run, volume_of: Make) -> None:
    import json

    record = json.loads(json.dumps(run(volume_of(), settings=RelativeFlowSettings(steps=2)).provenance))
    assert record["engine"] == "relativeflow"
    assert record["settings"]["steps"] == 2
    assert len(record["model_sha256"]) == 64
    assert record["sigma"] == 20.0
    assert "not for primary diagnosis" in record["notice"]
    assert "path" not in json.dumps(record)
