"""Small noisy references, a home of its own, and an order for a training of seconds."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from quietvoxel.io import write
from quietvoxel.training.settings import TrainingSettings
from quietvoxel.volume import Geometry, Modality, Volume

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SMALL = TrainingSettings(patch=32, batch=2, precision="float32")


@pytest.fixture
def home(tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own with the two small models."""
    folder = tmp_path / "home"
    shutil.copytree(tiny_models / "models", folder / "models")
    monkeypatch.setenv("QUIETVOXEL_HOME", str(folder))
    return folder


def noisy_mr(path: Path, slices: int = 4, *, seed: int = 0, noise: float = 0.03, side: int = 48) -> Path:
    """Write an MR of round tissues with noise as a share of the brightest one."""
    rng = np.random.default_rng(seed)
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in (max(2, slices), side, side)), indexing="ij")
    data = np.zeros((slices, side, side))
    for level in (0.5, 0.7, 0.9, 1.0):
        centre, radius = rng.uniform(-0.4, 0.4, 2), rng.uniform(0.2, 0.6)
        inside = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 + 0.1 * z**2 < radius**2
        data[inside[:slices]] = level
    data = np.hypot(data + noise * rng.standard_normal(data.shape), noise * rng.standard_normal(data.shape))
    path.parent.mkdir(parents=True, exist_ok=True)
    write(Volume((400 * data).astype(np.float32), Geometry((2.0, 2.0, 4.0)), Modality.MR), path)
    return path


def noisy_ct(path: Path, slices: int = 3, *, seed: int = 0, side: int = 48) -> Path:
    """Write a CT of soft tissue in air."""
    rng = np.random.default_rng(seed)
    data = rng.normal(40.0, 15.0, (slices, side, side))
    data[:, :, :6] = -1000
    path.parent.mkdir(parents=True, exist_ok=True)
    write(Volume(np.rint(data).astype(np.int16), Geometry((0.8, 0.8, 2.5)), Modality.CT), path)
    return path


@pytest.fixture(scope="session")
def references(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write three noisy MRs, only to be read."""
    folder = tmp_path_factory.mktemp("references")
    for seed in range(3):
        noisy_mr(folder / f"scan-{seed}.nii.gz", seed=seed)
    return folder


@pytest.fixture
def order(home: Path, references: Path) -> Callable[..., Any]:
    """Make an order for a training of a few steps; words replace what it says."""
    starting = pytest.importorskip("quietvoxel.training.order", reason="needs the train extra (lightning)")

    def make(**changes: Any) -> Any:
        usual = {
            "references": (references,),
            "engine": "relativeflow",
            "name": "mine",
            "plan": "quick",
            "settings": SMALL,
            "max_steps": 4,
            "modality": "MR",
        }
        return starting.TrainingOrder(**{**usual, **changes})

    return make
