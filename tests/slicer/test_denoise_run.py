"""A real volume node in, a denoised node out, through the real child process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from QuietVoxelLib.volume_nodes import array_of, matrix_of, source_of

from .conftest import noisy_array, oblique_matrix, until

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slicer


def test_a_node_goes_in_and_a_denoised_one_comes_out_beside_it(
    add_volume: Callable[..., Any], run: Any, warm_worker: Any, plan: Any, told: Any
) -> None:
    # So many slices that a fast machine is not through between two ticks.
    node = add_volume(noisy_array((48, 40, 48)), matrix=oblique_matrix())
    before = array_of(node).copy()
    found: list[Any] = []
    filled: list[bool] = []

    run.start(node, [plan], lambda source, results: found.extend([source, *results]))

    def tick() -> None:
        warm_worker.tick()
        run.tick()
        filled.append(run.result is not None)

    until(lambda: not run.busy, tick)
    source, result = found
    assert source is node
    assert np.array_equal(array_of(node), before)
    assert array_of(result).dtype == before.dtype
    assert 0.0 < np.abs(array_of(result).astype(float) - before).mean() < 40.0
    assert np.array_equal(matrix_of(result), matrix_of(node))
    assert result.GetName() == "CT abdomen [RelativeFlow]"
    assert source_of(result) is node
    assert result.GetDisplayNode().GetWindow() == 400.0
    assert result.GetDisplayNode().GetLevel() == 40.0
    record = json.loads(result.GetAttribute("QuietVoxel.provenance"))
    assert record["settings"]["steps"] == 2
    assert result.GetAttribute("QuietVoxel.model") == "relativeflow-ct"
    assert told.states == ["preparing", "running", "idle"]
    assert told.sentence.endswith("Not for primary diagnosis.")
    assert any("slice 1/48, step 1/2" in text for _, text in told.progress)
    assert any(filled)
