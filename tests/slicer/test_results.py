"""The results of a volume, and what of the chosen one is shown over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from QuietVoxelLib.results import (
    RESIDUAL,
    UNCERTAINTY,
    UNCERTAINTY_ROLE,
    ResultView,
    results_of,
    uncertainty_of,
)
from QuietVoxelLib.volume_nodes import add_beside, array_of, set_voxels, write_provenance

from .conftest import oblique_matrix

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slicer


@pytest.fixture
def made(add_volume: Callable[..., Any]) -> tuple[Any, Any]:
    """A volume and a result of it, with the engine's doubt."""
    source = add_volume(matrix=oblique_matrix())
    result = add_beside(source, array_of(source) // 2, "CT abdomen [RelativeFlow]")
    write_provenance(result, {"model": "relativeflow-ct", "sigma": 20.0})
    doubt = add_beside(result, np.ones(array_of(source).shape, np.float32), "doubt")
    result.AddNodeReferenceID(UNCERTAINTY_ROLE, doubt.GetID())
    return source, result


def test_results_are_those_that_an_engine_made_of_the_volume(made: Any, add_volume: Any) -> None:
    source, result = made
    add_beside(source, array_of(source), "simulated")  # made of it too, by no model
    other = add_volume(name="Other")
    assert results_of(source) == [result]
    assert results_of(other) == []
    assert results_of(None) == []


def test_a_result_shows_itself_what_it_removed_and_its_doubt(made: Any, views: Any) -> None:
    source, result = made
    composite = views(source)["Red composite"]
    view = ResultView()
    assert view.show(result)
    assert composite.GetForegroundVolumeID() == result.GetID()

    assert view.show(result, RESIDUAL)
    assert composite.GetForegroundVolumeID() == view.residual.GetID()
    expected = array_of(source).astype(np.float32) - array_of(result)
    assert np.array_equal(array_of(view.residual), expected)
    assert view.residual.GetDisplayNode().GetWindow() == 120.0  # three noise SDs to either side
    set_voxels(result, array_of(source))  # as blending to 0 % does
    view.refresh(result)
    assert not array_of(view.residual).any()

    residual = view.residual
    assert view.show(result, UNCERTAINTY)
    assert residual.GetScene() is None
    assert composite.GetForegroundVolumeID() == uncertainty_of(result).GetID()
    view.clear()
    assert view.shown is None


def test_where_there_is_none_nothing_changes(made: Any, views: Any, add_volume: Any) -> None:
    source, _ = made
    plain = add_beside(source, array_of(source), "B")
    composite = views(source)["Red composite"]
    view = ResultView()
    assert not view.show(plain, UNCERTAINTY)
    assert not view.show(source)  # made of nothing
    assert composite.GetForegroundVolumeID() is None
