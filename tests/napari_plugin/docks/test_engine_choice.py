"""Which engines the Denoise dock offers: those that have a model, and for all at once those with a fitting one."""

from __future__ import annotations

import pytest

from quietvoxel.engines.registry import engine_info
from quietvoxel.jobs import RunState
from quietvoxel.models import list_models


@pytest.fixture
def remove_models(own_home):
    """Take models of the user's own away."""

    def remove(pattern):
        found = list((own_home / "models").glob(pattern))
        assert found
        for path in found:
            path.unlink()

    return remove


def test_an_engine_without_a_model_cannot_be_chosen_and_says_why(
    viewer, layer, fake, remove_models, open_dock
):
    remove_models("fake-*")
    dock = open_dock()
    button = dock.engines._buttons["fake"]
    assert not button.isEnabled()
    assert "Pick it in tests." in button.toolTip()
    assert "no model for it yet" in button.toolTip()
    assert dock.engines.engine == "relativeflow"
    ready = dock.engines._buttons["relativeflow"]
    assert ready.isEnabled()
    assert "no model" not in ready.toolTip()


def test_a_model_that_goes_while_the_dock_is_open_is_said(viewer, layer, fake, remove_models, open_dock):
    dock = open_dock()
    remove_models("fake-*")
    dock.engines.show_models("CT")
    assert not dock.engines._buttons["fake"].isEnabled()
    dock.start()
    assert "Fake has no model yet" in dock.bar.status.text()
    assert dock.bar.run.state is RunState.IDLE
    assert dock.bar.button.isEnabled()


def test_all_engines_are_those_with_a_model_for_the_modality(
    viewer, layer, fake, remove_models, open_dock, until
):
    remove_models("fake-ct.*")
    dock = open_dock()
    assert dock.engines.engine == "fake"  # its model for MR may be tried
    dock.bar.all_button.click()
    until(lambda: not dock.bar.run.state.busy, 60)
    assert dock.bar.run.state is RunState.DONE
    there = {engine_info(card.engine).title for card in list_models() if card.modality == "CT"}
    assert "RelativeFlow" in there
    assert {"scan", *(f"scan [{title}]" for title in there)} == {one.name for one in viewer.layers}


def test_where_no_engine_has_a_model_for_the_modality_it_is_said(
    viewer, layer, fake, own_home, remove_models, open_dock, monkeypatch
):
    from quietvoxel.models import store

    remove_models("fake-ct.*")
    monkeypatch.setattr(store, "BUNDLED", own_home / "nothing")
    dock = open_dock()
    assert dock.engines.engine == "fake"
    dock.bar.all_button.click()
    assert "No engine has a model for CT" in dock.bar.status.text()
    assert dock.bar.run.state is RunState.IDLE
    assert [one.name for one in viewer.layers] == ["scan"]
