"""Regions from markups, curves in Slicer's plots, a known reference, and the structure check."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
from QuietVoxelLib.evidence import Evidence
from QuietVoxelLib.regions import line_ends, roi_mask
from QuietVoxelLib.simulate_run import SimulateRun
from QuietVoxelLib.volume_nodes import add_beside, array_of, matrix_of

from .conftest import noisy_array, oblique_matrix, until

pytestmark = pytest.mark.slicer


def add_roi(scene: Any, node: Any, low: tuple[int, int, int], high: tuple[int, int, int]) -> Any:
    """A box about the voxels low to high (i, j, k), turned as the volume is."""
    matrix = matrix_of(node)
    roi = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "R")
    centre = matrix @ [*(np.add(low, high) / 2), 1.0]
    turn = np.eye(4)
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    turn[:3, :3] = matrix[:3, :3] / spacing
    turn[:3, 3] = centre[:3]
    roi.SetAndObserveObjectToNodeMatrix(slicer.util.vtkMatrixFromArray(turn))
    roi.SetSize(*map(float, (np.subtract(high, low) + 0.5) * spacing))
    return roi


@pytest.fixture
def pair(add_volume: Any) -> tuple[Any, Any]:
    a = add_volume(matrix=oblique_matrix())
    quiet = noisy_array()
    quiet[:, :, 6:] = 40 + (quiet[:, :, 6:] - 40) // 4
    return a, add_beside(a, quiet, "B")


def test_a_roi_holds_the_voxels_in_it(pair: Any, scene: Any) -> None:
    roi = add_roi(scene, pair[0], (10, 8, 1), (20, 15, 2))
    mask, corner = roi_mask(roi, pair[0])
    whole = np.zeros(array_of(pair[0]).shape, bool)
    whole[tuple(slice(c, c + n) for c, n in zip(corner, mask.shape, strict=True))] = mask
    expected = np.zeros_like(whole)
    expected[1:3, 8:16, 10:21] = True
    assert np.array_equal(whole, expected)


def test_a_roi_outside_is_said(pair: Any, scene: Any) -> None:
    roi = add_roi(scene, pair[0], (500, 8, 1), (510, 15, 2))
    with pytest.raises(ValueError, match="R lies outside CT abdomen; move it into the image"):
        roi_mask(roi, pair[0])


def test_regions_and_a_line_give_a_table_and_plots(
    pair: Any, scene: Any, warm_worker: Any, desk: Any, tmp_path: Any
) -> None:
    rois = [
        add_roi(scene, pair[0], (30, 4, 0), (45, 30, 3)),
        add_roi(scene, pair[0], (8, 20, 1), (15, 38, 2)),
    ]
    line = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "L")
    for i in (5, 40):
        line.AddControlPointWorld(*(matrix_of(pair[0]) @ [i, 10, 1, 1])[:3])
    assert np.allclose(line_ends(line, pair[0]), [[1, 10, 5], [1, 10, 40]])
    evidence = Evidence(scene, warm_worker, desk)
    rows: list[Any] = []

    evidence.measure(*pair, rois, line, rows.extend, pytest.fail)
    until(lambda: rows, warm_worker.tick)

    assert [row[0] for row in rows] == [
        "1  mean",
        "1  SD",
        "1  SNR",
        "2  mean",
        "2  SD",
        "2  SNR",
        "1 in 2  CNR",
    ]
    inside = array_of(pair[0])[0:4, 4:31, 30:46]
    assert float(rows[1][1]) == pytest.approx(inside.std(ddof=1), rel=0.01)
    assert rows[1][3].startswith("−7")  # a quarter of the noise is left
    for name, title in (("profile", "HU"), ("spectrum", "HU² mm²"), ("histogram", "share")):
        chart = evidence.charts[name].chart
        assert chart.GetNumberOfPlotSeriesNodes() == 2
        assert chart.GetYAxisTitle() == title
        table = evidence.charts[name].table.GetTable()
        assert table.GetNumberOfRows() > 3
    assert not list(tmp_path.iterdir())
    layout = scene.AddNewNodeByClass("vtkMRMLLayoutNode")
    layout.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    plot = scene.AddNewNodeByClass("vtkMRMLPlotViewNode")
    assert evidence.open_chart("spectrum")
    assert layout.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotView
    assert plot.GetPlotChartNodeID() == evidence.charts["spectrum"].chart.GetID()
    layout.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpPlotView)
    assert evidence.open_chart("profile")
    assert layout.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpPlotView
    for chart in evidence.charts.values():
        chart.remove()
    assert scene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 0
    assert not evidence.open_chart("profile")


def test_a_simulated_volume_is_scored_against_its_source(
    add_volume: Any, scene: Any, warm_worker: Any, desk: Any, told: Any
) -> None:
    node = add_volume(matrix=oblique_matrix())
    made: list[Any] = []
    simulation = SimulateRun(warm_worker, desk, told)
    simulation.start(node, "sigma", 30.0, 1, "noise 30", made.append)
    until(lambda: not simulation.busy, warm_worker.tick)
    assert made[0].GetName() == "CT abdomen [noise 30]"
    assert told.sentence == "Added noise of SD 30. Simulated; not for diagnosis."
    assert np.array_equal(matrix_of(made[0]), matrix_of(node))
    figures: list[Any] = []
    Evidence(scene, warm_worker, desk).compare_with(node, made, figures.extend, pytest.fail)
    until(lambda: figures, warm_worker.tick)
    assert len(figures) == 1
    assert any(name.startswith("PSNR") for name in figures[0])


def test_what_the_simulation_refuses_is_said_in_the_words_of_the_dock(
    add_volume: Any, warm_worker: Any, desk: Any, told: Any
) -> None:
    simulation = SimulateRun(warm_worker, desk, told)
    simulation.start(add_volume(), "dose", 7.0, 1, "dose 7")
    until(lambda: not simulation.busy, warm_worker.tick)
    assert told.sentence == "The dose fraction is 7 but must lie between 0.005 and 1."
    assert "--" not in told.sentence


def test_an_erased_square_is_found_marked_and_jumped_to(
    add_volume: Any, views: Any, scene: Any, warm_worker: Any, desk: Any
) -> None:
    rng = np.random.default_rng(0)
    clean = np.full((3, 96, 96), 40.0, np.float32)
    clean[:, :, 80:] = 60.0
    noisy = clean + rng.normal(0, 20, clean.shape).astype(np.float32)
    noisy[1, 40:46, 50:56] += 150
    a = add_volume(noisy, oblique_matrix())
    b = add_beside(a, clean, "B")
    view = views(a)["Red"]
    evidence = Evidence(scene, warm_worker, desk)
    found: list[Any] = []
    shares: list[float] = []
    evidence.check_structure(a, b, found.append, shares.append, pytest.fail)
    until(lambda: found, warm_worker.tick)
    assert found[0]["verdict"] in ("amber", "red")
    place = found[0]["places"][0]
    assert np.abs(np.subtract(place["index"], (1, 43, 53))).max() <= 6
    assert array_of(evidence.marks).max() > 1
    evidence.jump_to(a, place)
    z, y, x = place["index"]
    matrix = view.GetSliceToRAS()
    there = [matrix.GetElement(i, 3) for i in range(3)]
    normal = [matrix.GetElement(i, 2) for i in range(3)]
    assert abs(np.dot(normal, (matrix_of(a) @ [x, y, z, 1])[:3] - there)) < 1e-6
    evidence.clear()
    assert evidence.marks is None


def test_sample_data_is_drawn_without_a_download(scene: Any, warm_worker: Any, tmp_path: Any) -> None:
    from QuietVoxelLib.sample_data import draw

    noisy = draw(scene, warm_worker, tmp_path, "QuietVoxel MR phantom", "MR", lambda: None)
    truth = scene.GetFirstNodeByName("QuietVoxel MR phantom [truth]")
    assert noisy.GetName() == "QuietVoxel MR phantom"
    assert array_of(noisy).shape == array_of(truth).shape == (24, 224, 192)
    assert noisy.GetSpacing() == (1.0, 1.0, 5.0)
    assert array_of(noisy).std() > array_of(truth).std()
    assert noisy.GetAttribute("QuietVoxel.modality") == "MR"
    assert not list(tmp_path.iterdir())
