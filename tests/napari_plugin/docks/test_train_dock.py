"""The Train dock in a real viewer: a real training, end to end, and what can come between."""

from __future__ import annotations

import shutil
import sys

import numpy as np
import pytest

from quietvoxel.io import write
from quietvoxel.jobs import TrainingState
from quietvoxel.napari_plugin import train_foresight, train_process
from quietvoxel.napari_plugin.adapter import add_volume
from quietvoxel.volume import Geometry, Modality, Volume

pytest.importorskip("lightning", reason="needs the train extra (lightning)")


def noisy_mr(seed: int, slices: int = 4, size: int = 48) -> Volume:
    rng = np.random.default_rng(seed)
    y, x = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size), indexing="ij")
    data = np.where(y**2 + x**2 < 0.6, 300.0, 0.0) + rng.normal(0, 12, (slices, size, size))
    return Volume(np.abs(data).astype(np.float32), Geometry((2.0, 2.0, 4.0)), Modality.MR)


AT_ONCE = """
import sys
import quietvoxel.cli.background
quietvoxel.cli.background.give_way = lambda: None
from quietvoxel.cli import main
sys.exit(main())
"""


@pytest.fixture(autouse=True)
def _on_equal_terms(monkeypatch):
    """On a busy test machine a process of low priority would hardly ever get its turn."""
    monkeypatch.setattr(train_process, "PROGRAM", [sys.executable, "-c", AT_ONCE])


@pytest.fixture
def home(own_home, tiny_models, monkeypatch):
    shutil.copytree(tiny_models / "models", own_home / "models")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return own_home


@pytest.fixture
def dock(home, viewer, monkeypatch):
    monkeypatch.setattr(train_foresight, "SETTLE_MS", 10**6)  # measured where a test asks for it
    _, dock = viewer.window.add_plugin_dock_widget("quietvoxel", "Train")
    return dock


def small(dock, steps):
    dock.choices.most_steps.setValue(steps)
    dock.choices.choose(plan="quick")
    for name, value in (("patch", 32), ("batch", 1), ("precision", "float32")):
        dock.choices.form[name].value = value


def test_references_become_a_model_that_denoises(home, viewer, dock, tmp_path, until):
    _, denoise = viewer.window.add_plugin_dock_widget("quietvoxel", "Denoise")
    write(noisy_mr(1), tmp_path / "file.nii.gz")
    dock.references.add_layers([add_volume(viewer, noisy_mr(0), "head")])
    dock.references.add_paths([tmp_path / "file.nii.gz"])
    until(lambda: not dock.references.looking)
    assert dock.references.summary_line.text().startswith("2 volumes · MR · 8 slices · noise ")
    assert dock.bar.start_button.isEnabled()
    small(dock, 4)

    dock.bar.start_button.click()
    assert not dock.bar.start_button.isEnabled()
    until(lambda: not dock.busy, 100)

    assert dock.process.state is TrainingState.FINISHED, dock.bar.status.text()
    assert dock.bar.start_button.isEnabled()
    stage = dock.watch.curves.stage
    assert stage.steps[-1] == 4
    assert stage.judged[0] == 0
    assert np.array_equal(dock.plots.loss.listDataItems()[0].getData()[0], stage.steps)
    assert {name: image.shape for name, image in dock.pictures.images.items()} == dict.fromkeys(
        ("reference", "degraded", "now", "start"), (48, 48)
    )

    # It made no model by itself: the user says what it is called.
    if dock.waiting.chosen is None:
        pytest.fail(dock.bar.status.text())
    assert dock.waiting.go_button.text() == "Save as model…"
    dock.waiting.go_button.click()
    until(lambda: dock.dialog is not None)
    assert "PSNR" in dock.dialog.quality.text()
    dock.dialog.name.setText("relativeflow-mr")
    dock.dialog.save_button.click()
    until(lambda: "already" in dock.dialog.status.text())
    dock.dialog.name.setText("our-scanner")
    dock.dialog.words["title"].setText("Our scanner")
    dock.dialog.save_button.click()
    until(lambda: dock.dialog is None)

    offered = [denoise.engines.models.itemText(k) for k in range(denoise.engines.models.count())]
    assert "Our scanner (our-scanner)" in offered
    assert dock.models.name == "our-scanner"
    assert not dock.waiting.isVisible()
