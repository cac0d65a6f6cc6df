"""What the Denoise dock offers and says, and that each control reaches the run."""

from __future__ import annotations

import numpy as np
import pytest


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


def test_a_setting_that_does_nothing_as_the_others_are_is_grey(viewer, layer, fake, open_dock):
    form = open_dock().forms["fdn"]
    assert [row.name for row in form.basic if not row.enabled] == ["samples"]
    assert form["samples"].native.graphicsEffect().opacity() < 0.5
    form["noise_latent"].value = "sampled"
    assert form["samples"].enabled
    assert form["samples"].native.graphicsEffect() is None
    form["noise_latent"].value = "predicted"
    assert not form["samples"].enabled


def test_the_card_of_the_model_is_shown_on_request_and_as_plain_text(viewer, layer, fake, open_dock):
    dock = open_dock()
    assert dock.engines.card_text.isHidden()
    dock.engines.info.click()
    assert not dock.engines.card_text.isHidden()
    assert "nobody's scans &lt;b&gt;" in dock.engines.card_text.text().replace("&#x27;", "'")


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
