"""The Train dock whatever its process does: every end is one sentence, with the buttons ready again."""

from __future__ import annotations

import gc
import shutil
import tempfile
import weakref

import pytest
from qtpy.QtWidgets import QApplication
from train_children import fake, noisy

from quietvoxel.errors import QuietVoxelError
from quietvoxel.io import write
from quietvoxel.jobs import TrainingState
from quietvoxel.napari_plugin import train_dock, train_foresight, train_process
from quietvoxel.napari_plugin.adapter import add_volume
from quietvoxel.training.settings import SCRATCH
from quietvoxel.volume import Modality


@pytest.fixture(autouse=True)
def home(own_home, tiny_models, monkeypatch):
    shutil.copytree(tiny_models / "models", own_home / "models")
    monkeypatch.setattr(train_foresight, "SETTLE_MS", 10**6)
    monkeypatch.setattr(train_process, "PROGRAM", fake())
    return own_home


@pytest.fixture
def open_train(viewer):
    def open_it():
        return viewer.window.add_plugin_dock_widget("quietvoxel", "Train")[1]

    return open_it


@pytest.fixture
def looked(until):
    """Wait until references are read, and keep hold of nothing."""

    def wait(references):
        until(lambda: not references.looking)

    return wait


@pytest.fixture
def dock(viewer, open_train, until):
    add_volume(viewer, noisy(0), "head")
    dock = open_train()
    dock.references.add_layers(list(viewer.layers))
    until(lambda: not dock.references.looking)
    return dock


@pytest.fixture
def train(monkeypatch, until):
    """Start a training of which the first step is told, or which ends before."""

    def start(dock, ending="obeys", *, to_the_end=False):
        monkeypatch.setattr(train_process, "PROGRAM", fake(ending))
        dock.bar.start_button.click()
        until(lambda: not dock.busy or (not to_the_end and len(dock.watch.curves.stage.steps) > 0))

    return start


def assert_ready(dock):
    assert not dock.busy
    assert dock.bar.start_button.isEnabled()
    assert dock.references.isEnabled()
    assert dock.choices.isEnabled()
    buttons = (dock.bar.pause_button, dock.bar.stop_button, dock.bar.cancel_button)
    assert not any(button.isEnabled() for button in buttons)
    texts = [button.text() for button in (dock.bar.start_button, *buttons)]
    assert texts == ["Start", "Pause", "Stop and keep best", "Cancel"]


def test_the_buttons_follow_the_training(dock, train, until):
    train(dock)
    bar = dock.bar
    assert not dock.choices.isEnabled()
    assert not bar.start_button.isEnabled()
    assert "step 1/9 · epoch 1/2 · 0:08 left" in bar.progress.text()
    assert "There is a note." in bar.notes.text()
    assert "9 steps of 1 s" in bar.notes.text()
    bar.pause_button.click()
    assert not bar.stop_button.isEnabled()
    until(lambda: bar.pause_button.text() == "Resume")
    assert "paused at step 2" in bar.progress.text()
    bar.pause_button.click()
    until(lambda: bar.pause_button.text() == "Pause" and dock.watch.curves.stage.steps == [1, 3])
    bar.stop_button.click()
    assert bar.stop_button.text() == "Stopping…"
    assert bar.cancel_button.text() == "End at once"
    until(lambda: not dock.busy)
    assert bar.status.text() == "Stopped and kept."
    assert_ready(dock)


def test_cancel_leaves_a_training_that_can_be_resumed(dock, train, until):
    train(dock)
    dock.bar.cancel_button.click()
    until(lambda: not dock.busy)
    assert dock.process.state is TrainingState.CANCELLED
    assert "--" not in dock.bar.status.text()
    assert_ready(dock)


def test_a_training_that_does_not_hear_is_ended_at_once(dock, train, until):
    train(dock, "deaf")
    dock.bar.cancel_button.click()
    assert dock.bar.cancel_button.text() == "End at once"
    dock.bar.cancel_button.click()
    assert not dock.bar.cancel_button.isEnabled()
    until(lambda: not dock.busy)
    assert "checkpoint" in dock.bar.status.text()
    assert_ready(dock)


