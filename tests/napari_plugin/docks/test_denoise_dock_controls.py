"""Each control of the Denoise dock does to the pixels what it says."""

from __future__ import annotations

import json

import numpy as np
import pytest

import quietvoxel
from quietvoxel.engines.relative_flow.settings import RelativeFlowSettings
from quietvoxel.inference import InferenceOptions
from quietvoxel.models import find_model


@pytest.fixture
def previewed(open_dock, until):
    """Open the dock with a preview and wait for the final picture."""

    def open_it(**more):
        dock = open_dock(preview=True, **more)
        settled(dock, until)
        return dock

    return open_it


def settled(dock, until):
    """The final picture of what is wanted now."""
    until(lambda: not dock._preview._desk.busy and "final" in dock.preview_line.text())
    assert "DRAFT" not in dock.preview_line.text()


def preview_of(viewer):
    return next(layer for layer in viewer.layers if layer.name.endswith("[preview]"))


def test_the_dock_says_what_the_volume_is_and_how_noisy(viewer, layer, fake, open_dock):
    dock = open_dock()
    assert dock.volume_line.text() == "48×40×5 · 0.7×0.8×3 mm"
    assert dock.modality.currentText() == "CT"
    assert dock.noise.value.suffix() == " HU"
    assert dock.noise.value.value() == pytest.approx(20, rel=0.15)
    assert dock.noise.origin.text() == "(estimated)"


def test_every_registered_engine_is_there_with_controls_made_from_its_settings(
    viewer, layer, fake, open_dock
):
    dock = open_dock()
    titles = [button.text() for button in dock.engines._buttons.values()]
    assert titles[0] == "RelativeFlow"
    assert titles[-1] == "Fake"
    assert dock.engines.summary.text() == "Pick it in tests."
    assert dock.engines.models.itemText(0) == "CT fake (fake-ct)"
    form = dock.forms["fake"]
    assert {"strength", "best_quality", "steps", "fast", "offset", "latent"} == {
        row.name for row in form.basic
    }
    assert {"seed", "rule"} == {row.name for row in form.advanced}
    assert (form["steps"].min, form["steps"].max, form["steps"].tooltip) == (1, 9, "How many.")
    assert (form["offset"].min, form["offset"].max) == (0.5, 99.5)
    assert form["latent"].choices == ("zero", "sampled")
    form["latent"].value = "sampled"
    assert dock.settings("fake").latent == "sampled"
    assert form["fast"].value
    form["steps"].value = 5
    assert (dock.settings("fake").steps, dock.settings("fake").fast, form["fast"].value) == (5, False, False)
    form["fast"].value = True
    assert (dock.settings("fake").steps, dock.settings("fake").fast) == (5, True)
    assert {row.name for row in dock.options_form.advanced} == {"device", "precision", "axis", "tile"}
    assert dock.forms["relativeflow"].basic.native.isHidden()


def test_the_card_of_the_model_is_shown_on_request_and_as_plain_text(viewer, layer, fake, open_dock):
    dock = open_dock()
    assert dock.engines.card_text.isHidden()
    dock.engines.info.click()
    assert not dock.engines.card_text.isHidden()
    assert "nobody's scans &lt;b&gt;" in dock.engines.card_text.text().replace("&#x27;", "'")


def test_the_original_is_shown_until_a_control_is_touched(viewer, layer, open_dock, until, qtbot):
    _, dock = viewer.window.add_plugin_dock_widget("quietvoxel", "Denoise")
    until(lambda: dock.noise.origin.text() == "(estimated)")
    qtbot.wait(50)
    assert dock.preview_box.isChecked()
    assert "move a slider" in dock.preview_line.text()
    assert not dock._preview._desk.busy
    assert [one.name for one in viewer.layers] == ["scan"]
    dock.forms["relativeflow"]["strength"].value = 1.2
    settled(dock, until)
    assert preview_of(viewer).visible


def test_a_slider_changes_the_slice_on_screen_and_nothing_else(
    viewer, layer, small, fake, previewed, until, pixels
):
    dock = previewed()
    shown = preview_of(viewer)
    unit = float((small.data[2] - shown.data[2]).mean()) / 10.0
    assert unit > 0
    viewer.show()
    before = pixels(viewer)
    dock.forms["fake"]["offset"].value = 60.0
    settled(dock, until)
    np.testing.assert_allclose(small.data[2] - shown.data[2], 60 * unit, rtol=1e-3)
    for index in (0, 1, 3, 4):
        np.testing.assert_array_equal(shown.data[index], small.data[index])
    assert before.astype(int).mean() - pixels(viewer).astype(int).mean() > 1
    np.testing.assert_array_equal(layer.data, small.data)
    dock.forms["fake"]["strength"].value = 0.0
    settled(dock, until)
    np.testing.assert_array_equal(shown.data[2], small.data[2])


