"""The installed package carries what it needs: manifest, types, bundled models; wheel and editable."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LARGEST_WHEEL = 80 * 2**20

CHECK = """
import quietvoxel, quietvoxel.volume
from npe2 import PluginManifest
manifest = PluginManifest.from_distribution("quietvoxel")
print(manifest.name, manifest.display_name, quietvoxel.volume.__file__)
"""


def run(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(arguments, cwd=cwd, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def build(source: Path, kind: str, out: Path) -> Path:
    """Build with the backend itself: no isolated environment, no network."""
    code = f"from hatchling.build import build_{kind} as build; print(build({str(out)!r}))"
    return out / run(sys.executable, "-c", code, cwd=source).splitlines()[-1]


@pytest.fixture(scope="module")
def sdist(tmp_path_factory) -> Path:
    return build(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def source(sdist, tmp_path_factory) -> Path:
    """The unpacked sdist, so that builds leave no trace in the working tree."""
    folder = tmp_path_factory.mktemp("source")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.iterdir())


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory) -> Path:
    return build(source, "wheel", tmp_path_factory.mktemp("wheel"))


def test_wheel_has_the_manifest_the_types_and_every_module(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src" / "quietvoxel").rglob("*.py")
        if "__pycache__" not in path.parts
    }
    assert {"quietvoxel/napari.yaml", "quietvoxel/py.typed"} <= names
    assert modules <= names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]


def test_wheel_has_the_bundled_models_and_stays_small(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    bundled = ROOT / "src" / "quietvoxel" / "models" / "bundled"
    models = [path for path in bundled.glob("*") if path.suffix in {".safetensors", ".json", ".toml"}]
    assert {f"quietvoxel/models/bundled/{path.name}" for path in models} <= names
    assert wheel.stat().st_size < LARGEST_WHEEL


def test_an_installed_wheel_is_a_napari_plugin(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})" + CHECK
    name, display_name, file = run(sys.executable, "-I", "-c", code, cwd=tmp_path).split()
    assert (name, display_name) == ("quietvoxel", "QuietVoxel")
    assert Path(file).is_relative_to(tmp_path)


@pytest.mark.parametrize("links", [True, False], ids=["symlinks", "no symlinks"])
def test_an_editable_install_is_a_napari_plugin(source, tmp_path, links):
    tree = tmp_path / "tree"
    shutil.copytree(source, tree)
    if not links:
        hook = (tree / "hatch_build.py").read_text()
        assert "place.symlink_to(" in hook
        (tree / "hatch_build.py").write_text(hook.replace("place.symlink_to(", "raise OSError("))
    built = build(tree, "editable", tmp_path)
    site = tmp_path / "site"
    with zipfile.ZipFile(built) as archive:
        archive.extractall(site)
    code = (
        f"import site; site.addsitedir({str(site)!r}); import sys; sys.path.insert(0, {str(tree / 'src')!r})"
        + CHECK
    )
    name, _, file = run(sys.executable, "-I", "-c", code, cwd=tmp_path).split()
    assert name == "quietvoxel"
    assert Path(file).is_relative_to(tree)
    assert (tree / "src" / "quietvoxel" / "napari.yaml").is_symlink() is links
    # A wheel built afterwards must not carry the manifest twice.
    names = zipfile.ZipFile(build(tree, "wheel", tmp_path)).namelist()
    assert names.count("quietvoxel/napari.yaml") == 1


def test_this_environment_finds_the_plugin():
    try:
        distribution("quietvoxel")
    except PackageNotFoundError:
        pytest.skip("quietvoxel is on the path, but not installed")
    name, _, file = run(sys.executable, "-c", CHECK, cwd=ROOT).split()
    assert name == "quietvoxel"
    assert Path(file).is_file()


def test_constraints_pin_every_direct_dependency_to_one_version():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {
        line.split("==")[0].lower().replace("_", "-"): line for line in lines if not line.startswith("#")
    }
    assert pinned["torch"] == "torch==2.13.0"
    wanted = project["dependencies"] + [
        d for extra in project["optional-dependencies"].values() for d in extra
    ]
    names = {requirement.split(">=")[0].lower() for requirement in wanted}
    assert names <= set(pinned)
    assert all("==" in line for line in pinned.values())
