"""A real MRML scene, real volume nodes and the real worker; nothing of MRML is mocked."""

from __future__ import annotations

import os
import sys
import time
import types
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

if find_spec("slicer") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    import slicer
    from QuietVoxelLib.child_process import SubprocessChild
    from QuietVoxelLib.denoise_run import DenoiseRun, Plan
    from QuietVoxelLib.volume_desk import VolumeDesk
    from QuietVoxelLib.volume_nodes import matrix_of, set_matrix
    from QuietVoxelLib.worker_client import WorkerClient

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "slicer_extension" / "QuietVoxel"
UI = MODULE / "Resources" / "UI" / "QuietVoxel.ui"
display = sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
on_a_display = [
    pytest.mark.slicer,
    pytest.mark.skipif(not display, reason="no display: run it under xvfb-run, as `make test` does"),
]
COMMAND = [sys.executable, "-m", "quietvoxel", "worker", "--protocol", "1"]


@pytest.fixture
def scene() -> Iterator[Any]:
    """Make an empty scene, the one of the application."""
    slicer.mrmlScene = slicer.vtkMRMLScene()
    yield slicer.mrmlScene
    slicer.mrmlScene.Clear()


def oblique_matrix() -> NDArray[np.float64]:
    """Turn by 20 and 10 degrees, uneven spacing, away from the origin; in RAS."""
    a, b = np.radians(20.0), np.radians(10.0)
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    z = np.array([[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = (x @ z) * [-0.9, -0.8, 2.7]
    matrix[:3, 3] = [31.25, -22.5, -417.4]
    return matrix


def axial_matrix() -> NDArray[np.float64]:
    """Rows to the left, columns to the back: how a scanner stores axial slices; in RAS."""
    matrix = np.diag([-0.8, -0.8, 2.5, 1.0])
    matrix[:3, 3] = [20.0, 15.0, -40.0]
    return matrix


def noisy_array(shape: tuple[int, int, int] = (4, 40, 48), dtype: str = "int16") -> NDArray[Any]:
    """A bright square in water, air about it, and noise."""
    rng = np.random.default_rng(3)
    data = np.full(shape, 40.0)
    data[:, shape[1] // 3 : shape[1] // 2, shape[2] // 3 : shape[2] // 2] = 300.0
    data[:, :, :6] = -1000.0
    data += rng.normal(0.0, 20.0, shape)
    return (np.rint(data) if np.dtype(dtype).kind in "iu" else data).astype(dtype)


@pytest.fixture
def add_volume(scene: Any) -> Callable[..., Any]:
    """A maker of CT volume nodes with a display."""

    def add(
        array: NDArray[Any] | None = None, matrix: NDArray[np.float64] | None = None, name: str = "CT abdomen"
    ) -> Any:
        node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
        slicer.util.updateVolumeFromArray(node, noisy_array() if array is None else array)
        set_matrix(node, axial_matrix() if matrix is None else matrix)
        node.SetAttribute("QuietVoxel.modality", "CT")
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetAutoWindowLevel(False)
        display.SetWindowLevel(400.0, 40.0)
        return node

    return add


@pytest.fixture
def child_home(tiny_models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let child processes see this source tree and the small random models."""
    monkeypatch.setenv("QUIETVOXEL_HOME", str(tiny_models))
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tiny_models


class Told:
    """A view that keeps what it was told."""

    def __init__(self) -> None:
        self.states: list[str] = []
        self.progress: list[tuple[float | None, str]] = []
        self.sentence = ""
        self.details = ""
        self.notes: list[str] = []

    def show_state(self, state: str) -> None:
        self.states.append(state)

    def show_progress(self, fraction: float | None, text: str) -> None:
        self.progress.append((fraction, text))

    def say(self, sentence: str, details: str = "") -> None:
        self.sentence, self.details = sentence, details

    def note(self, sentences: list[str]) -> None:
        self.notes = list(sentences)


@pytest.fixture
def told() -> Told:
    return Told()


def until(condition: Callable[[], Any], tick: Callable[[], Any], seconds: float = 60.0) -> None:
    """Do what the application's timer does until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        tick()
        time.sleep(0.005)


def alive(pid: int) -> bool:
    """Whether a process runs, zombies left out."""
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="session")
def warm_worker(tiny_models: Path) -> Iterator[WorkerClient]:
    """One worker for all tests that do not harm it: it imports torch once."""
    environment = os.environ | {
        "QUIETVOXEL_HOME": str(tiny_models),
        "PYTHONPATH": str(ROOT / "src"),
        "OMP_NUM_THREADS": "1",
    }
    client = WorkerClient(lambda: SubprocessChild(environment), COMMAND)
    yield client
    client.stop()
    until(lambda: not client._closing, client.tick, 10.0)


@pytest.fixture
def own_worker(child_home: Path) -> Iterator[Callable[..., WorkerClient]]:
    """A maker of workers that may be harmed."""
    made: list[WorkerClient] = []

    def make(command: list[str] | None = None) -> WorkerClient:
        made.append(WorkerClient(SubprocessChild, command or COMMAND))
        return made[-1]

    yield make
    for client in made:
        client.kill()


@pytest.fixture
def desk(warm_worker: WorkerClient, tmp_path: Path) -> VolumeDesk:
    return VolumeDesk(warm_worker, tmp_path)


@pytest.fixture
def plan() -> Plan:
    return Plan("relativeflow", "RelativeFlow", settings={"steps": 2})


@pytest.fixture
def run(warm_worker: WorkerClient, desk: VolumeDesk, told: Told) -> DenoiseRun:
    return DenoiseRun(warm_worker, desk, told)


@pytest.fixture
def views(scene: Any) -> Callable[[Any], dict[str, Any]]:
    """A maker of three slice views and a layout, as the application has them, that show a volume."""

    def make(node: Any) -> dict[str, Any]:
        made: dict[str, Any] = {"layout": scene.AddNewNodeByClass("vtkMRMLLayoutNode")}
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
        for name, orientation in (("Red", "Axial"), ("Yellow", "Sagittal"), ("Green", "Coronal")):
            view = scene.CreateNodeByClass("vtkMRMLSliceNode")  # with the presets of the scene
            view.UnRegister(None)
            view.SetLayoutName(name)
            view.SetName(name)
            view = scene.AddNode(view)
            view.SetOrientation(orientation)
            composite = slicer.vtkMRMLSliceCompositeNode()
            composite.SetLayoutName(name)
            composite = scene.AddNode(composite)
            composite.SetBackgroundVolumeID(node.GetID())
            made[name] = view
            made[name + " composite"] = composite
        return made

    return make


def centre_on(view: Any, node: Any, ijk: tuple[float, float, float]) -> None:
    """Let a view lie in the plane of the volume's slices, through a voxel."""
    matrix = matrix_of(node)
    to_ras = view.GetSliceToRAS()
    for column in range(3):
        unit = matrix[:3, column] / np.linalg.norm(matrix[:3, column])
        for row in range(3):
            to_ras.SetElement(row, column, float(unit[row]))
    place = matrix @ [*ijk, 1.0]
    for row in range(3):
        to_ras.SetElement(row, 3, float(place[row]))
    view.UpdateMatrices()


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
