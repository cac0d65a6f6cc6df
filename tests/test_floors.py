"""The floors of the house: imports go down only, and nothing heavy is imported before it is needed."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import quietvoxel

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "quietvoxel"

# From the ground up. A module that is on no floor fails the test: give it one here, as docs/architecture.md
# says.
FLOORS = [
    {"errors", "volume", "phantoms", "padding", "intensity", "io"},
    {"networks", "degradation", "quality"},
    {"engines"},
    {"models"},
    {"inference", "training"},
    {"jobs"},
    {"cli", "napari_plugin", "__main__"},
]
FRONT_ENDS = FLOORS[-1]
VIEWERS = {
    "qtpy",
    "PyQt5",
    "PyQt6",
    "PySide2",
    "PySide6",
    "napari",
    "npe2",
    "magicgui",
    "superqt",
    "pyqtgraph",
    "vispy",
}
VIEWERS |= {"slicer", "vtk", "ctk", "qt"}
HEAVY = {"torch", "monai", "lightning", "SimpleITK", "skimage", "scipy", "pydicom", "safetensors"}


def part_of(path: Path) -> str:
    """First name below quietvoxel: "volume" for volume.py, "io" for io/write.py."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def floor_of(part: str) -> int:
    floors = [level for level, parts in enumerate(FLOORS) if part in parts]
    assert len(floors) == 1, f"quietvoxel.{part} is on no floor of tests/test_floors.py"
    return floors[0]


def imports_of(path: Path) -> list[tuple[int, str]]:
    """Every import in a file, wherever it stands, as (line, full module name)."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = ("quietvoxel", *path.relative_to(PACKAGE).parts)[: -node.level]
                base = ".".join((*package, base)).rstrip(".")
            if base == "quietvoxel":
                # `from quietvoxel import io` imports quietvoxel.io, `import read` what holds it.
                names = [alias.name for alias in node.names if alias.name != "__version__"]
                found += [(node.lineno, quietvoxel._HOMES.get(name, f"quietvoxel.{name}")) for name in names]
            else:
                found.append((node.lineno, base))
    return found


needs_cli = pytest.mark.skipif(
    not (PACKAGE / "cli" / "__init__.py").exists() and not (PACKAGE / "cli.py").exists(),
    reason="no command line yet",
)
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_only(path):
    own = floor_of(part_of(path))
    upward = [
        f"line {line}: {name}"
        for line, name in imports_of(path)
        if name.startswith("quietvoxel.") and floor_of(name.split(".")[1]) > own
    ]
    assert not upward


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_viewer_is_imported_below_the_front_ends(path):
    if part_of(path) in FRONT_ENDS:
        pytest.skip("a front-end")
    assert not [f"line {line}: {name}" for line, name in imports_of(path) if name.split(".")[0] in VIEWERS]


def test_the_test_itself_sees_upward_imports_and_relative_ones(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    (tmp_path / "io").mkdir()
    module = tmp_path / "io" / "read.py"
    module.write_text(
        "from quietvoxel import __version__, jobs, denoise\nfrom ..engines import x\n"
        "def f():\n    import quietvoxel.models.card\n"
    )
    assert [name for _, name in imports_of(module)] == [
        "quietvoxel.jobs",
        "quietvoxel.inference",
        "quietvoxel.engines",
        "quietvoxel.models.card",
    ]


def python(*arguments: str) -> str:
    """Run a fresh interpreter that sees the package, installed or not."""
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_after(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after a statement."""
    code = f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})"
    return set(python("-c", code).split())


@pytest.mark.parametrize(
    "statement",
    [
        "import quietvoxel",
        "import quietvoxel; dir(quietvoxel); quietvoxel.__version__; quietvoxel.Volume",
        pytest.param("import quietvoxel.cli", marks=needs_cli),
    ],
)
def test_importing_loads_nothing_heavy(statement):
    assert not loaded_after(statement) & (VIEWERS | HEAVY)


def test_the_check_for_heavy_imports_can_fail():
    assert "scipy" in loaded_after("import scipy.ndimage")


def test_public_names_are_what_their_modules_hold():
    from quietvoxel.io import read
    from quietvoxel.volume import Volume

    assert quietvoxel.Volume is Volume
    assert quietvoxel.read is read
    assert set(quietvoxel.__all__) <= set(dir(quietvoxel))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = quietvoxel.no_such_name


@needs_cli
def test_help_is_printed():
    assert "denoise" in python("-c", "from quietvoxel.cli import main; main()", "--help")
