"""The live preview of the Denoise dock: the pixels on screen follow the controls, and nothing else changes."""

from __future__ import annotations

import numpy as np

import quietvoxel
from quietvoxel.engines.relative_flow.settings import RelativeFlowSettings
from quietvoxel.jobs.preview_job import Quality


def test_the_original_is_shown_until_a_control_is_touched(
    viewer, layer, open_dock, until, qtbot, settled, preview_of
):
    _, dock = viewer.window.add_plugin_dock_widget("quietvoxel", "Denoise")
    until(lambda: dock.noise.origin.text() == "(estimated)")
    qtbot.wait(50)
    assert dock.preview_box.isChecked()
    assert "move a slider" in dock.preview_line.text()
    assert not dock.preview.busy
    assert [one.name for one in viewer.layers] == ["scan"]
    dock.forms["relativeflow"]["strength"].value = 1.2
    settled(dock)
    assert preview_of(viewer).visible


def test_a_volume_that_takes_another_model_is_not_previewed_by_itself(
    viewer, mr_volume, open_dock, until, qtbot
):
    from quietvoxel.napari_plugin.adapter import add_volume

    _, dock = viewer.window.add_plugin_dock_widget("quietvoxel", "Denoise")
    before = dock.engines.card
    add_volume(viewer, mr_volume, "head")
    until(lambda: dock.noise.origin.text() == "(estimated)")
    qtbot.wait(50)
    assert dock.engines.card != before
    assert not dock.preview.busy
    assert "move a slider" in dock.preview_line.text()
    assert [one.name for one in viewer.layers] == ["head"]


def test_a_slider_changes_the_slice_on_screen_and_nothing_else(
    viewer, layer, small, fake, previewed, pixels, settled, preview_of
):
    dock = previewed()
    shown = preview_of(viewer)
    unit = float((small.data[2] - shown.data[2]).mean()) / 10.0
    assert unit > 0
    viewer.show()
    before = pixels(viewer)
    dock.forms["fake"]["offset"].value = 60.0
    settled(dock)
    np.testing.assert_allclose(small.data[2] - shown.data[2], 60 * unit, rtol=1e-3)
    for index in (0, 1, 3, 4):
        np.testing.assert_array_equal(shown.data[index], small.data[index])
    assert before.astype(int).mean() - pixels(viewer).astype(int).mean() > 1
    np.testing.assert_array_equal(layer.data, small.data)
    dock.forms["fake"]["strength"].value = 0.0
    settled(dock)
    np.testing.assert_array_equal(shown.data[2], small.data[2])


def test_the_preview_follows_the_slice_and_comes_back_at_once(
    viewer, layer, small, fake, previewed, until, settled, preview_of
):
    dock = previewed()
    shown = preview_of(viewer)
    viewer.dims.set_current_step(0, 4)
    until(lambda: (shown.data[4] != small.data[4]).all())
    settled(dock)
    steps = fake.steps
    viewer.dims.set_current_step(0, 2)
    assert (shown.data[2] != small.data[2]).all()
    assert not dock.preview.busy
    assert fake.steps == steps


def test_the_preview_is_what_the_volume_gets(
    viewer, ct_volume, open_dock, run_to_the_end, settled, preview_of
):
    from quietvoxel.napari_plugin.adapter import add_volume

    volume = ct_volume.with_data(ct_volume.data[4:9])
    add_volume(viewer, volume, "body")
    dock = open_dock(preview=True)
    dock.forms["relativeflow"]["steps"].value = 2
    settled(dock)
    final = np.asarray(preview_of(viewer).data)[2]
    assert np.std(final - volume.data[2]) > 5
    run_to_the_end(dock)
    result = viewer.layers["body [RelativeFlow]"]
    np.testing.assert_array_equal(result.data[2], np.rint(final).astype(np.int16))
    whole = quietvoxel.denoise(volume, settings=RelativeFlowSettings(steps=2))
    np.testing.assert_array_equal(result.data, whole.volume.data)


def test_a_draft_is_said_to_be_one(viewer, layer, fake, open_dock, until, settled):
    fake.held = True
    dock = open_dock(preview=True)
    until(lambda: fake.reached.acquire(blocking=False))
    fake.gate.release()  # the draft has one step
    until(lambda: dock.preview_line.text().startswith("DRAFT"))
    fake.let_go()
    settled(dock)


def test_each_picture_is_told_when_it_is_on_screen(viewer, layer, fake, previewed, settled, preview_of):
    dock = previewed()
    told = []
    dock.preview.shown.connect(lambda picture: told.append((picture, preview_of(viewer).data[2].copy())))
    dock.forms["fake"]["offset"].value = 60.0
    settled(dock)
    assert told
    assert told[-1][0].quality is Quality.FINAL
    for picture, on_screen in told:
        np.testing.assert_array_equal(on_screen, picture.pixels)


def test_without_the_check_mark_there_is_no_preview(viewer, layer, fake, previewed, qtbot):
    dock = previewed()
    dock.preview_box.setChecked(False)
    assert [one.name for one in viewer.layers] == ["scan"]
    dock.forms["fake"]["offset"].value = 30.0
    qtbot.wait(50)
    assert [one.name for one in viewer.layers] == ["scan"]


def test_removing_the_preview_layer_takes_the_check_mark_away(viewer, layer, fake, previewed, preview_of):
    dock = previewed()
    viewer.layers.remove(preview_of(viewer))
    assert not dock.preview_box.isChecked()


def test_in_other_planes_the_preview_rests_and_says_why(viewer, layer, fake, previewed, settled, preview_of):
    dock = previewed()
    viewer.dims.order = (1, 0, 2)
    assert not preview_of(viewer).visible
    assert "cuts across" in dock.preview_line.text()
    viewer.dims.order = (0, 1, 2)
    settled(dock)
    assert preview_of(viewer).visible


def test_a_window_set_on_the_volume_holds_for_preview_and_result(
    viewer, layer, fake, previewed, run_to_the_end
):
    dock = previewed()
    run_to_the_end(dock)
    layer.contrast_limits = (-50.0, 90.0)
    for name in ("scan [preview]", "scan [Fake]"):
        assert list(viewer.layers[name].contrast_limits) == [-50.0, 90.0]
