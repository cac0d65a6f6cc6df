"""The Train dock in a real viewer with real trainings: from references to a model, and from a stop to its end."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
from train_children import REAL, noisy

from quietvoxel.io import write
from quietvoxel.jobs import TrainingState, interrupted_trainings
from quietvoxel.napari_plugin import train_foresight, train_process
from quietvoxel.napari_plugin.adapter import add_volume
from quietvoxel.training.runs import EVENTS, run_folder

pytest.importorskip("lightning", reason="needs the train extra (lightning)")

PICTURES = {"reference", "degraded", "now", "start"}


@pytest.fixture(autouse=True)
def home(own_home, tiny_models, monkeypatch):
    shutil.copytree(tiny_models / "models", own_home / "models")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(train_process, "PROGRAM", REAL)
    monkeypatch.setattr(train_foresight, "SETTLE_MS", 10**6)  # measured where a test asks for it
    return own_home


@pytest.fixture
def open_train(viewer):
    def open_it():
        return viewer.window.add_plugin_dock_widget("quietvoxel", "Train")

    return open_it


@pytest.fixture
def small(until):
    """Choose a small and short training of what is on the list."""

    def choose(dock, steps):
        dock.choices.most_steps.setValue(steps)
        dock.choices.choose(plan="quick")
        for name, value in (("patch", 32), ("batch", 1), ("precision", "float32")):
            dock.choices.form[name].value = value
        until(lambda: not dock.references.looking)

    return choose


def test_references_become_a_model_in_the_denoise_docks_list(viewer, open_train, small, tmp_path, until):
    _, denoise = viewer.window.add_plugin_dock_widget("quietvoxel", "Denoise")
    _, dock = open_train()
    write(noisy(1), tmp_path / "file.nii.gz")
    dock.references.add_layers([add_volume(viewer, noisy(0), "Mrs Smith")])
    dock.references.add_paths([tmp_path / "file.nii.gz"])
    small(dock, 4)
    assert dock.references.summary_line.text().startswith("2 volumes · MR · 8 slices · noise ")

    dock.bar.start_button.click()
    assert not dock.bar.start_button.isEnabled()
    until(lambda: not dock.busy, 100)

    assert dock.process.state is TrainingState.FINISHED, dock.bar.status.text()
    assert dock.bar.start_button.isEnabled()
    stage = dock.watch.curves.stage
    assert stage.steps[-1] == 4
    assert stage.judged[0] == 0
    lines = dock.plots.loss.listDataItems()
    assert any(np.array_equal(line.getData()[0], stage.steps) for line in lines)
    assert any(np.array_equal(line.getData()[1], stage.psnr) for line in dock.plots.psnr.listDataItems())
    assert {name: image.shape for name, image in dock.pictures.images.items()} == dict.fromkeys(
        PICTURES, (48, 48)
    )
    assert not np.array_equal(dock.pictures.images["now"], dock.pictures.images["start"])

    # It made no model by itself: the user says what it is called.
    assert dock.waiting.go_button.text() == "Save as model…"
    dock.waiting.go_button.click()
    until(lambda: dock.saving.dialog is not None)
    dialog = dock.saving.dialog
    assert "dB before" in dialog.quality.text()
    dialog.name.setText("relativeflow-mr")
    dialog.save_button.click()
    until(lambda: "already" in dialog.status.text())
    assert dialog.save_button.isEnabled()
    dialog.name.setText("our-scanner")
    dialog.words["title"].setText("Our scanner")
    dialog.save_button.click()
    until(lambda: dock.saving.dialog is None)

    offered = [denoise.engines.models.itemText(k) for k in range(denoise.engines.models.count())]
    assert "Our scanner (our-scanner)" in offered
    assert dock.models.name == "our-scanner"
    assert dock.waiting.chosen is None

    exported = tmp_path / "ours.safetensors"
    dock.models.export_to(exported)
    until(lambda: "Exported" in dock.models.status.text())
    dock.models.remove()
    until(lambda: "Removed" in dock.models.status.text())
    offered = [denoise.engines.models.itemText(k) for k in range(denoise.engines.models.count())]
    assert "Our scanner (our-scanner)" not in offered
    dock.models.import_from(exported)
    until(lambda: "Imported" in dock.models.status.text())
    assert dock.models.name == "our-scanner"
    assert b"Smith" not in exported.read_bytes()


def test_a_closed_dock_loses_nothing_and_the_next_one_resumes(viewer, open_train, small, tmp_path, until):
    area, dock = open_train()
    write(noisy(1, slices=1), tmp_path / "one slice.nii.gz")
    dock.references.add_paths([tmp_path / "one slice.nii.gz"])
    small(dock, 100_000)
    dock.bar.start_button.click()
    until(lambda: len(dock.watch.curves.stage.steps) > 0, 100)
    assert "too few slices" in dock.bar.notes.text()
    dock.bar.pause_button.click()
    assert dock.bar.pause_button.text() == "Pausing…"
    until(lambda: dock.bar.pause_button.text() == "Resume")
    at = dock.watch.curves.stage.steps[-1]
    dock.bar.pause_button.click()
    until(lambda: dock.watch.curves.stage.steps[-1] > at)
    assert dock.bar.pause_button.text() == "Pause"

    pid, run = dock.process.run.pid, dock.process.run
    viewer.window.remove_dock_widget(area)
    until(lambda: run.wait(0), 60)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    (interrupted,) = interrupted_trainings()

    _, again = open_train()
    assert again is not dock
    assert "interrupted" in again.waiting.box.currentText()
    assert again.waiting.go_button.text() == "Resume"
    again.waiting.go_button.click()
    before = list(again.watch.curves.stage.steps)
    assert before[0] <= at
    until(lambda: again.watch.curves.stage.steps[-1] > before[-1], 100)
    assert again.watch.curves.stage.steps == sorted(set(again.watch.curves.stage.steps))
    assert set(again.pictures.images) == PICTURES
    again.bar.stop_button.click()
    assert again.bar.stop_button.text() == "Stopping…"
    until(lambda: not again.busy, 60)
    assert again.process.state is TrainingState.FINISHED
    assert interrupted_trainings() == []
    assert again.bar.start_button.text() == "Start"
    assert (run_folder(interrupted.name) / EVENTS).exists()
    if again.waiting.chosen is not None:
        again.waiting.discard_button.click()
        assert not run_folder(interrupted.name).exists()


def test_time_and_memory_are_measured_before_the_start(open_train, small, tmp_path, until, monkeypatch):
    monkeypatch.setattr(train_foresight, "SETTLE_MS", 50)
    write(noisy(1), tmp_path / "file.nii.gz")
    _, dock = open_train()
    assert dock.choices.plan_line.text() == ""
    dock.references.add_paths([tmp_path / "file.nii.gz"])
    until(lambda: not dock.references.looking)
    assert "measuring" in dock.choices.plan_line.text()
    until(lambda: " GB of memory" in dock.choices.plan_line.text(), 100)
    quick = dock.choices.plan_line.text()
    assert quick.startswith("About 10 min · ")
    dock.choices.choose(plan="overnight")
    # Plans are told of one by one.
    until(lambda: dock.choices.plan_line.text().startswith("About 10 h · "))
    dock.choices.choose(plan="quick")
    assert dock.choices.plan_line.text() == quick
