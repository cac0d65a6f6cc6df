"""What `denoise` itself holds: the input, the result, and never a second float copy of either."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from quietvoxel.volume import Modality

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietvoxel.inference import DenoiseResult
    from quietvoxel.volume import Volume


@pytest.mark.parametrize("modality", [Modality.CT, Modality.MR])
@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_the_peak_stays_under_three_float32_volumes(
    run: Callable[..., DenoiseResult],
    plain: Any,
    volume_of: Callable[..., Volume],
    modality: Modality,
    dtype: str,
) -> None:
    volume = volume_of((64, 256, 256), modality, dtype)
    volume.data[:, :, :16] = -2000 if modality == Modality.CT else 0  # padding costs a mask
    run(volume_of((1, 32, 32), modality), plain(lambda x: x))  # whatever is imported late
    tracemalloc.start()
    run(volume, plain(lambda x: x))
    peak = tracemalloc.get_traced_memory()[1] + volume.data.nbytes
    tracemalloc.stop()
    assert peak < 3 * 4 * volume.data.size


def test_the_result_is_not_the_input(
    run: Callable[..., DenoiseResult], volume_of: Callable[..., Volume]
) -> None:
    volume = volume_of()
    before = volume.data.copy()
    result = run(volume, only=[0])
    assert not np.shares_memory(result.volume.data, volume.data)
    assert np.array_equal(volume.data, before)
