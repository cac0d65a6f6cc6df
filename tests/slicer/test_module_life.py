"""From the first use to the application's end: set-up, reload, a closed scene, children."""

from __future__ import annotations

import os
import sys
import types
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer

from .conftest import Told, alive, noisy_array, on_a_display, tick, until

if TYPE_CHECKING:
    import pytest

pytestmark = on_a_display


def test_nothing_installed_is_explained_and_nothing_is_started(
    application: Any, ui: Any, scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from QuietVoxelLib.qt_setup import SetupBox

    started: list[bool] = []
    asked: list[str] = []
    host = types.SimpleNamespace(ask=lambda question: bool(asked.append(question)))
    box = SetupBox(ui, lambda: started.append(True), host, (5, 10), lambda _name: None)
    assert box.look() is False
    assert ui.setupLabel.text.startswith("Not installed yet: PyTorch, QuietVoxel.")
    assert not ui.denoiseSection.enabled
    ui.installButton.click()
    assert "Slicer's SimpleITK, numpy and VTK stay as they are" in asked[0]
    assert ui.setupLabel.text == "Nothing was installed."
    assert not started

    old = SetupBox(ui, lambda: None, host, (5, 8), lambda _name: object())
    assert old.look() is False
    assert (
        ui.setupLabel.text == "QuietVoxel needs Slicer 5.10 or later, and this is 5.8; please update Slicer."
    )
    assert ui.installButton._q.isHidden()

    there = SetupBox(ui, lambda: None, host, (5, 10), lambda _name: object())
    assert there.look() is True
    assert ui.setupBox._q.isHidden()
    assert ui.denoiseSection.enabled


def test_another_python_is_used_in_the_environment_that_slicer_was_started_in(
    application: Any, ui: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from QuietVoxelLib import qt_setup

    monkeypatch.setattr(slicer.util, "startupEnvironment", lambda: {"HOME": "/home/me"})
    monkeypatch.setattr(qt_setup, "other_python", lambda: "/opt/own/python")
    assert qt_setup.program() == ["/opt/own/python", "-m", "quietvoxel"]
    assert qt_setup.environment() == {"HOME": "/home/me"}
    box = qt_setup.SetupBox(ui, lambda: None, types.SimpleNamespace(), (5, 10), lambda _name: None)
    assert box.look()  # Slicer's own Python need not have it
    monkeypatch.setattr(qt_setup, "other_python", lambda: "")
    assert qt_setup.environment() == dict(os.environ)
    assert not box.look()


def test_loading_the_module_anew_leaves_nothing_of_it_behind(
    opened: Any, application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = opened()
    widget.panel.compare._space.set(True)
    assert len(application.slots["aboutToQuit()"]) == 1
    widget.panel.session.client = types.SimpleNamespace(kill=lambda: None, process=None)
    widget.cleanup()
    assert application.slots["aboutToQuit()"] == []
    assert not widget.panel.compare._space.on
    application.connect("aboutToQuit()", widget.onQuit)  # the fixture cleans up once more


def test_closing_the_scene_in_the_middle_stops_all_and_the_module_goes_on(
    opened: Any, add_volume: Any, views: Any, scene: Any
) -> None:
    node = add_volume(noisy_array((40, 96, 96)))
    views(node)
    widget = opened()
    ui = widget.ui
    ui.inputSelector.setCurrentNode(node)
    until(lambda: ui.denoiseButton.enabled and ui.sigmaLine.text == "(estimated)", lambda: tick(widget))
    ui.denoiseButton.click()
    until(lambda: widget.panel.session.run.state == "running", lambda: tick(widget))
    process = widget.panel.session.client.process
    widget.panel.train.references.add([node, "/a/folder"])
    widget.panel.session.blender.add(node, np.zeros(3))
    scene.Clear()
    assert [ui.referencesList._q.item(i).text() for i in range(ui.referencesList._q.count())] == ["/a/folder"]
    assert not widget.panel.session.blender._denoised  # a node of the next scene may have the same ID
    until(lambda: not widget.panel.session.run.busy, lambda: tick(widget))
    assert ui.denoiseButton.text == "Denoise volume"
    until(lambda: not process.running, lambda: tick(widget), 10.0)
    until(lambda: ui.engineBox.count and widget.panel.session.client._ready, lambda: tick(widget))


def test_the_application_ends_and_so_do_its_children(application: Any, ui: Any, scene: Any) -> None:
    from QuietVoxelLib.qt_module import ModulePanel
    from QuietVoxelLib.session import Session

    class Sleeper:
        def __init__(self) -> None:
            from QuietVoxelLib.child_process import SubprocessChild

            self.child = SubprocessChild()
            made.append(self.child)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.child, name)

    made: list[Any] = []
    session = Session(scene, Sleeper, [sys.executable, "-c", "import time; time.sleep(600)"])
    panel = ModulePanel(ui, scene, session, types.SimpleNamespace(look=lambda: True, say=lambda text: None))
    panel.start()
    panel.session.training.start([sys.executable, "-c", "import time; time.sleep(600)"])
    pids = [one.pid for one in made]
    assert len(pids) == 2
    panel.quit()
    until(lambda: not any(map(alive, pids)), lambda: None, 5.0)


def test_qprocess_serves_like_the_other_child_process(application: Any, qtbot: Any, child_home: Any) -> None:
    from QuietVoxelLib.qt_process import QtChild
    from QuietVoxelLib.worker_client import WorkerClient

    environment = dict(os.environ)
    client = WorkerClient(lambda: QtChild(environment), [sys.executable, "-m", "quietvoxel", "worker"])
    heard: list[Any] = []
    client.submit({"job": "about"}, heard.append)
    qtbot.waitUntil(lambda: bool(heard), timeout=30000)
    assert heard[0]["event"] == "finished"
    assert heard[0]["engines"][0]["name"] == "relativeflow"
    process = client.process
    client.stop()
    qtbot.waitUntil(lambda: not process.running, timeout=5000)

    missing = WorkerClient(lambda: QtChild(environment), ["/no/such/program"])
    missing.submit({"job": "about"}, heard.append)
    qtbot.waitUntil(lambda: len(heard) == 2, timeout=5000)
    assert "could not be started" in heard[1]["message"]


def test_a_run_is_told(told: Told) -> None:
    """The view that the other tests use has all that the module's own has."""
    from QuietVoxelLib.run_view import RunView

    wanted = [name for name in vars(RunView) if not name.startswith("_")]
    assert all(hasattr(told, name) for name in wanted)
