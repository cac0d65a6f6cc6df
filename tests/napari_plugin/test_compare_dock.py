"""The Compare dock in a real viewer: choosers, keys, window, regions, plots, reference, structure check, closing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from npe2 import PluginManager
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from quietvoxel.napari_plugin.adapter import add_volume
from quietvoxel.napari_plugin.compare_array import Picture
from quietvoxel.napari_plugin.compare_dock import DOCK_NAME, CompareDock, open_compare
from quietvoxel.napari_plugin.compare_view import Mode
from quietvoxel.quality import Verdict, contrast_to_noise, line_profile, region_statistics
from quietvoxel.quality.report import quality_figures

CHECK_MS = 120_000  # on a busy machine


@pytest.fixture(autouse=True)
def same_priority(monkeypatch) -> None:
    """Beside other programs the inference thread, which lets everybody go first, would hardly get a turn."""
    monkeypatch.setattr("quietvoxel.jobs.thread.NICENESS", 0)


@pytest.fixture
def layers(viewer, ct_volume, ct_clean) -> tuple[Any, Any]:
    """A noisy CT, and what an oracle makes of it."""
    return add_volume(viewer, ct_volume, "CT"), add_volume(viewer, ct_clean, "CT [Oracle]")


@pytest.fixture
def dock(viewer, layers) -> CompareDock:
    dock = CompareDock(viewer)
    viewer.window.add_dock_widget(dock, name=DOCK_NAME, area="right")
    return dock


def ellipse(z: float, y: float, x: float, radius: float) -> np.ndarray:
    return np.array(
        [[z, y + dy * radius, x + dx * radius] for dy, dx in ((-1, -1), (-1, 1), (1, 1), (1, -1))]
    )


def disc(shape: tuple[int, int], y: float, x: float, radius: float) -> np.ndarray:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def table(dock: CompareDock) -> dict[str, list[str]]:
    found = dock.evidence.table
    texts = [[found.item(row, column).text() for column in range(4)] for row in range(found.rowCount())]
    return {row[0]: row[1:] for row in texts}


def test_opening_the_dock_touches_nothing_and_knows_a_likely_pair(viewer, layers, dock) -> None:
    assert (dock.choosers["A"].layer, dock.choosers["B"].layer) == layers
    assert dock.view.mode is None
    assert len(viewer.layers) == 2
    assert all(layer.visible for layer in layers)
    assert not any(button.isChecked() for button in dock.buttons.values())


def test_keys_choose_the_view_and_space_flips(viewer, layers, dock, qtbot) -> None:
    viewer.window._qt_window.activateWindow()  # no public way to the window that keys go to
    dock.setFocus()
    qtbot.wait(50)
    for key, mode in zip(
        (Qt.Key.Key_2, Qt.Key.Key_4, Qt.Key.Key_5),
        (Mode.CURTAIN, Mode.CHECKERBOARD, Mode.RESIDUAL),
        strict=True,
    ):
        qtbot.keyClick(dock, key)
        assert dock.view.mode is mode
        assert dock.buttons[mode].isChecked()
    qtbot.keyClick(dock, Qt.Key.Key_Space)
    assert dock.view.mode is Mode.FLICKER
    assert dock.view.array.picture is Picture.B
    assert not dock.blink.isChecked()
    qtbot.keyClick(dock, Qt.Key.Key_Space)
    assert dock.view.array.picture is Picture.A
    assert "Now A: CT" in dock.shown.text()
    qtbot.keyClick(dock, Qt.Key.Key_3)  # once more: stop
    assert dock.view.mode is None
    assert len(viewer.layers) == 2


def test_flicker_blinks_by_itself_until_told_not_to(viewer, layers, dock, qtbot) -> None:
    dock.show_mode(Mode.FLICKER)

    qtbot.waitUntil(lambda: dock.view.array.picture is Picture.A, timeout=5000)
    qtbot.waitUntil(lambda: dock.view.array.picture is Picture.B, timeout=5000)
    dock.blink.setChecked(False)
    assert not dock._timer.isActive()


def test_the_window_row_and_the_layers_follow_each_other(viewer, layers, dock) -> None:
    dock.show_mode(Mode.CURTAIN)
    row = dock.window_row
    assert [row.presets.itemText(k) for k in range(5)] == ["Abdomen", "Lung", "Bone", "Brain", "Mediastinum"]

    row.presets.setCurrentText("Lung")
    row.presets.activated.emit(row.presets.currentIndex())
    for layer in (*layers, dock.view.layer):
        assert tuple(layer.contrast_limits) == (-1350, 150)
    assert (row.width_box.value(), row.level_box.value()) == (1500, -600)
    layers[1].contrast_limits = (0, 100)
    assert (row.width_box.value(), row.level_box.value()) == (100, 50)
    assert row.presets.currentText() == "own"
    row.width_box.setValue(300)
    assert tuple(layers[0].contrast_limits) == (-100, 200)


def test_the_figures_of_drawn_regions_are_those_of_the_core(viewer, layers, dock, qtbot) -> None:
    dock.evidence.draw_region()
    assert dock.view.mode is Mode.CURTAIN
    shapes = dock.evidence.layer
    assert shapes.mode == "add_ellipse"
    shapes.add_ellipses([ellipse(6, 50, 40, 8), ellipse(6, 60, 70, 6)])
    shapes.add_lines(np.array([[6, 30.0, 20.0], [6, 60.0, 80.0]]))
    dock.evidence.measure()

    plane = [np.asarray(layer.data[6]) for layer in layers]
    first, second = disc((96, 112), 50, 40, 8), disc((96, 112), 60, 70, 6)
    rows = table(dock)
    for number, mask in ((1, first), (2, second)):
        wanted = [region_statistics(one, mask) for one in plane]
        assert float(rows[f"{number}  mean"][0]) == pytest.approx(wanted[0].mean, rel=0.006)
        assert float(rows[f"{number}  SD"][1]) == pytest.approx(wanted[1].sd, rel=0.006)
    cnr = [contrast_to_noise(region_statistics(one, first), region_statistics(one, second)) for one in plane]
    assert float(rows["1 in 2  CNR"][0]) == pytest.approx(cnr[0], rel=0.006)
    curve = dock.evidence.plots.profile.listDataItems()[0]
    distance, values = line_profile(plane[0], (30, 20), (60, 80), (3.6, 3.6))
    np.testing.assert_allclose(curve.xData, distance)
    np.testing.assert_allclose(curve.yData, values)
    assert len(dock.evidence.plots.spectrum.listDataItems()) == 2
    assert len(dock.evidence.plots.histogram.listDataItems()) == 2
    # Moved figures are measured again, soon.
    shapes.data = [ellipse(6, 40, 60, 8)]
    qtbot.waitUntil(lambda: "2  mean" not in table(dock), timeout=5000)
    dock.evidence.clear()
    qtbot.waitUntil(lambda: not table(dock), timeout=5000)


def test_a_region_too_small_is_said_not_raised(viewer, layers, dock) -> None:
    shapes = dock.evidence.ensure_layer()
    shapes.add_ellipses(ellipse(6, 50, 40, 0.4))
    dock.evidence.measure()

    assert not table(dock)
    assert "fewer than two" in dock.evidence.message.text()


def test_a_reference_gives_the_figures_of_the_core(viewer, layers, dock, ct_clean, qtbot) -> None:
    dock.reference.chooser.choose(layers[1])

    qtbot.waitUntil(lambda: "PSNR" in dock.reference.figures.text(), timeout=CHECK_MS)
    wanted = quality_figures(layers[0].data, ct_clean.data, "CT")["PSNR (dB, range 400 HU)"]
    assert f"PSNR (dB, range 400 HU):  {wanted:.3g}  |  ∞" in dock.reference.figures.text()
    dock.reference.chooser.choose(None)
    assert dock.reference.figures.text() == ""


def test_the_structure_check_marks_what_was_erased_and_jumps_there(
    viewer, layers, dock, ct_volume, qtbot
) -> None:
    data = ct_volume.data.copy()
    data[7, 46:50, 60:64] += 400
    erased = add_volume(viewer, ct_volume.with_data(data), "with a lesion")
    dock.choosers["A"].choose(erased)
    dock.show_mode(Mode.CURTAIN)
    dock.structure.start()
    assert dock.structure.bar.button.text() == "Cancel"
    qtbot.waitUntil(lambda: dock.structure.result is not None, timeout=CHECK_MS)

    result = dock.structure.result
    assert result.verdict is not Verdict.GREEN
    assert dock.structure.bar.button.text() == "Check structure"
    assert dock.structure.list.item(0).text().startswith("slice 7 ")
    marks = dock.structure.marks
    assert marks.visible
    # The marked tile covers the lesion, in millimetres.
    place = marks.world_to_data(erased.data_to_world((7, 48, 62)))
    assert marks.data[tuple(np.rint(place).astype(int))] > 1
    dock.structure.list.setCurrentRow(0)
    assert viewer.dims.current_step[0] == 7
    assert np.abs(np.array(viewer.scene.camera.center[1:]) - erased.data_to_world((7, 48, 62))[1:]).max() < 15
    # Drawn after each step: napari 0.9 ends the program where its grid comes and goes, and a layer goes, undrawn.
    qtbot.wait(50)
    dock.show_mode(Mode.SIDE_BY_SIDE)
    assert not marks.visible  # it would take a cell of the grid
    qtbot.wait(50)
    dock.show_mode(Mode.RESIDUAL)
    assert marks.visible
    qtbot.wait(50)
    dock.choosers["A"].choose(layers[0])
    assert dock.structure.marks is None
    assert marks not in viewer.layers


def test_a_check_can_be_cancelled(viewer, layers, dock, qtbot) -> None:
    dock.structure.start()
    dock.structure.bar.button.click()

    qtbot.waitUntil(lambda: not dock.structure.bar.run.state.busy, timeout=CHECK_MS)
    assert dock.structure.result is None
    assert dock.structure.bar.button.text() == "Check structure"


def test_layers_that_do_not_fit_are_said(viewer, layers, dock, mr_volume) -> None:
    other = add_volume(viewer, mr_volume, "MR")
    dock.choosers["B"].choose(other)
    dock.show_mode(Mode.CURTAIN)

    assert "differ in size" in dock.message.text()
    assert dock.view.mode is None
    dock.structure.start()
    assert "differ in size" in dock.structure.bar.status.text()
    dock.choosers["B"].choose(layers[1])
    dock.show_mode(Mode.CURTAIN)
    assert dock.message.text() == ""


def test_renamed_and_removed_layers_are_followed(viewer, layers, dock) -> None:
    layers[0].name = "renamed"
    assert dock.choosers["A"].currentText() == "renamed"
    dock.show_mode(Mode.CURTAIN)
    viewer.layers.remove(layers[1])

    assert dock.choosers["B"].layer is None
    assert dock.view.mode is None
    assert list(viewer.layers) == [layers[0]]
    assert layers[0].visible


def test_closing_the_dock_puts_the_viewer_back(viewer, layers, dock, qtbot) -> None:
    viewer.scene.camera.zoom = 2.5
    windows = [tuple(layer.contrast_limits) for layer in layers]
    callbacks = list(viewer.mouse_drag_callbacks)
    dock.evidence.draw_region()
    dock.evidence.layer.add_ellipses(ellipse(6, 50, 40, 8))
    layers[0].contrast_limits = (0, 80)
    dock.show_mode(Mode.SIDE_BY_SIDE)

    viewer.window.remove_dock_widget(dock)
    assert list(viewer.layers) == list(layers)
    assert all(layer.visible for layer in layers)
    assert [tuple(layer.contrast_limits) for layer in layers] == windows
    assert not viewer.canvas.grid.enabled
    assert viewer.scene.camera.zoom == 2.5
    assert list(viewer.mouse_drag_callbacks) == callbacks
    dock.close()
    dock.deleteLater()


def test_open_compare_opens_one_dock_and_shows_up_to_four(viewer, layers, ct_volume, qtbot) -> None:
    third = add_volume(viewer, ct_volume, "CT [Other]")
    dock = open_compare(viewer, [*layers, third])

    assert [dock.choosers[name].layer for name in "ABCD"] == [*layers, third, None]
    assert dock.view.mode is Mode.SIDE_BY_SIDE
    assert viewer.canvas.grid.enabled
    assert open_compare(viewer, layers) is dock
    assert dock.choosers["C"].layer is None
    viewer.window.remove_dock_widget(dock)
    dock.close()
    dock.deleteLater()


def test_the_dock_of_the_menu_shows_pixels_under_the_curtain(viewer, layers, qtbot) -> None:
    # napari gives the docks of the menu a proxy of the viewer, whose layers are proxies too.
    PluginManager.instance().discover()
    _, dock = viewer.window.add_plugin_dock_widget("quietvoxel", "Compare")
    dock.choosers["A"].choose(layers[0])
    dock.choosers["B"].choose(layers[1])
    dock.show_mode(Mode.CURTAIN)
    qtbot.wait(200)

    canvas = viewer.screenshot(canvas_only=True, flash=False)[..., :3]
    assert (canvas.max(axis=-1) > 60).mean() > 0.05
    assert dock.view.mode is Mode.CURTAIN
    viewer.window.remove_dock_widget(dock)


def test_no_widget_is_left_over(viewer, layers, qtbot) -> None:
    known = {id(widget) for widget in QApplication.allWidgets()}
    dock = CompareDock(viewer)
    area = viewer.window.add_dock_widget(dock, name=DOCK_NAME, area="right")
    dock.show_mode(Mode.CURTAIN)
    dock.show_mode(None)
    viewer.window.remove_dock_widget(dock)
    dock.deleteLater()
    area.deleteLater()
    qtbot.wait(100)

    left = [
        widget
        for widget in QApplication.allWidgets()
        if id(widget) not in known and type(widget).__module__.startswith(("quietvoxel", "pyqtgraph"))
    ]
    assert not left
