"""The Simulate dock: the noise asked for, in a layer beside its reference."""

from __future__ import annotations

import numpy as np
import pytest

from quietvoxel.jobs import RunState
from quietvoxel.napari_plugin.adapter import add_volume, volume_from_layer


@pytest.fixture
def dock(viewer, ct_volume):
    add_volume(viewer, ct_volume, "body")
    _, dock = viewer.window.add_plugin_dock_widget("quietvoxel", "Simulate")
    return dock


def choose(dock, measure, value):
    dock.measure.setCurrentIndex(dock.measure.findData(measure))
    dock.value.setValue(value)


def test_noise_of_the_level_asked_for_is_added(viewer, dock, ct_volume, run_to_the_end):
    choose(dock, "sigma", 40.0)
    run_to_the_end(dock)

    assert dock.bar.run.state is RunState.DONE
    assert "40 HU" in dock.bar.status.text()
    made = viewer.layers["body [noise 40]"]
    added = made.data.astype(float) - ct_volume.data
    body = ct_volume.data > -50
    assert added[body].std() == pytest.approx(40, rel=0.1)
    np.testing.assert_array_equal(made.scale, viewer.layers["body"].scale)
    assert list(made.contrast_limits) == list(viewer.layers["body"].contrast_limits)
    assert volume_from_layer(made).modality == "CT"
    assert made.metadata["quietvoxel"]["simulated"]["sigma_added"] == 40.0


def test_the_same_seed_adds_the_same_noise(viewer, dock, run_to_the_end):
    choose(dock, "delta", 0.2)
    run_to_the_end(dock)
    run_to_the_end(dock)
    dock.seed.setValue(1)
    run_to_the_end(dock)
    first, second, third = (layer.data for layer in list(viewer.layers)[1:])
    assert len(viewer.layers) == 4
    pairs = [np.array_equal(a, b) for a, b in ((first, second), (second, third), (first, third))]
    assert sorted(pairs) == [False, False, True]


def test_a_dose_is_for_ct_and_a_signal_to_noise_ratio_for_mr(viewer, dock, mr_volume):
    def measures():
        return {dock.measure.itemData(index) for index in range(dock.measure.count())}

    assert measures() == {"dose", "sigma", "delta"}
    dock.chooser.choose(add_volume(viewer, mr_volume, "head"))
    assert measures() == {"snr", "sigma", "delta"}


def test_what_cannot_be_done_is_one_sentence_and_the_button_is_back(viewer, dock, mr_volume, run_to_the_end):
    dock.chooser.choose(add_volume(viewer, mr_volume.with_data(mr_volume.data - 500), "signed"))
    choose(dock, "sigma", 5.0)
    run_to_the_end(dock)
    assert dock.bar.run.state is RunState.FAILED
    assert "negative values" in dock.bar.status.text()
    assert dock.bar.button.text() == "Simulate"
    assert dock.bar.button.isEnabled()
    dock.chooser.choose(viewer.layers["body"])
    choose(dock, "sigma", 5.0)
    run_to_the_end(dock)
    assert dock.bar.run.state is RunState.DONE


def test_a_cancelled_simulation_adds_no_layer(viewer, dock, until):
    dock.bar.button.click()
    dock.bar.button.click()
    assert dock.bar.button.text() == "Cancelling…"
    until(lambda: not dock.bar.run.state.busy)
    assert dock.bar.run.state is RunState.IDLE
    assert len(viewer.layers) == 1


def test_closing_the_dock_in_the_middle_leaves_nothing_behind(viewer, dock, qtbot):
    dock.start()
    viewer.window.remove_dock_widget(dock)
    qtbot.wait(300)
    assert [layer.name for layer in viewer.layers] == ["body"]


def test_the_last_value_is_remembered(viewer, dock, run_to_the_end):
    choose(dock, "sigma", 17.0)
    run_to_the_end(dock)
    viewer.window.remove_dock_widget(dock)
    _, again = viewer.window.add_plugin_dock_widget("quietvoxel", "Simulate")
    again.measure.setCurrentIndex(again.measure.findData("sigma"))
    assert again.value.value() == 17.0
