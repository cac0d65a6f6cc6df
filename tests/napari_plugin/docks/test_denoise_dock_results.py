"""Results in the Denoise dock: blended with the original, subtracted from it, and saved."""

from __future__ import annotations

import json

import numpy as np

import quietvoxel


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
