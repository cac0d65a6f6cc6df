"""Installing: asked first, Slicer's own packages kept, offline from a folder, failures in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from QuietVoxelLib import needs
from QuietVoxelLib.installer import Installer, plain_requirements

pytestmark = pytest.mark.slicer

REQUIRES = [
    "torch>=2.6",
    "numpy>=1.26",
    "SimpleITK>=2.3",
    "scikit-image>=0.22",
    "pydicom>=3.0",
    'lightning>=2.4; extra == "train"',
    'napari>=0.9; extra == "napari"',
]


class Machine:
    """A host on which what was installed is there afterwards."""

    def __init__(self, there: set[str] = frozenset(), agrees: bool = True, torch: bool = True) -> None:  # type: ignore[assignment]
        self.there = {"numpy", "SimpleITK", "vtk"} | there
        self.agrees, self.torch = agrees, torch
        self.asked: list[str] = []
        self.pip: list[list[str]] = []
        self.fails: Exception | None = None

    def ask(self, question: str) -> bool:
        self.asked.append(question)
        return self.agrees

    def pip_install(self, arguments: list[str]) -> None:
        if self.fails:
            raise self.fails
        self.pip.append(arguments)
        self.there |= {
            name for name in ("torch", "quietvoxel") if any(one.startswith(name) for one in arguments)
        }

    def install_torch(self, _requirement: str) -> bool:
        self.there |= {"torch"} if self.torch else set()
        return self.torch

    def find(self, name: str) -> object | None:
        return object() if name in self.there else None

    @property
    def installer(self) -> Installer:
        return Installer(self, self.find, lambda _name: REQUIRES)


def test_nothing_is_done_before_the_user_agrees() -> None:
    machine = Machine(agrees=False)
    assert machine.installer.run() == (False, "Nothing was installed.")
    assert machine.pip == []
    assert "PyTorch >=2.6, the build for your graphics card" in machine.asked[0]
    assert "quietvoxel >=0.1,<0.2" in machine.asked[0]


def test_torch_comes_by_its_extension_and_slicers_own_packages_are_never_named() -> None:
    machine = Machine()
    assert machine.installer.run() == (True, "Installed. Choose a volume to start.")
    alone, rest = machine.pip
    assert alone == ["--no-deps", "quietvoxel>=0.1,<0.2"]
    assert rest[:3] == ["scikit-image>=0.22", "pydicom>=3.0", "lightning>=2.4"]  # the last for training
    constraints = Path(rest[rest.index("-c") + 1]).read_text("utf-8")
    assert f"numpy=={needs.version_of('numpy')}" in constraints
    assert f"vtk=={needs.version_of('vtk')}" in constraints
    assert not [
        one for one in rest if one.lower().startswith(("numpy", "simpleitk", "vtk", "torch", "napari"))
    ]


def test_without_network_a_folder_of_wheels_does(tmp_path: Path) -> None:
    machine = Machine()
    done, sentence = machine.installer.run(str(tmp_path))
    assert not done
    assert sentence.startswith("There is no quietvoxel wheel in")
    assert machine.asked == []
    (tmp_path / "quietvoxel-0.1.0-py3-none-any.whl").touch()
    assert machine.installer.run(str(tmp_path))[0]
    assert all(one[:3] == ["--no-index", "--find-links", str(tmp_path)] for one in machine.pip)
    assert machine.pip[0][3] == "torch>=2.6"


def test_what_goes_wrong_is_one_sentence() -> None:
    machine = Machine(torch=False)
    assert "The extension PyTorch is missing" in machine.installer.run()[1]
    machine = Machine({"torch"})
    machine.fails = RuntimeError("No matching distribution\nTraceback (most recent call last)")
    done, sentence = machine.installer.run()
    assert not done
    assert sentence == (
        "The installation failed (No matching distribution); check the network and the space on the disk."
    )
    machine.fails = None
    assert machine.installer.run()[0]
    assert machine.installer.run() == (True, "Everything is installed.")


def test_training_is_a_need_and_other_front_ends_are_none() -> None:
    assert plain_requirements(REQUIRES) == [*REQUIRES[:-2], "lightning>=2.4"]
    assert plain_requirements(None) == []


@pytest.mark.parametrize(
    ("slicer_version", "python", "sentence"),
    [
        ((5, 10), (3, 12), ""),
        ((6, 0), (3, 13), ""),
        ((5, 8), (3, 9), "QuietVoxel needs Slicer 5.10 or later, and this is 5.8; please update Slicer."),
        (
            (5, 10),
            (3, 9),
            "QuietVoxel needs Python 3.11 or later, and this Slicer has 3.9; please update Slicer.",
        ),
    ],
)
def test_too_old_an_application_is_told_so(
    slicer_version: tuple[int, int], python: tuple[int, int], sentence: str
) -> None:
    assert needs.too_old(slicer_version, python) == sentence


def test_needs_are_those_of_the_package() -> None:
    import tomllib

    root = Path(__file__).resolve().parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    assert "torch" + needs.TORCH_VERSION in project["dependencies"]
    assert project["requires-python"] == ">=" + ".".join(map(str, needs.OLDEST_PYTHON))
    assert project["version"].startswith("0.1.")


def test_what_is_missing_is_named() -> None:
    there: dict[str, Any] = {"torch": object()}
    assert needs.missing(there.get) == ["quietvoxel"]
    assert needs.missing_sentence(["quietvoxel"]).startswith("Not installed yet: QuietVoxel.")
    assert needs.missing_sentence([]) == ""
