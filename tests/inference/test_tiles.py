"""Tiles: they cover a slice once, agree with the whole slice, and become smaller when memory runs out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quietvoxel.errors import CancelledError, OutOfMemoryError, QuietVoxelError
from quietvoxel.inference import InferenceOptions, Started, StepDone, denoise
from quietvoxel.inference.devices import is_out_of_memory
from quietvoxel.inference.tiles import GRID, RIM, SMALLEST_TILE, spans
from quietvoxel.models.store import BUNDLED
from quietvoxel.volume import Modality, Volume

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietvoxel.inference import DenoiseResult

    Run = Callable[..., DenoiseResult]
    Make = Callable[..., Volume]

FULL = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:75] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    MemoryError(),
]


def blurred(x: torch.Tensor) -> torch.Tensor:
    """Look 60 pixels far in every direction, as a network does."""
    down = torch.nn.functional.avg_pool2d(x, (121, 1), 1, (60, 0), count_include_pad=False)
    return torch.nn.functional.avg_pool2d(down, (1, 121), 1, (0, 60), count_include_pad=False)


@given(st.integers(1, 3000), st.integers(0, 1024))
def test_tiles_keep_every_pixel_once_and_have_a_rim(length: int, tile: int) -> None:
    found = spans(length, tile)
    kept = [pixel for _, _, first, last in found for pixel in (first, last)]
    assert kept[0] == 0
    assert kept[-1] == length
    assert kept[1:-1:2] == kept[2::2]
    for start, end, first, last in found:
        assert start % GRID == 0
        assert first < last
        assert start <= first - RIM or start == first == 0
        assert end >= last + RIM or end == last == length
        assert end - start <= max(tile, 2 * RIM + GRID) or len(found) == 1


def test_tiles_agree_with_the_whole_slice_as_far_as_the_rim_reaches(
    run: Run, plain: Any, volume_of: Make
) -> None:
    volume = volume_of((1, 300, 421))
    engine = plain(blurred, spread=0.01)
    whole, tiled = (run(volume, engine, options={"tile": tile}) for tile in (0, 192))
    assert np.allclose(whole.volume.data, tiled.volume.data, atol=1e-2)
    assert np.array_equal(whole.uncertainty, tiled.uncertainty)
    assert engine.slabs[0][-2:] == (300, 421)
    assert max(max(slab[-2:]) for slab in engine.slabs[1:]) == 192


def test_steps_count_on_over_tiles(run: Run, plain: Any, volume_of: Make) -> None:
    steps: list[Any] = []
    engine = plain(lambda x: x, steps=2)
    run(
        volume_of((1, 200, 300)),
        engine,
        options={"tile": 192},
        on_event=lambda e: steps.append(e) if isinstance(e, StepDone) else None,
    )
    count = 2 * len(engine.slabs)
    assert count > 4
    assert [(e.step, e.steps) for e in steps] == [(k, count) for k in range(1, count + 1)]


@pytest.mark.parametrize("error", FULL, ids=lambda e: type(e).__name__ + str(e)[:12])
def test_out_of_memory_makes_tiles_smaller_and_says_so_once(
    run: Run, plain: Any, volume_of: Make, error: BaseException
) -> None:
    volume = volume_of((3, 500, 210))
    engine = plain(lambda x: 0.5 * x, limit=256, error=error)
    events: list[Any] = []

    result = run(volume, engine, on_event=events.append)

    assert np.allclose(result.volume.data, 0.5 * volume.data, atol=1e-2)
    assert [n for n in result.notes if "tiles" in n] == [
        "Memory ran short, so slices are now processed in tiles of 224 pixels."
    ]
    assert events[-1].notes == result.notes
    assert sum(slab[-2:] == (500, 210) for slab in engine.slabs) == 1  # it remembers what fits
    assert not any("tiles" in n for e in events if isinstance(e, Started) for n in e.notes)


def test_a_retry_draws_the_random_numbers_of_the_first_attempt(run: Run, plain: Any, volume_of: Make) -> None:
    volume = volume_of((1, 230, 16))

    class Random(plain):
        def denoise(self, noisy: Any, settings: Any, context: Any) -> Any:
            self.drawn.append(float(torch.rand(1, generator=context.generators[0])))
            return super().denoise(noisy, settings, context)

    engine = Random(lambda x: x, limit=200, error=MemoryError())
    engine.drawn = []
    run(volume, engine)
    assert engine.drawn[0] == engine.drawn[1]


def test_memory_for_not_even_a_small_tile_is_an_error_of_one_sentence(
    run: Run, plain: Any, volume_of: Make
) -> None:
    engine = plain(lambda x: x, limit=100, error=MemoryError())
    with pytest.raises(OutOfMemoryError, match=f"even a {SMALLEST_TILE}-pixel tile; close other programs"):
        run(volume_of((1, 600, 600)), engine)
    assert not issubclass(OutOfMemoryError, MemoryError)


def test_another_error_is_no_reason_for_smaller_tiles(run: Run, plain: Any, volume_of: Make) -> None:
    engine = plain(lambda x: x, limit=1, error=RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="mat1"):
        run(volume_of(), engine)
    assert len(engine.slabs) == 1
    assert not is_out_of_memory(QuietVoxelError("out of memory"))


def test_cancel_is_answered_between_tiles_too(run: Run, plain: Any, volume_of: Make) -> None:
    engine = plain(lambda x: x, steps=1)
    with pytest.raises(CancelledError):
        run(volume_of((1, 200, 500)), engine, options={"tile": 192}, cancelled=lambda: engine.steps_done >= 2)
    assert engine.steps_done == 2


def test_a_tiled_network_of_random_weights_agrees_with_the_whole_slice(run: Run) -> None:
    rng = np.random.default_rng(0)
    volume = Volume(rng.normal(40, 20, (1, 224, 256)).astype(np.float32), modality=Modality.CT)
    whole, tiled = (run(volume, options={"tile": tile, "sigma": 20.0}).volume.data for tile in (0, 192))
    assert np.sqrt(np.mean((whole - volume.data) ** 2)) > 1.0  # the network does something
    assert np.sqrt(np.mean((whole - tiled) ** 2)) < 0.5


@pytest.mark.parametrize("modality", [Modality.CT, Modality.MR])
def test_tiles_of_the_bundled_models_agree_with_the_whole_slice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, modality: Modality
) -> None:
    if not (BUNDLED / f"relativeflow-{modality.lower()}.safetensors").exists():
        pytest.skip(f"the bundled model for {modality} is not there yet")
    monkeypatch.setenv("QUIETVOXEL_HOME", str(tmp_path))
    y, x = np.mgrid[:224, :256]
    body = ((y - 112) / 100) ** 2 + ((x - 128) / 115) ** 2 < 1
    values = (50.0, -1000.0, 20.0) if modality == Modality.CT else (600.0, 0.0, 30.0)
    image = np.where(body, values[0], values[1]) + np.random.default_rng(0).normal(
        0, values[2], (1, 224, 256)
    )
    volume = Volume(np.abs(image).astype(np.float32) if modality == Modality.MR else image.astype(np.float32))
    volume = Volume(volume.data, modality=modality)

    whole, tiled = (
        denoise(
            volume, options=InferenceOptions(tile=tile, sigma=values[2], device="cpu", precision="float32")
        ).volume.data
        for tile in (0, 192)
    )

    limit = 0.5 if modality == Modality.CT else 1e-3 * float(np.percentile(volume.data, 99.5))
    assert np.sqrt(np.mean((whole - volume.data) ** 2)) > 5 * limit
    assert np.sqrt(np.mean((whole - tiled) ** 2)) < limit
