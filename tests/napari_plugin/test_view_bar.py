"""Looking: planes by key, the patient the right way up, window by dragging, values under the cursor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("napari", reason="napari is not installed")

from quietvoxel.napari_plugin.adapter import add_volume
from quietvoxel.napari_plugin.view_bar import DOCK_NAME, ViewBar, show_view_bar
from quietvoxel.napari_plugin.window_drag import dragged
from quietvoxel.volume import Geometry, Modality, Source, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

Pixels = "Callable[[Any], NDArray[np.uint8]]"


def bright_corner(direction: tuple[float, ...] = Geometry().direction) -> Volume:
    """An elongated box of 0 HU with 1000 HU where the patient's left, front and head meet."""
    data = np.zeros((24, 40, 32), np.int16)
    geometry = Geometry((2.0, 2.0, 2.0), (0.0, 0.0, 0.0), direction)
    axes = np.reshape(direction, (3, 3))
    corner = []
    for column, size in zip((2, 1, 0), data.shape, strict=True):  # array axes z, y, x
        axis = int(np.argmax(np.abs(axes[:, column])))
        wanted = (1, -1, 1)[axis]  # left, front, head in LPS
        high = axes[axis, column] * wanted > 0
        corner.append(slice(size // 2, size) if high else slice(0, size // 2))
    data[tuple(corner)] = 1000
    return Volume(data, geometry, Modality.CT, Source(window=1000.0, level=500.0))


def bright_side(picture: NDArray[np.uint8]) -> tuple[str, str]:
    """Which half of the picture is bright, down and across, by the centre of the bright pixels."""
    mid = picture[..., 0].astype(float)
    rows, columns = mid.shape
    # The middle of the canvas holds the volume and none of the letters.
    mid = mid[rows // 6 : -rows // 6, columns // 6 : -columns // 6]
    y, x = np.nonzero(mid > 200)
    return (
        "top" if y.mean() < mid.shape[0] / 2 else "bottom",
        "left" if x.mean() < mid.shape[1] / 2 else "right",
    )


def canvas_of(bar: ViewBar) -> Any:
    """The widget that the mouse goes to."""
    from qtpy.QtWidgets import QWidget

    widgets = bar.window().centralWidget().findChildren(QWidget)
    return next(w for w in widgets if "CanvasBackend" in type(w).__name__)


def drag_right_button(canvas: Any, qtbot: Any, start: tuple[int, int], end: tuple[int, int]) -> None:
    from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    right, none = Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier
    qtbot.mousePress(canvas, right, none, QPoint(*start))
    for share in (0.5, 1.0):
        place = QPointF(*(a + share * (b - a) for a, b in zip(start, end, strict=True)))
        move = QMouseEvent(
            QEvent.Type.MouseMove, place, canvas.mapToGlobal(place), Qt.MouseButton.NoButton, right, none
        )
        QApplication.sendEvent(canvas, move)
        qtbot.wait(10)
    qtbot.mouseRelease(canvas, right, none, QPoint(*end))


@pytest.mark.parametrize(
    "direction",
    [
        (1, 0, 0, 0, 1, 0, 0, 0, 1),  # as most CT is stored
        (-1, 0, 0, 0, -1, 0, 0, 0, 1),  # NIfTI's own way round
        (0, 0, 1, 1, 0, 0, 0, -1, 0),  # a sagittal stack
    ],
    ids=["LPS", "RAS", "sagittal"],
)
def test_left_front_and_head_are_where_a_radiologist_expects_them(
    viewer: Any, pixels: Pixels, direction: tuple[float, ...]
) -> None:
    add_volume(viewer, bright_corner(tuple(map(float, direction))), "CT")
    bar = show_view_bar(viewer)
    viewer.dims.set_current_step(range(3), (12, 20, 16))
    # In the bright half along the axis through the screen.
    bright = np.argwhere(viewer.layers[0].data > 0).mean(axis=0).round().astype(int)
    viewer.dims.set_current_step(range(3), bright)

    places = {}
    for plane in ("Axial", "Coronal", "Sagittal"):
        bar.planes[plane].click()
        places[plane] = bright_side(pixels(viewer))

    assert places == {"Axial": ("top", "right"), "Coronal": ("top", "right"), "Sagittal": ("top", "left")}


def test_letters_stand_at_the_edges_of_the_canvas(viewer: Any, pixels: Pixels) -> None:
    add_volume(viewer, bright_corner(), "CT")
    without = pixels(viewer)
    bar = show_view_bar(viewer)
    picture = pixels(viewer)

    assert {edge: overlay.text for edge, overlay in bar.view.letters.items()} == {
        "left": "R",
        "right": "L",
        "top": "A",
        "bottom": "P",
    }
    rows, columns = picture.shape[:2]
    across = slice(columns * 2 // 5, columns * 3 // 5)
    down = slice(rows * 2 // 5, rows * 3 // 5)
    for place in (
        (slice(0, 60), across),
        (slice(-60, None), across),
        (down, slice(0, 40)),
        (down, slice(-40, None)),
    ):
        assert picture[place].max() > 200
    assert without[0:60, across].max() < 100 or not np.array_equal(
        without[0:60, across], picture[0:60, across]
    )

    viewer.canvas.grid.enabled = True  # room for the layers' names
    assert [edge for edge, overlay in bar.view.letters.items() if not overlay.visible] == ["top"]
    viewer.canvas.grid.enabled = False
    assert all(overlay.visible for overlay in bar.view.letters.values())

    viewer.dims.ndisplay = 3
    assert not any(overlay.visible for overlay in bar.view.letters.values())


def test_letters_follow_the_camera_and_napari_s_own_buttons(viewer: Any) -> None:
    add_volume(viewer, bright_corner(), "CT")
    bar = show_view_bar(viewer)

    viewer.dims.roll()  # napari's own button
    assert bar.view.plane in ("Coronal", "Sagittal")
    assert bar.planes[bar.view.plane].isChecked()
    letters = {edge: overlay.text for edge, overlay in bar.view.letters.items()}
    assert "H" not in letters.values()
    assert letters["top"] == "S" or letters["left"] == "I"

    bar.planes["Axial"].click()
    viewer.scene.camera.orientation2d = ("down", "left")
    assert bar.view.letters["left"].text == "L"


def test_a_layer_of_unknown_direction_gets_no_letters(viewer: Any) -> None:
    viewer.add_image(np.zeros((4, 20, 20)))
    bar = show_view_bar(viewer)

    assert not any(overlay.visible for overlay in bar.view.letters.values())
    assert not bar.isEnabled()


def test_keys_choose_the_plane_before_napari_s_own(viewer: Any, qtbot: Any) -> None:
    from qtpy.QtCore import Qt

    layer = add_volume(viewer, bright_corner(), "CT")
    bar = show_view_bar(viewer)
    window = bar.window()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    canvas = canvas_of(bar)

    for key, plane in (("C", "Coronal"), ("S", "Sagittal"), ("A", "Axial")):
        qtbot.keyClick(canvas, getattr(Qt.Key, f"Key_{key}"))
        assert bar.view.plane == plane
    # C alone would be napari's automatic contrast.
    assert list(layer.contrast_limits) == [0.0, 1000.0]


def test_dragging_with_the_right_button_changes_window_and_level_on_screen(
    viewer: Any, qtbot: Any, pixels: Pixels, ct_volume: Volume
) -> None:
    before = add_volume(viewer, ct_volume, "CT")
    after = add_volume(viewer, ct_volume.with_data(ct_volume.data // 2), "CT [RelativeFlow]")
    residual = viewer.add_image(
        ct_volume.data, scale=before.scale, units=before.units, contrast_limits=(-50, 50)
    )
    residual.visible = False
    # A live preview lies over its source and knows no geometry.
    look = {"scale": before.scale, "units": before.units, "contrast_limits": before.contrast_limits}
    preview = viewer.add_image(ct_volume.data, metadata={"quietvoxel": {"role": "preview"}}, **look)
    viewer.layers.selection.active = after
    bar = show_view_bar(viewer)
    shown, zoom = pixels(viewer), viewer.scene.camera.zoom

    drag_right_button(canvas_of(bar), qtbot, (300, 300), (450, 225))  # right: wider; up: a higher level

    assert list(after.contrast_limits) == [40 + 100 - 300, 40 + 100 + 300]  # W 600 L 140
    assert list(before.contrast_limits) == list(after.contrast_limits)
    assert list(preview.contrast_limits) == list(after.contrast_limits)
    assert list(residual.contrast_limits) == [-50, 50]
    assert viewer.scene.camera.zoom == zoom
    assert bar.view.window.text == "W 600 L 140"
    assert bar.window_box.currentText() == "other"
    assert pixels(viewer).mean() < shown.mean()


def test_a_drag_never_turns_the_window_inside_out() -> None:
    assert dragged(400, 40, -5000, 0, "HU") == (1.0, 40.0)
    width, level = dragged(0.3, 0.1, -5000, 150, "")
    assert 0 < width < 0.01
    assert level == pytest.approx(0.25)


def test_windows_by_name_are_those_of_ct_and_mr_has_its_own(
    viewer: Any, ct_volume: Volume, mr_volume: Volume
) -> None:
    ct = add_volume(viewer, ct_volume, "CT")
    bar = show_view_bar(viewer)
    assert bar.window_box.currentText() == "Abdomen"

    bar.window_box.setCurrentText("Lung")
    bar.window_box.activated.emit(bar.window_box.currentIndex())
    assert list(ct.contrast_limits) == [-1350.0, 150.0]

    mr = add_volume(viewer, mr_volume, "MR")
    automatic = list(mr.contrast_limits)
    assert bar.window_box.currentText() == "MR auto"
    mr.contrast_limits = (0, 1e-3)
    bar.window_box.setCurrentText("MR auto")
    bar.window_box.activated.emit(bar.window_box.currentIndex())
    assert list(mr.contrast_limits) == automatic
    assert list(ct.contrast_limits) == [-1350.0, 150.0]


def test_values_of_all_volumes_under_the_cursor_are_told(viewer: Any, qtbot: Any, ct_volume: Volume) -> None:
    from qtpy.QtCore import QPoint

    first = add_volume(viewer, ct_volume, "CT")
    add_volume(viewer, ct_volume.with_data(ct_volume.data + 7), "CT [RelativeFlow]")
    bar = show_view_bar(viewer)
    canvas = canvas_of(bar)
    qtbot.mouseMove(canvas, QPoint(3, 3))
    qtbot.mouseMove(canvas, QPoint(canvas.width() // 2, canvas.height() // 2))
    qtbot.waitUntil(lambda: bar.values_label.text() != "")

    z, y, x = (round(float(v)) for v in first.world_to_data(viewer.cursor.position))
    hu = int(ct_volume.data[z, y, x])
    assert bar.values_label.text() == f"CT: {hu} HU    CT [RelativeFlow]: {hu + 7} HU"

    viewer.dims.set_current_step(0, z - 1)  # the mouse rests, the slice moves
    assert f"CT: {int(ct_volume.data[z - 1, y, x])} HU" in bar.values_label.text()


def test_beside_the_volume_there_is_no_value(viewer: Any, ct_volume: Volume) -> None:
    add_volume(viewer, ct_volume, "CT")
    bar = show_view_bar(viewer)

    bar.values.position = (0.0, 1e4, 0.0)
    bar.values.update()
    assert bar.values_label.text() == ""


def test_a_result_with_another_shape_shows_a_dash(viewer: Any, ct_volume: Volume) -> None:
    layer = add_volume(viewer, ct_volume, "CT")
    add_volume(viewer, replace(ct_volume, data=ct_volume.data[:, :4]), "crop")
    bar = show_view_bar(viewer)

    bar.values.position = layer.data_to_world((3, 50, 50))
    bar.values.update()
    assert bar.values_label.text().endswith("crop: –")


def test_closing_the_dock_gives_the_viewer_back(viewer: Any, qtbot: Any) -> None:
    add_volume(viewer, bright_corner(), "CT")
    overlays, drags = set(viewer.canvas.overlays), list(viewer.mouse_drag_callbacks)
    moves, orientation = list(viewer.mouse_move_callbacks), viewer.scene.camera.orientation
    bar = show_view_bar(viewer)
    assert show_view_bar(viewer) is bar
    bar.planes["Coronal"].click()

    viewer.window.remove_dock_widget(bar)
    qtbot.wait(20)

    assert set(viewer.canvas.overlays) == overlays
    assert list(viewer.mouse_drag_callbacks) == drags
    assert list(viewer.mouse_move_callbacks) == moves
    assert viewer.scene.camera.orientation == orientation
    viewer.layers.clear()  # nothing listens any more

    assert show_view_bar(viewer) is not bar


def test_the_dock_of_the_plugins_menu_is_the_same_and_works(viewer: Any) -> None:
    """napari hands its plugins a proxy of the viewer, in which a layer is never the same twice."""
    layer = add_volume(viewer, bright_corner(), "CT")
    _, bar = viewer.window.add_plugin_dock_widget("quietvoxel", "View")
    assert show_view_bar(viewer) is bar
    assert DOCK_NAME in viewer.window.dock_widgets

    bar.planes["Sagittal"].click()
    assert bar.view.plane == "Sagittal"
    assert viewer.scene.camera.orientation2d == ("up", "right")
    layer.contrast_limits = (-160, 240)
    assert bar.window_box.currentText() == "Abdomen"
    assert bar.view.window.text == "W 400 L 40"


def test_all_layers_can_go_and_come_back(viewer: Any, ct_volume: Volume) -> None:
    add_volume(viewer, ct_volume, "CT")
    bar = show_view_bar(viewer)
    viewer.layers.clear()
    assert not bar.isEnabled()
    assert not bar.view.window.visible

    add_volume(viewer, ct_volume, "CT")
    assert bar.isEnabled()
    assert bar.view.window.visible


def test_what_has_to_be_said_about_a_volume_stays_at_hand(
    viewer: Any, ct_volume: Volume, oblique_volume: Volume
) -> None:
    add_volume(viewer, ct_volume, "CT")
    bar = show_view_bar(viewer)
    assert not bar.notes_label.isVisibleTo(bar)

    add_volume(viewer, oblique_volume, "oblique")
    assert bar.notes_label.isVisibleTo(bar)
    assert "oblique by 20 degrees" in bar.notes_label.toolTip()
