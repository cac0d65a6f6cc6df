"""The real program, in this process where that is enough, and small files to give it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from quietvoxel.cli import main
from quietvoxel.io import write
from quietvoxel.volume import Geometry, Modality, Volume

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE = Path(__file__).resolve().parents[2] / "src"


@dataclass(frozen=True)
class Outcome:
    """What a command left: exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines; fails where anything else was printed."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def quietvoxel(
    model_home: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """Run a command in an empty folder, with the small random models."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> Outcome:
        capfd.readouterr()
        code = main([str(word) for word in words])
        return Outcome(code, *capfd.readouterr())

    return run


@pytest.fixture
def python(tiny_models: Path, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start a Python of its own, as a shell or a viewer would."""

    def start(*words: object) -> subprocess.Popen[str]:
        environment = os.environ | {"PYTHONPATH": str(SOURCE), "QUIETVOXEL_HOME": str(tiny_models)}
        return subprocess.Popen(
            [sys.executable, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env=environment,
            cwd=tmp_path,
        )

    return start


@pytest.fixture
def ct_file(tmp_path: Path) -> Path:
    """Write a small int16 CT with noise and padding."""
    return make_ct(tmp_path / "ct.nii.gz", (4, 48, 40))


@pytest.fixture
def make() -> Callable[..., Path]:
    """Give the writer of small CT files."""
    return make_ct


def make_ct(path: Path, shape: tuple[int, int, int]) -> Path:
    rng = np.random.default_rng(0)
    data = np.rint(rng.normal(40.0, 20.0, shape)).astype(np.int16)
    data[:, :, :6] = -1000
    data[:, :4, :] = -2000
    geometry = Geometry((0.8, 0.8, 2.5), (-10.0, -20.0, 30.0))
    write(Volume(data, geometry, Modality.CT), path)
    return path
