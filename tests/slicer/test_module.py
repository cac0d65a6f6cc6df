"""The module as the application would load it: .ui by Qt's own loader, widget class, parameter node, sections."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import types
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import slicer

from .conftest import MODULE, ROOT, Told, alive, centre_on, noisy_array, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

display = sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
pytestmark = [
    pytest.mark.slicer,
    pytest.mark.skipif(not display, reason="no display: run it under xvfb-run, as `make test` does"),
]
UI = MODULE / "Resources" / "UI" / "QuietVoxel.ui"


@pytest.fixture
def application(qapp: Any, scene: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What Slicer has besides MRML: PythonQt, CTK, base classes; and the module's Qt files imported anew."""
    from . import application as stand_in
    from . import pythonqt

    fakes = stand_in.modules(str(MODULE / "Resources"))
    fakes |= {"qt": pythonqt.FakeQt("qt"), "ctk": pythonqt.make_ctk()}
    for name, module in fakes.items():
        monkeypatch.setitem(sys.modules, name, module)
    app = stand_in.App()
    monkeypatch.setattr(slicer, "app", app, raising=False)
    monkeypatch.setattr(slicer.util, "loadUI", lambda path: pythonqt.Proxy(pythonqt.load_ui(path)))
    monkeypatch.setattr(slicer.util, "childWidgetVariables", lambda root: pythonqt.child_variables(root._q))
    window = pythonqt.Proxy(pythonqt.QtWidgets.QMainWindow())
    monkeypatch.setattr(slicer.util, "mainWindow", lambda: window)
    yield app
    for name in [one for one in sys.modules if one == "QuietVoxel" or one.startswith("QuietVoxelLib.qt_")]:
        forget_module(name)
    forget_module("QuietVoxelLib.parameters")


def forget_module(name: str) -> None:
    """Import it anew next time, with the stand-ins of the next test."""
    sys.modules.pop(name, None)
    package, _, last = name.partition(".")
    if last:
        vars(sys.modules[package]).pop(last, None)


@pytest.fixture
def ui(application: Any) -> Any:
    from . import pythonqt

    root = pythonqt.load_ui(UI)
    found = pythonqt.child_variables(root)
    found.root = root
    return found


@pytest.fixture
def opened(
    application: Any, scene: Any, warm_worker: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Any]]:
    """Build the module's widget over the warm worker, as if all were installed, and enter it."""
    made: list[Any] = []

    def build() -> Any:
        import QuietVoxel
        from QuietVoxelLib import needs, qt_module
        from QuietVoxelLib.child_process import SubprocessChild
        from QuietVoxelLib.session import Session

        session = Session(scene, SubprocessChild, [sys.executable, "-m", "quietvoxel"], warm_worker)
        usual = qt_module.ModulePanel
        monkeypatch.setattr(needs, "missing", lambda *_given, **_named: [])
        monkeypatch.setattr(qt_module, "ModulePanel", lambda ui, scene: usual(ui, scene, session))
        widget = QuietVoxel.QuietVoxelWidget(types.SimpleNamespace(isEntered=True))
        widget.setup()
        widget.enter()
        until(lambda: widget.ui.engineBox.count, lambda: tick(widget))
        made.append(widget)
        return widget

    yield build
    for widget in made:
        until(lambda: not warm_worker.busy, warm_worker.tick)  # it goes on to the next test
        widget.panel.session.client = types.SimpleNamespace(kill=lambda: None, process=None)
        widget.cleanup()


def tick(widget: Any) -> None:
    from PyQt6.QtWidgets import QApplication

    QApplication.processEvents()
    widget.panel.session.tick()