def test_the_preview_follows_the_slice_and_comes_back_at_once(viewer, layer, small, fake, previewed, until):
    dock = previewed()
    shown = preview_of(viewer)
    viewer.dims.set_current_step(0, 4)
    until(lambda: (shown.data[4] != small.data[4]).all())
    settled(dock, until)
    steps = fake.steps
    viewer.dims.set_current_step(0, 2)
    assert (shown.data[2] != small.data[2]).all()
    assert not dock._preview._desk.busy
    assert fake.steps == steps


def test_the_preview_is_what_the_volume_gets(viewer, ct_volume, open_dock, until, run_to_the_end):
    from quietvoxel.napari_plugin.adapter import add_volume

    volume = ct_volume.with_data(ct_volume.data[4:9])
    add_volume(viewer, volume, "body")
    dock = open_dock(preview=True)
    dock.forms["relativeflow"]["steps"].value = 2
    settled(dock, until)
    final = np.asarray(preview_of(viewer).data)[2]
    assert np.std(final - volume.data[2]) > 5
    run_to_the_end(dock)
    result = viewer.layers["body [RelativeFlow]"]
    np.testing.assert_array_equal(result.data[2], np.rint(final).astype(np.int16))
    whole = quietvoxel.denoise(volume, settings=RelativeFlowSettings(steps=2))
    np.testing.assert_array_equal(result.data, whole.volume.data)


def test_a_draft_is_said_to_be_one(viewer, layer, fake, open_dock, until):
    fake.held = True
    dock = open_dock(preview=True)
    until(lambda: fake.reached.acquire(blocking=False))
    fake.gate.release()  # the draft has one step
    until(lambda: dock.preview_line.text().startswith("DRAFT"))
    fake.let_go()
    settled(dock, until)


def test_without_the_check_mark_there_is_no_preview(viewer, layer, fake, previewed, qtbot):
    dock = previewed()
    dock.preview_box.setChecked(False)
    assert [one.name for one in viewer.layers] == ["scan"]
    dock.forms["fake"]["offset"].value = 30.0
    qtbot.wait(50)
    assert [one.name for one in viewer.layers] == ["scan"]


def test_removing_the_preview_layer_takes_the_check_mark_away(viewer, layer, fake, previewed):
    dock = previewed()
    viewer.layers.remove(preview_of(viewer))
    assert not dock.preview_box.isChecked()


def test_in_other_planes_the_preview_rests_and_says_why(viewer, layer, fake, previewed, until):
    dock = previewed()
    viewer.dims.order = (1, 0, 2)
    assert not preview_of(viewer).visible
    assert "cuts across" in dock.preview_line.text()
    viewer.dims.order = (0, 1, 2)
    settled(dock, until)
    assert preview_of(viewer).visible


def test_a_window_set_on_the_volume_holds_for_preview_and_result(
    viewer, layer, fake, previewed, run_to_the_end
):
    dock = previewed()
    run_to_the_end(dock)
    layer.contrast_limits = (-50.0, 90.0)
    for name in ("scan [preview]", "scan [Fake]"):
        assert list(viewer.layers[name].contrast_limits) == [-50.0, 90.0]


def test_blending_needs_no_engine(viewer, layer, small, fake, previewed, run_to_the_end, until):
    dock = previewed()
    run_to_the_end(dock)
    result = viewer.layers["scan [Fake]"]
    denoised = result.data.copy()
    steps = fake.steps
    dock.blend.setValue(50)
    half = np.rint((small.data.astype(np.float32) + denoised) / 2)
    np.testing.assert_allclose(result.data[2], half[2], atol=1)  # the slice on screen at once
    until(lambda: not dock._blender.isActive())
    np.testing.assert_allclose(result.data, half, atol=1)
    assert result.metadata["quietvoxel"]["provenance"]["blend"] == 0.5
    dock.blend.setValue(0)
    until(lambda: not dock._blender.isActive())
    np.testing.assert_array_equal(result.data, small.data)
    dock.blend.setValue(100)
    until(lambda: not dock._blender.isActive())
    np.testing.assert_array_equal(result.data, denoised)
    assert fake.steps == steps


def test_a_result_is_blended_while_it_fills(viewer, layer, small, fake, open_dock, run_to_the_end):
    dock = open_dock()
    dock.blend.setValue(0)
    run_to_the_end(dock)
    np.testing.assert_array_equal(viewer.layers["scan [Fake]"].data, small.data)
    dock.blend.setValue(100)
    dock._blend_some()
    assert (viewer.layers["scan [Fake]"].data[2] != small.data[2]).all()


def test_residual_and_uncertainty_are_layers_on_request(
    viewer, layer, small, fake, open_dock, run_to_the_end
):
    fake.spread = 0.01
    dock = open_dock()
    run_to_the_end(dock)
    result = viewer.layers["scan [Fake]"]
    (row,) = dock.results.rows
    row.residual.click()
    residual = viewer.layers["scan [Fake] residual"]
    np.testing.assert_array_equal(np.asarray(residual.data), small.as_float32() - result.data)
    low, high = residual.contrast_limits
    assert low == -high
    np.testing.assert_array_equal(residual.scale, layer.scale)
    row.uncertainty.click()
    assert np.ptp(viewer.layers["scan [Fake] uncertainty"].data) == 0
    row.residual.click()
    assert "scan [Fake] residual" not in viewer.layers
    viewer.layers.remove("scan [Fake] uncertainty")
    assert not row.uncertainty.isChecked()
    viewer.layers.remove(result)
    assert dock.results.rows == []