def test_a_crash_is_one_sentence_with_details_to_copy(dock, train):
    train(dock, "dies", to_the_end=True)
    assert "ended unexpectedly (code 9)" in dock.bar.status.text()
    assert dock.bar.copy_details.isVisibleTo(dock)
    assert dock.bar._details == "a library's last words"
    assert_ready(dock)
    train(dock)
    assert dock.bar.status.text() == ""
    assert not dock.bar.copy_details.isVisibleTo(dock)


@pytest.mark.parametrize(
    "sentence",
    [
        "The memory does not hold one training image of the smallest patch; close other programs.",
        "The training stopped because the disk is full; free some space, then go on with --resume.",
        "Training needs a few more packages; install them with: pip install 'quietvoxel[train]'.",
    ],
)
def test_what_the_training_cannot_do_is_said(dock, train, sentence):
    train(dock, f"fails:{sentence}", to_the_end=True)
    assert dock.bar.status.text() == sentence.replace("--resume", "Resume")
    assert_ready(dock)


def test_a_program_that_is_not_there_is_said(dock, monkeypatch, until):
    monkeypatch.setattr(train_process, "PROGRAM", ["/nowhere/quietvoxel"])
    dock.bar.start_button.click()
    until(lambda: not dock.busy)
    assert "could not be started" in dock.bar.status.text()
    assert_ready(dock)


