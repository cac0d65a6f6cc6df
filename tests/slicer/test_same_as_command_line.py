"""Voxel for voxel what `quietvoxel denoise` makes of the same volume, saved by Slicer itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import slicer
from QuietVoxelLib.volume_nodes import array_of, matrix_of, set_matrix

from .conftest import ROOT, axial_matrix, noisy_array, oblique_matrix, until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slicer


def sagittal_matrix() -> np.ndarray[Any, Any]:
    """Slices from right to left, rows to the feet; in RAS."""
    matrix = np.zeros((4, 4))
    matrix[:, 0] = [0, -0.9, 0, 0]
    matrix[:, 1] = [0, 0, -0.9, 0]
    matrix[:, 2] = [3.0, 0, 0, 0]
    matrix[:, 3] = [-5, 40, 30, 1]
    return matrix


def thick_columns() -> np.ndarray[Any, Any]:
    """Stored with the thickest spacing along x: the slices lie along another array axis."""
    return np.diag([-4.0, -0.7, 0.9, 1.0])


CASES = {
    "axial": (axial_matrix(), (3, 32, 40), "int16"),
    "sagittal": (sagittal_matrix(), (3, 40, 32), "int16"),
    "oblique": (oblique_matrix(), (3, 33, 41), "float32"),
    "anisotropic": (thick_columns(), (32, 40, 17), "int16"),
    "under a transform": (axial_matrix(), (3, 32, 40), "float32"),
}

DENOISE_ALL = """
import json, sys
from quietvoxel.cli import main
sys.exit(max(main(words) for words in json.loads(sys.stdin.read())))
"""


@pytest.fixture(scope="module")
def by_command_line(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Save each case as NRRD by MRML's own storage node and denoise it by the command line."""
    folder = tmp_path_factory.mktemp("command-line")
    scene = slicer.vtkMRMLScene()
    orders = []
    for name, (matrix, shape, dtype) in CASES.items():
        node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
        slicer.util.updateVolumeFromArray(node, noisy_array(shape, dtype))
        set_matrix(node, matrix)
        storage = scene.AddNewNodeByClass("vtkMRMLNRRDStorageNode")
        storage.SetFileName(str(folder / f"{name}.nrrd"))
        assert storage.WriteData(node)
        words = ["denoise", str(folder / f"{name}.nrrd"), str(folder / f"{name} quiet.nrrd")]
        orders.append([*words, "--modality", "CT", "--steps", "2", "--strength", "1.2", "--quiet"])
    environment = os.environ | {"QUIETVOXEL_HOME": str(tiny_models), "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", DENOISE_ALL],
        input=json.dumps(orders),
        env=environment | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = {}
    for name in CASES:
        node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
        storage = scene.AddNewNodeByClass("vtkMRMLNRRDStorageNode")
        storage.SetFileName(str(folder / f"{name} quiet.nrrd"))
        assert storage.ReadData(node)
        found[name] = (array_of(node).copy(), matrix_of(node))
    return found


@pytest.mark.parametrize("name", CASES)
def test_the_result_is_that_of_the_command_line(
    by_command_line: dict[str, Any],
    add_volume: Any,
    run: Any,
    warm_worker: Any,
    scene: Any,
    name: str,
) -> None:
    from QuietVoxelLib.denoise_run import Plan

    matrix, shape, dtype = CASES[name]
    node = add_volume(noisy_array(shape, dtype), matrix)
    if name == "under a transform":
        parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        parent.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(oblique_matrix()))
        node.SetAndObserveTransformNodeID(parent.GetID())
    results: list[Any] = []

    run.start(
        node,
        [Plan("relativeflow", "RelativeFlow", settings={"steps": 2, "strength": 1.2})],
        lambda _source, made: results.extend(made),
    )
    until(lambda: not run.busy, warm_worker.tick)

    voxels, place = by_command_line[name]
    assert array_of(results[0]).dtype == voxels.dtype
    assert np.array_equal(array_of(results[0]), voxels)
    assert np.array_equal(matrix_of(results[0]), matrix_of(node))
    assert np.allclose(matrix_of(node), place, atol=1e-9)
    assert results[0].GetTransformNodeID() == node.GetTransformNodeID()