def test_a_saved_result_has_its_geometry_and_its_record(
    viewer, layer, small, fake, open_dock, run_to_the_end, until, tmp_path, monkeypatch
):
    from quietvoxel.napari_plugin import saving

    path = tmp_path / "out.nii.gz"
    monkeypatch.setattr(saving.QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    dock = open_dock()
    run_to_the_end(dock)
    dock.results.rows[0].save_button.click()
    until(lambda: "Saved out.nii.gz" in dock.bar.status.text())
    again = quietvoxel.read(path)
    np.testing.assert_array_equal(again.data, viewer.layers["scan [Fake]"].data)
    np.testing.assert_allclose(again.geometry.origin, small.geometry.origin)
    record = json.loads((tmp_path / "out.quietvoxel.json").read_text())
    assert record["engine"] == "fake"


def test_a_noise_level_of_ones_own_is_used_and_re_estimated(
    viewer, layer, fake, open_dock, until, run_to_the_end
):
    dock = open_dock()
    estimate = dock.noise.value.value()
    dock.noise.value.setValue(33.0)
    assert dock.noise.origin.text() == "(given)"
    run_to_the_end(dock)
    record = viewer.layers["scan [Fake]"].metadata["quietvoxel"]["provenance"]
    assert (record["sigma"], record["sigma_given"]) == (33.0, True)
    dock.noise.button.click()
    until(lambda: dock.noise.origin.text() == "(estimated)")
    assert dock.noise.value.value() == estimate


def test_advanced_options_reach_the_run(viewer, layer, small, fake, open_dock, run_to_the_end):
    dock = open_dock()
    dock.options_form["axis"].value = "1"
    dock.options_form["precision"].value = "float32"
    dock.forms["fake"]["seed"].value = 7
    run_to_the_end(dock)
    record = viewer.layers["scan [Fake]"].metadata["quietvoxel"]["provenance"]
    assert (record["slice_axis"], record["precision"], record["settings"]["seed"]) == (1, "float32", 7)


def test_new_voxels_are_measured_anew(viewer, layer, small, fake, open_dock, until):
    dock = open_dock()
    layer.data = np.rint(40 + 3.0 * (small.data - 40.0)).astype(np.int16)
    until(lambda: dock.noise.value.value() > 45)


def test_the_modality_can_be_put_right(viewer, layer, fake, open_dock, until):
    dock = open_dock()
    dock.modality.setCurrentText("MR")
    dock.modality.textActivated.emit("MR")
    until(lambda: dock.noise.origin.text() != "measuring…")
    assert dock.engines.card.name == "fake-mr"
    assert dock.noise.value.suffix() == ""


def test_the_last_settings_are_there_in_the_next_session(viewer, layer, fake, own_home, open_dock):
    dock = open_dock()
    dock.forms["fake"]["offset"].value = 44.5
    dock.options_form["tile"].value = 256
    dock.blend.setValue(70)
    viewer.window.remove_dock_widget(dock)
    kept = json.loads((own_home / "docks.json").read_text())
    assert kept["denoise"]["engine"] == "fake"
    again = open_dock()
    assert again.engines.engine == "fake"
    assert again.settings("fake").offset == 44.5
    assert again.options().tile == 256
    assert again.blend.value() == 70


def test_damaged_or_outdated_settings_are_passed_over(viewer, layer, fake, own_home, open_dock):
    (own_home / "docks.json").write_text(
        json.dumps({"denoise": {"engine": "gone", "settings": {"fake": {"offset": 1e9, "steps": 5, "x": 1}}}})
    )
    assert open_dock().settings("fake").model_dump()["steps"] == 5
    (own_home / "docks.json").write_text("{")
    viewer.window.remove_dock_widget("all")
    assert open_dock().settings("fake").offset == 10.0


def test_preferences_say_how_the_dock_starts(viewer, layer, fake, open_dock, tmp_path, monkeypatch):
    from napari.settings import get_plugin_settings

    from quietvoxel.models import model_folder

    monkeypatch.setenv("QUIETVOXEL_MODELS", "")
    docks = get_plugin_settings("quietvoxel").docks
    before = docks.model_dump()
    docks.engine, docks.device, docks.preview, docks.model_folder = "fake", "cpu", False, str(tmp_path)
    try:
        _, dock = viewer.window.add_plugin_dock_widget("quietvoxel", "Denoise")
        assert dock.engines.engine == "fake"
        assert dock.options().device == "cpu"
        assert not dock.preview_box.isChecked()
        assert model_folder() == tmp_path
    finally:
        docks.update(before)


def test_a_fake_model_is_found_for_what_the_tests_expect(fake):
    assert find_model(engine="fake", modality="CT").name == "fake-ct"
    assert InferenceOptions().blend == 1.0
