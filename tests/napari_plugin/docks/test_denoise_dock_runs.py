"""The contract of a run: however it ends, the button is back, one sentence says so, and the layers are right."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import quietvoxel
from quietvoxel.inference import InferenceOptions
from quietvoxel.jobs import RunState
from quietvoxel.models import find_model

READY = "Denoise volume"


def names(viewer):
    return [layer.name for layer in viewer.layers]


def hold(dock, fake, until):
    """Start a run and stop the engine in its first step."""
    fake.held = True
    dock.bar.button.click()
    until(lambda: fake.reached.acquire(blocking=False))


def ended(dock, state, words):
    assert dock.bar.run.state is state
    assert dock.bar.button.text() == READY
    assert dock.bar.button.isEnabled()
    assert dock.bar.bar.isHidden()
    assert words in dock.bar.status.text()
    assert "\n" not in dock.bar.status.text()


def test_a_run_fills_a_layer_of_its_own_with_what_denoise_gives(
    viewer, layer, small, fake, open_dock, run_to_the_end
):
    layer.colormap = "magma"
    layer.contrast_limits = (-120.0, 200.0)
    dock = open_dock()
    run_to_the_end(dock)

    ended(dock, RunState.DONE, "Not for primary diagnosis")
    assert names(viewer) == ["scan", "scan [Fake]"]
    result = viewer.layers["scan [Fake]"]
    card = find_model(engine="fake", modality="CT")
    expected = quietvoxel.denoise(small, card, options=InferenceOptions(sigma=20.0)).volume
    np.testing.assert_array_equal(result.data, expected.data)
    assert result.data.dtype == np.int16
    assert (result.data != small.data).all()
    np.testing.assert_array_equal(layer.data, small.data)
    for name in ("scale", "translate", "units", "axis_labels"):
        np.testing.assert_array_equal(getattr(result, name), getattr(layer, name))
    assert result.colormap.name == "magma"
    assert list(result.contrast_limits) == [-120.0, 200.0]
    record = result.metadata["quietvoxel"]["provenance"]
    assert (record["engine"], record["model"], record["blend"]) == ("fake", "fake-ct", 1.0)
    assert record["settings"]["offset"] == 10.0
    assert result.metadata["quietvoxel"]["geometry"] == small.geometry


def test_the_volume_fills_from_the_slice_on_screen_outwards(viewer, layer, small, fake, open_dock, until):
    dock = open_dock()
    viewer.dims.set_current_step(0, 3)
    hold(dock, fake, until)
    for _ in range(2):  # two steps: one slice
        fake.gate.release()
        until(lambda: fake.reached.acquire(blocking=False))
    until(lambda: "scan [Fake]" in names(viewer))
    result = viewer.layers["scan [Fake]"]
    until(lambda: (result.data[3] != small.data[3]).all())
    for index in (0, 1, 2, 4):
        np.testing.assert_array_equal(result.data[index], small.data[index])
    assert dock.bar.button.text() == "Cancel"
    assert "slice" in dock.bar.progress.text()
    fake.let_go()
    until(lambda: not dock.bar.run.state.busy)
    assert (result.data != small.data).all()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("odd"), "ValueError: odd"),
        (RuntimeError("CUDA error: device-side assert triggered\nCompile with"), "The GPU reported an error"),
        (RuntimeError("out of memory"), "does not hold even a"),
        (MemoryError(), "does not hold even a"),
    ],
    ids=["error", "cuda", "out-of-memory", "memory"],
)
def test_an_error_ends_in_one_sentence_with_the_button_ready(
    viewer, layer, fake, open_dock, run_to_the_end, error, words
):
    dock = open_dock()
    fake.error = error
    run_to_the_end(dock)

    ended(dock, RunState.FAILED, words)
    assert names(viewer) == ["scan"]
    fake.error = None
    run_to_the_end(dock)
    ended(dock, RunState.DONE, "Done")


def test_cancel_in_a_step_takes_the_unfinished_result_away(viewer, layer, fake, open_dock, until):
    dock = open_dock()
    hold(dock, fake, until)
    until(lambda: dock.bar.button.text() == "Cancel")
    dock.bar.button.click()
    assert dock.bar.button.text() == "Cancelling…"
    assert not dock.bar.button.isEnabled()
    fake.let_go()
    until(lambda: not dock.bar.run.state.busy)

    ended(dock, RunState.IDLE, "Cancelled")
    assert names(viewer) == ["scan"]
    assert fake.steps == 0
    assert dock.results.isHidden()


def test_cancel_in_a_tile_stops_before_the_next(viewer, small, fake, open_dock, until):
    from dataclasses import replace

    from quietvoxel.napari_plugin.adapter import add_volume

    add_volume(viewer, replace(small, data=np.tile(small.data, (1, 1, 9))), "wide")
    dock = open_dock()
    dock.options_form["tile"].value = 192
    hold(dock, fake, until)
    for _ in range(3):  # both steps of the first tile, one of the second
        fake.gate.release()
        until(lambda: fake.reached.acquire(blocking=False))
    dock.bar.button.click()
    fake.let_go()
    until(lambda: not dock.bar.run.state.busy)
    ended(dock, RunState.IDLE, "Cancelled")
    assert fake.steps == 3


def test_a_second_run_is_refused_and_the_first_goes_on(viewer, layer, fake, open_dock, until):
    dock = open_dock()
    hold(dock, fake, until)
    assert not dock.bar.all_button.isEnabled()
    dock.start()
    assert "is being denoised" in dock.bar.status.text()
    dock.denoise_layer(layer)
    fake.let_go()
    until(lambda: not dock.bar.run.state.busy)
    assert names(viewer) == ["scan", "scan [Fake]"]


def test_results_belong_to_the_layer_they_were_started_from(viewer, layer, small, fake, open_dock, until):
    from quietvoxel.napari_plugin.adapter import add_volume

    other = add_volume(viewer, small.with_data(small.data + np.int16(500)), "other")
    dock = open_dock()
    dock.chooser.choose(layer)
    hold(dock, fake, until)
    layer.name = "renamed"
    viewer.layers.selection.active = other
    viewer.layers.move(0, 2)
    dock.chooser.choose(other)
    dock.settings("fake")
    dock.forms["fake"]["offset"].value = 50.0
    fake.let_go()
    until(lambda: not dock.bar.run.state.busy)

    result = viewer.layers["scan [Fake]"]
    removed = small.data.astype(float) - result.data
    assert removed.min() > 0
    assert np.ptp(removed) <= 1
    assert result.metadata["quietvoxel"]["provenance"]["settings"]["offset"] == 10.0
    assert viewer.layers.selection.active is other


def test_the_source_may_go_while_it_is_denoised(viewer, layer, small, fake, open_dock, until):
    dock = open_dock()
    hold(dock, fake, until)
    until(lambda: "scan [Fake]" in names(viewer))
    viewer.layers.remove(layer)
    fake.let_go()
    until(lambda: not dock.bar.run.state.busy)

    assert dock.bar.run.state is RunState.DONE
    assert "was removed while it was denoised" in dock.bar.notes.text()
    assert (viewer.layers["scan [Fake]"].data != small.data).all()


def test_removing_the_result_stops_the_run(viewer, layer, fake, open_dock, until):
    dock = open_dock()
    hold(dock, fake, until)
    until(lambda: "scan [Fake]" in names(viewer))
    viewer.layers.remove("scan [Fake]")
    fake.let_go()
    until(lambda: not dock.bar.run.state.busy)
    ended(dock, RunState.IDLE, "result's layer was removed")
    assert fake.steps < 10


def test_closing_the_dock_stops_the_run_and_puts_the_viewer_back(
    viewer, layer, fake, open_dock, until, qtbot
):
    dock = open_dock()
    hold(dock, fake, until)
    until(lambda: "scan [Fake]" in names(viewer))
    viewer.window.remove_dock_widget(dock)
    fake.let_go()
    qtbot.wait(50)

    assert names(viewer) == ["scan"]
    assert fake.steps <= 1
    listeners = [
        c
        for event in (viewer.layers.events.removed, viewer.dims.events.current_step)
        for c in event.callbacks
    ]
    assert not [c for c in listeners if "quietvoxel" in repr(c)]
    again = open_dock()
    until(lambda: again.bar.button.isEnabled())
    again.bar.button.click()
    until(lambda: not again.bar.run.state.busy)
    ended(again, RunState.DONE, "Done")


def test_closing_napari_stops_the_run(make_napari_viewer, small, fake, until, qtbot):
    from quietvoxel.napari_plugin.adapter import add_volume
    from quietvoxel.napari_plugin.denoise_dock import DenoiseDock

    viewer = make_napari_viewer(show=False)
    add_volume(viewer, small, "scan")
    dock = DenoiseDock(viewer)
    viewer.window.add_dock_widget(dock, name="Denoise")
    dock.preview_box.setChecked(False)
    dock.engines.choose_engine("fake")
    hold(dock, fake, until)
    gone = weakref.ref(dock)
    del dock
    viewer.close()
    fake.let_go()
    qtbot.wait(100)
    assert fake.steps <= 1
    gc.collect()
    assert gone() is None


def test_layers_that_are_no_volume_are_refused_in_one_sentence(viewer, fake, open_dock):
    viewer.add_image(np.zeros((4, 5, 6, 7), np.float32), name="series", units="mm")
    dock = open_dock()
    assert "4-D" in dock.bar.status.text()
    assert not dock.bar.button.isEnabled()
    rgb = viewer.add_image(np.zeros((4, 30, 30, 3), np.uint8), rgb=True, name="photo", units="mm")
    dock.chooser.choose(rgb)
    assert "RGB" in dock.bar.status.text()
    dock.start()
    assert dock.bar.button.text() == READY
    assert names(viewer) == ["series", "photo"]


def test_nan_is_said_and_leaves_the_button_ready(viewer, small, fake, open_dock, run_to_the_end):
    from quietvoxel.napari_plugin.adapter import add_volume

    data = small.as_float32().copy()
    data[2, 3, 4] = np.nan
    add_volume(viewer, small.with_data(data), "holes")
    dock = open_dock()
    assert "1 voxels are NaN" in dock.bar.status.text()
    run_to_the_end(dock)
    ended(dock, RunState.FAILED, "1 voxels are NaN")
    assert names(viewer) == ["holes"]


def test_a_model_of_the_other_modality_runs_and_is_said(viewer, layer, fake, open_dock, run_to_the_end):
    dock = open_dock()
    dock.engines.models.setCurrentIndex(1)
    dock.engines.models.activated.emit(1)
    run_to_the_end(dock)
    assert "was trained on MR, this volume is CT" in dock.bar.notes.text()


def test_all_engines_run_in_turn_and_open_the_comparison(viewer, layer, fake, open_dock, until, monkeypatch):
    from quietvoxel.napari_plugin.compare_dock import DOCK_NAME
    from quietvoxel.napari_plugin.denoise_dock import DenoiseDock

    compared = []
    compare = DenoiseDock._compare

    def noted(dock, layers):
        compared.append(layers)
        compare(dock, layers)

    monkeypatch.setattr(DenoiseDock, "_compare", noted)
    dock = open_dock()
    dock.bar.all_button.click()
    until(lambda: not dock.bar.run.state.busy, 60)

    ended(dock, RunState.DONE, "Done")
    assert {"scan [RelativeFlow]", "scan [Fake]"} <= set(names(viewer))
    made = [row.result.layer for row in dock.results.rows]
    assert compared == [[layer, *made]]
    assert DOCK_NAME in viewer.window.dock_widgets
    assert len(made) >= 2


def test_the_command_of_the_filter_menu_denoises_its_layer(viewer, layer, fake, until):
    from napari._app_model import get_app_model

    from quietvoxel.napari_plugin.commands import denoise_this_layer
    from quietvoxel.napari_plugin.remembered import remember

    remember("denoise", {"engine": "fake"})
    commands = [item.command.id for item in get_app_model().menus.get_menu("napari/layers/filter")]
    assert "quietvoxel.denoise_layer" in commands
    denoise_this_layer(layer, viewer)
    until(lambda: "scan [Fake]" in names(viewer))
    _, dock = viewer.window.add_plugin_dock_widget("quietvoxel", "Denoise")
    until(lambda: dock.bar.run.state is RunState.DONE)