def test_a_full_disk_before_the_start_is_said(dock, monkeypatch, until):
    def full(*_arguments, **_more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("quietvoxel.io.itk_files.write_itk", full)
    dock.bar.start_button.click()
    until(lambda: not dock.busy)
    assert "free some space" in dock.bar.status.text()
    assert_ready(dock)


def test_nothing_better_than_the_start_is_said_and_makes_no_model(dock, train):
    train(dock, "unchanged", to_the_end=True)
    assert "Nothing was better" in dock.bar.status.text()
    assert dock.waiting.chosen is None
    assert_ready(dock)


def test_layers_are_handed_over_without_their_names_and_taken_away(
    viewer, dock, train, tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    viewer.layers[0].name = "Mrs Smith"
    handed = []
    launch = train_process.TrainProcess.start

    def noted(process, request):
        handed.append((request.references, [path.exists() for path in request.references]))
        launch(process, request)

    monkeypatch.setattr(train_process.TrainProcess, "start", noted)
    train(dock)
    ((paths, there),) = handed
    assert there == [True]
    assert "Smith" not in str(paths)
    assert not paths[0].exists()  # the training has read it


def test_the_denoise_dock_works_meanwhile(fake, viewer, dock, train, open_dock, run_to_the_end):
    train(dock)
    denoise = open_dock()
    run_to_the_end(denoise)
    assert any("[Fake]" in layer.name for layer in viewer.layers), denoise.bar.status.text()
    assert dock.busy
    assert dock.process.state is TrainingState.TRAINING


def test_references_that_do_not_fit_are_named_with_their_reasons(viewer, open_train, tmp_path, until):
    dock = open_train()
    assert not dock.bar.start_button.isEnabled()
    write(noisy(0), tmp_path / "head.nii.gz")
    write(noisy(1, modality=Modality.CT), tmp_path / "body.nii.gz")
    (tmp_path / "broken.nrrd").write_bytes(b"nothing")
    (tmp_path / "empty").mkdir()
    names = ("head.nii.gz", "body.nii.gz", "broken.nrrd", "empty")
    dock.references.add_paths([tmp_path / name for name in names])
    dock.references.add_layers([viewer.add_labels((noisy(0).data > 100).astype(int), name="mask")])
    until(lambda: not dock.references.looking)
    assert dock.references.summary_line.text().startswith("1 volume · MR · 4 slices")
    said = dock.references.left_out_line.toolTip()
    assert "body.nii.gz is left out because it is CT, not MR" in said
    assert all(name in said for name in ("broken.nrrd", "empty", "mask"))
    assert str(tmp_path / "body.nii.gz") not in dock.references.left_out_line.text()
    assert dock.bar.start_button.isEnabled()

    dock.references.list.item(0).setSelected(True)
    dock.references.remove_button.click()
    assert dock.references.summary_line.text().startswith("1 volume · CT · 4 slices")
    assert dock.choices.start == "relativeflow-ct"

    for row in range(dock.references.list.count()):
        dock.references.list.item(row).setSelected(row == 0)
    dock.references.remove_button.click()
    assert "None of these" in dock.references.summary_line.text()
    assert not dock.bar.start_button.isEnabled()


def test_a_stated_modality_counts_where_the_voxels_do_not_say(viewer, open_train, until):
    dock = open_train()
    plain = viewer.add_image(noisy(0).data, name="plain", scale=(4, 2, 2))
    dock.references.add_layers([plain])
    until(lambda: not dock.references.looking)
    assert "MR" in dock.references.summary_line.text()
    dock.choices.modality_box.setCurrentText("CT")
    dock.choices.modality_box.activated.emit(1)
    until(lambda: not dock.references.looking)
    assert dock.references.summary_line.text().startswith("1 volume · CT")
    assert dock.choices.start == "relativeflow-ct"


def test_the_menu_offers_the_volumes_that_are_not_on_the_list(viewer, dock, until):
    second = add_volume(viewer, noisy(1), "second")
    add_volume(viewer, noisy(2), "third")
    viewer.add_points([[0, 0, 0]])
    menu = dock.references.menu
    menu.aboutToShow.emit()
    assert [action.text() for action in menu.actions()] == ["third", "second", "all of these"]
    menu.actions()[-1].trigger()
    until(lambda: not dock.references.looking)
    assert dock.references.summary_line.text().startswith("3 volumes")
    viewer.layers.remove(second)
    assert dock.references.summary_line.text().startswith("2 volumes")


def test_choices_come_back_but_no_references(viewer, dock, train, open_train):
    dock.choices.choose(engine="relativeflow", plan="overnight", start=SCRATCH)
    dock.choices.form["patch"].value = 64
    viewer.window.remove_dock_widget(dock)
    again = open_train()
    assert again is not dock
    assert again.choices.plan == "overnight"
    assert again.choices.start == SCRATCH
    assert again.choices.settings.patch == 64
    assert again.references.entries == []


def test_no_widget_no_listener_and_no_process_stays_behind(viewer, train, open_train, until, qtbot):
    known = {id(widget) for widget in QApplication.allWidgets()}
    add_volume(viewer, noisy(0), "head")
    dock = open_train()
    area = dock.parent()
    dock.references.add_layers(list(viewer.layers))
    until(lambda: not dock.references.looking)
    train(dock)
    run = dock.process.run
    viewer.window.remove_dock_widget(dock)
    dock.deleteLater()
    area.deleteLater()
    until(lambda: run.wait(0))
    qtbot.wait(100)
    assert run.state is TrainingState.CANCELLED
    left = [
        widget
        for widget in QApplication.allWidgets()
        if id(widget) not in known and type(widget).__module__.startswith(("quietvoxel", "pyqtgraph"))
    ]
    assert not left
    assert not [one for one in viewer.layers.events.removed.callbacks if "quietvoxel" in repr(one)]


def test_closing_napari_lets_the_training_end_after_a_checkpoint(
    make_napari_viewer, home, looked, train, until
):
    viewer = make_napari_viewer(show=False)
    add_volume(viewer, noisy(0), "head")
    dock = train_dock.TrainDock(viewer)
    viewer.window.add_dock_widget(dock, name="Train")
    dock.references.add_layers(list(viewer.layers))
    looked(dock.references)
    train(dock)
    run, gone = dock.process.run, weakref.ref(dock)
    del dock
    viewer.close()
    until(lambda: run.wait(0))
    assert run.state is TrainingState.CANCELLED
    gc.collect()
    assert gone() is None


def test_a_layer_that_is_no_volume_any_more_is_said_at_the_start(dock, monkeypatch):
    def refuse(_layer):
        msg = "The layer holds nothing."
        raise QuietVoxelError(msg)

    monkeypatch.setattr("quietvoxel.napari_plugin.train_references.volume_from_layer", refuse)
    dock.bar.start_button.click()
    assert dock.bar.status.text() == "The layer holds nothing."
    assert_ready(dock)


def test_a_new_training_has_a_name_that_nobody_has(dock, home):
    first = dock._free_name()
    (home / "runs" / first).mkdir(parents=True)
    assert dock._free_name() not in (first, "")
    assert train_dock.run_folder(dock._free_name()).parent == home / "runs"
