"""The module's files as the application would load them: .ui by Qt's own loader, parameter node, build."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

from .conftest import MODULE, ROOT, UI, on_a_display

pytestmark = on_a_display


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