def test_the_module_file_imports_fast_and_without_torch() -> None:
    code = f"""
import sys, types, time
import slicer, vtk, slicer.util
sys.path[:0] = [{str(MODULE)!r}, {str(ROOT / "tests")!r}]
base = types.ModuleType("slicer.ScriptedLoadableModule")
for name in ("", "Logic", "Test", "Widget"):
    setattr(base, "ScriptedLoadableModule" + name, type("Base" + name, (), {{}}))
i18n = types.ModuleType("slicer.i18n"); i18n.tr = i18n.translate = lambda *a: a[-1]
sys.modules |= {{base.__name__: base, i18n.__name__: i18n}}
before = set(sys.modules)
began = time.perf_counter()
import QuietVoxel
seconds = time.perf_counter() - began
print(seconds, *sorted(set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    seconds, *loaded = done.stdout.split()
    assert float(seconds) < 0.2
    assert not {"torch", "quietvoxel", "SimpleITK", "pydantic"} & {name.split(".")[0] for name in loaded}


def test_only_the_widget_files_know_the_application() -> None:
    for path in (MODULE / "QuietVoxelLib").glob("*.py"):
        imports = re.findall(r"^\s*(?:import|from) ([\w.]+)", path.read_text("utf-8"), re.MULTILINE)
        application = {"qt", "ctk", "slicer.ScriptedLoadableModule", "SampleData", "PyTorchUtils"} & set(
            imports
        )
        if application:
            assert path.name.startswith("qt_") or path.name == "sample_data.py", f"{path.name}: {application}"
        assert not [one for one in imports if one.split(".")[0] in ("quietvoxel", "torch", "SimpleITK")]


def test_every_lib_file_and_resource_is_in_the_build() -> None:
    text = (MODULE / "CMakeLists.txt").read_text("utf-8")
    for folder, ending in (("QuietVoxelLib", "*.py"), ("Resources", "**/*.*")):
        for path in (MODULE / folder).glob(ending):
            name = path.relative_to(MODULE).as_posix()
            assert name in text or name.removesuffix(".py") in text, f"{name} is not in CMakeLists.txt"


def test_the_widgets_that_code_names_are_in_the_ui_and_the_other_way_round(ui: Any) -> None:
    used: set[str] = set()
    for path in [MODULE / "QuietVoxel.py", *(MODULE / "QuietVoxelLib").glob("qt_*.py")]:
        used |= set(re.findall(r"ui\.(\w+)", path.read_text("utf-8")))
    there = set(vars(ui)) - {"root"}
    assert used <= there
    quiet = {"label", "Box", "Section", "Label", "About"}
    controls = {
        name
        for name in there
        if not name.startswith(("label_", "qt_", "QuietVoxel")) and not name.endswith(tuple(quiet))
    }
    assert controls <= used


def test_sections_stand_in_the_order_of_the_docks(ui: Any) -> None:
    layout = ui.root.layout()
    names = [
        layout.itemAt(i).widget().objectName() for i in range(layout.count()) if layout.itemAt(i).widget()
    ]
    assert names == [
        "setupBox",
        "denoiseSection",
        "compareSection",
        "trainSection",
        "simulateSection",
        "noticeLabel",
    ]
    assert [ui.__dict__[name].text for name in names[1:5]] == ["Denoise", "Compare", "Train", "Simulate"]


def test_every_selector_gets_the_scene_from_the_root(ui: Any, scene: Any) -> None:
    ui.root.setMRMLScene(scene)
    selectors = [one for name, one in vars(ui).items() if name.endswith("Selector")]
    assert len(selectors) == 9
    assert all(one._q.scene is scene for one in selectors)


def test_every_parameter_bound_in_the_ui_is_typed_for_its_widget(ui: Any, scene: Any) -> None:
    from QuietVoxelLib.parameters import QuietVoxelParameters

    node = scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "QuietVoxel")
    parameters = QuietVoxelParameters(node)
    parameters.connectGui(ui)
    text = UI.read_text("utf-8")
    bound = set(re.findall(r'SlicerParameterName"[^>]*>\s*<string[^>]*>(\w+)', text))
    kept_apart = {
        "engine",
        "model",
        "settings",
        "options",
        "trainSettings",
    }  # of controls that are made at run time
    assert bound == set(parameters.parameters) - kept_apart
    ui.blendSlider.value = 40.0
    assert parameters.blend == 40.0
    parameters.livePreview = False
    assert ui.previewBox.checked is False


def test_the_user_denoises_a_volume(opened: Any, add_volume: Any, views: Any, scene: Any) -> None:
    from QuietVoxelLib.volume_nodes import array_of

    node = add_volume()
    shown = views(node)
    centre_on(shown["Red"], node, (10, 10, 1))
    widget = opened()
    ui = widget.ui

    ui.inputSelector.setCurrentNode(node)
    until(lambda: ui.sigmaLine.text == "(estimated)", lambda: tick(widget))
    assert ui.volumeLine.text == "48×40×4 · 0.8×0.8×2.5 mm"
    assert ui.sigmaBox.value == pytest.approx(20.0, abs=2.0)
    assert ui.modalityBox.currentText == "CT"
    assert ui.denoiseButton.enabled
    widget.exit()
    widget.enter()
    for _ in range(20):
        tick(widget)
        time.sleep(0.01)
    assert widget.panel.session.preview.node is None  # the original, until a control is touched

    _, steps = widget.panel.denoise.engines._forms["relativeflow"].controls["steps"]
    assert (steps.minimum, steps.maximum, steps.decimals) == (1, 8, 0)
    steps.value = 2.0
    until(lambda: ui.previewLine.text.startswith(("final", "draft")), lambda: tick(widget))
    assert widget.panel.session.preview.node is not None

    ui.denoiseButton.click()
    assert ui.denoiseButton.text == "Cancel"
    until(lambda: ui.denoiseButton.text == "Denoise volume", lambda: tick(widget))
    result = ui.resultSelector.currentNode()
    assert result.GetName() == "CT abdomen [RelativeFlow]"
    assert ui.denoiseStatus.text.endswith("Not for primary diagnosis.")
    assert ui.compareASelector.currentNode() is node
    assert ui.compareBSelector.currentNode() is result

    denoised = array_of(result).copy()
    ui.blendSlider.value = 0.0
    until(lambda: np.array_equal(array_of(result), array_of(node)), lambda: tick(widget))
    ui.blendSlider.value = 100.0
    until(lambda: np.array_equal(array_of(result), denoised), lambda: tick(widget))

    assert ui.resultsList._q.item(0).text() == "CT abdomen [RelativeFlow]"
    ui.showResidualBox.checked = True
    composite = shown["Red composite"]
    residual = widget.panel.denoise.results.view.residual
    assert composite.GetForegroundVolumeID() == residual.GetID()
    assert array_of(residual).any()
    ui.showResidualBox.checked = False
    assert composite.GetForegroundVolumeID() == result.GetID()
    assert residual.GetScene() is None
    assert not ui.showUncertaintyBox.enabled

    parameters = widget._parameters
    assert parameters.engine == "relativeflow"
    assert '"steps": 2' in parameters.settings


def test_the_user_compares_measures_and_checks(opened: Any, add_volume: Any, views: Any, scene: Any) -> None:
    from QuietVoxelLib.volume_nodes import add_beside, array_of, matrix_of

    a = add_volume()
    views(a)
    b = add_beside(a, (array_of(a) // 2).astype(np.int16), "B")
    widget = opened()
    ui = widget.ui
    ui.compareASelector.setCurrentNode(a)
    ui.compareBSelector.setCurrentNode(b)
    for button in ("sideBySideButton", "fadeButton", "curtainButton", "checkerboardButton", "residualButton"):
        getattr(ui, button).click()
        assert getattr(ui, button).checked, button
        assert ui.compareLine.text == ""
    ui.flickerButton.click()
    assert ui.shownLine.text == "Now A: CT abdomen"
    widget.panel.compare.flip()
    assert ui.shownLine.text == "Now B: B"
    space = widget.panel.compare._space
    assert space.on
    space._shortcut._q.activated.emit()
    assert ui.shownLine.text == "Now A: CT abdomen"
    ui.windowBox.currentIndex = ui.windowBox.findData("Lung")
    ui.windowBox._q.activated.emit(ui.windowBox.currentIndex)
    assert b.GetDisplayNode().GetWindow() == 1500.0
    assert ui.widthBox.value == 1500.0
    ui.levelBox.value = -500.0
    assert a.GetDisplayNode().GetLevel() == -500.0
    ui.flickerButton.click()
    assert not ui.flickerButton.checked
    assert not space.on  # everybody else's again

    ui.curtainButton.click()
    widget.panel.session.comparison.dragged(0.25)
    assert ui.revealSlider.value == 25.0
    assert widget.panel.session.comparison._curtain._cut == 12
    ui.curtainButton.click()

    ui.measureButton.click()
    assert "Draw a region or a line first" in ui.regionsLine.text
    roi = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "R")
    roi.SetCenter(*(matrix_of(a) @ [24, 20, 2, 1])[:3])
    roi.SetSize(12.0, 12.0, 5.0)
    ui.regionSelector.setCurrentNode(roi)
    ui.measureButton.click()
    until(lambda: ui.regionTable._q.rowCount() == 3 or ui.regionsLine.text, lambda: tick(widget))
    assert ui.regionsLine.text == ""
    assert ui.regionTable._q.item(1, 0).text() == "1  SD"
    ui.curvesBox._q.activated.emit(ui.curvesBox.findData("profile"))
    assert ui.regionsLine.text.startswith("Measure first; a line profile needs a line")
    ui.regionsLine.text = ""

    ui.referenceSelector.setCurrentNode(a)
    until(lambda: "PSNR" in ui.referenceLine.text, lambda: tick(widget))
    ui.structureButton.click()
    assert ui.structureButton.text == "Cancel"
    until(lambda: ui.structureButton.text == "Check structure", lambda: tick(widget))
    assert ui.structureLine.text


def test_the_user_simulates_and_is_ready_to_denoise_it(opened: Any, add_volume: Any, views: Any) -> None:
    node = add_volume(noisy_array(dtype="float32"))
    views(node)
    widget = opened()
    ui = widget.ui
    ui.simulateSelector.setCurrentNode(node)
    until(lambda: ui.measureBox.count == 3, lambda: tick(widget))
    ui.measureBox.currentIndex = ui.measureBox.findData("sigma")
    ui.valueBox.value = 25.0
    ui.simulateButton.click()
    until(lambda: ui.simulateStatus.text, lambda: tick(widget))
    assert ui.simulateStatus.text == "Added noise of SD 25. Simulated; not for diagnosis."
    assert ui.inputSelector.currentNode().GetName() == "CT abdomen [noise 25]"
    assert ui.referenceSelector.currentNode() is node


def test_the_user_trains_and_knows_before_what_it_takes(
    opened: Any, add_volume: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = add_volume()
    widget = opened()
    ui, session = widget.ui, widget.panel.session
    ran: list[list[str]] = []

    class Child:
        """A training that says what the real one says, and has ended then."""

        running = False

        def start(self, command: list[str], listener: Any) -> None:
            ran.append(command)
            if "--measure" in command:
                plans = {"quick": 600.0, "standard": 3600.0}
                for plan, seconds in plans.items():
                    event = {"event": "foreseen", "plan": plan, "steps": 40, "seconds": seconds}
                    listener.line(json.dumps(event | {"memory_bytes": 2.1e9, "device": "cpu"}))
            else:
                message = "The training 'x' is unfinished; go on with --resume, or set --patch."
                listener.line(json.dumps({"event": "failed", "message": message, "code": 2}))
                listener.ended(2, "")

        def kill_tree(self) -> None:
            """Nothing runs."""

        def poll(self) -> None:
            """Nothing comes."""

    monkeypatch.setattr(session.foresight, "_make_process", Child)
    monkeypatch.setattr(session.training, "_make_process", Child)
    monkeypatch.setattr(session.training, "option_words", {"--resume": "Resume", "--patch": "Patch"})
    ui.inputSelector.setCurrentNode(node)
    ui.trainSection.collapsed = False
    ui.addVolumeButton.click()
    assert ui.referencesList._q.count() == 1
    assert ui.planLine.text == "measuring time and memory on this machine…"
    until(lambda: "steps" in ui.planLine.text, lambda: tick(widget))
    assert ui.planLine.text == "40 steps, about 10:00 and 2.1 GB of memory, on cpu"
    assert ran[0][-4:-2] == ["--measure", "--no-save"] or "--measure" in ran[0]
    ui.planBox.currentIndex = ui.planBox.findData("standard")
    assert "about 1:00:00" in ui.planLine.text
    assert len(ran) == 1  # all plans were measured at once

    ui.startTrainingButton.click()
    assert ui.trainStatus.text.startswith("Give the model a name first")
    ui.trainNameEdit.text = "my-ct"
    ui.trainTitleEdit.text = "Our CT"
    ui.trainUseEdit.text = "low-dose abdomen"
    _, patch = widget.panel.train._settings.controls["patch"]
    patch.value = 64
    ui.startTrainingButton.click()
    until(lambda: len(ran) == 2 and not session.training.busy, lambda: tick(widget))
    words = ran[1]
    assert words[:4] == [*session.program, "train"]
    assert {"--title=Our CT", "--intended-use=low-dose abdomen"} <= set(words)
    assert words[words.index("--patch") + 1] == "64"
    assert words[words.index("--modality") + 1] == "CT"
    assert words[words.index("--plan") + 1] == "standard"
    assert words[-1].endswith(".nrrd")
    assert ui.trainStatus.text == "The training 'x' is unfinished; go on with Resume, or set Patch."
    assert ui.startTrainingButton.enabled


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


def test_a_view_that_moves_moves_the_preview(opened: Any, add_volume: Any, views: Any) -> None:
    node = add_volume()
    shown = views(node)
    centre_on(shown["Red"], node, (10, 10, 1))
    widget = opened()
    ui = widget.ui
    ui.inputSelector.setCurrentNode(node)
    until(lambda: ui.sigmaLine.text == "(estimated)", lambda: tick(widget))
    widget.panel.denoise.engines._forms["relativeflow"].controls["strength"][1].value = 1.5
    until(lambda: ui.previewLine.text.startswith(("final", "draft")), lambda: tick(widget))
    preview = widget.panel.session.preview
    assert preview.node.GetAttribute("QuietVoxel.slice") == "1"
    centre_on(shown["Red"], node, (10, 10, 3))
    until(lambda: preview.node.GetAttribute("QuietVoxel.slice") == "3", lambda: tick(widget))
    widget.exit()
    assert preview.node is None


def test_a_run_is_told(told: Told) -> None:
    """The view that the other tests use has all that the module's own has."""
    from QuietVoxelLib.run_view import RunView

    wanted = [name for name in vars(RunView) if not name.startswith("_")]
    assert all(hasattr(told, name) for name in wanted)
