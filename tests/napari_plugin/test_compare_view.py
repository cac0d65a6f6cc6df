"""Comparing in a real viewer: what is on the screen in each mode, and that all of it is put back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from quietvoxel.errors import BadInputError
from quietvoxel.napari_plugin.adapter import add_volume
from quietvoxel.napari_plugin.compare_array import ComparedArray, Picture, residual_window
from quietvoxel.napari_plugin.compare_view import CompareView, Mode
from quietvoxel.napari_plugin.radiological_view import RadiologicalView
from quietvoxel.volume import Geometry, Modality, Volume

WINDOW = (0.0, 400.0)


def volume(value: float) -> Volume:
    """Every voxel has the value, plus ten for each slice."""
    data = np.full((6, 40, 50), value, np.float32) + 10 * np.arange(6, dtype=np.float32)[:, None, None]
    return Volume(data, Geometry(spacing=(1.0, 1.0, 2.0)), Modality.CT)


@pytest.fixture
def pair(viewer: Any) -> tuple[Any, Any]:
    """A is dark (100 HU in slice 0), B is bright (300 HU)."""
    layers = add_volume(viewer, volume(100), "scan"), add_volume(viewer, volume(300), "scan [Engine]")
    for layer in layers:
        layer.contrast_limits = WINDOW
    viewer.dims.set_current_step(0, 0)
    viewer.fit_to_view()
    return layers


def grey(value: float, window: tuple[float, float] = WINDOW) -> float:
    return 255 * (value - window[0]) / (window[1] - window[0])


def columns_of(image: np.ndarray, level: float) -> np.ndarray:
    """Screen columns in whose middle third a grey level fills a good part."""
    height = len(image)
    middle = image[height // 3 : 2 * height // 3].astype(float)
    same = np.abs(middle - level).max(axis=2) <= 3
    return np.flatnonzero(same.mean(axis=0) > 0.3)


def is_split(image: np.ndarray, left: float, right: float) -> bool:
    """Whether one level fills columns on the left only, another on the right only."""
    a, b = columns_of(image, grey(left)), columns_of(image, grey(right))
    return len(a) > 20 and len(b) > 20 and a.max() < b.min()


def test_the_array_composes_a_and_b_slice_by_slice() -> None:
    first, second = np.zeros((3, 16, 20), np.int16), np.ones((3, 16, 20), np.int16)
    array = ComparedArray(first, second)

    array.fraction = 0.25
    plane = array[1]
    assert (plane[:, :4] == 0).all()
    assert np.isnan(plane[:, 4:6]).any(axis=1).all()
    assert (plane[:, 6:] == 1).all()
    array.flipped = True
    assert (array[1][:, 16:] == 0).all()
    assert (array[1][:, :14] == 1).all()
    array.flipped, array.across, array.down = False, 1, 0
    assert (array[:, :3, 5] == 0).all()
    assert (array[:, 6:, 5] == 1).all()
    array.picture = Picture.RESIDUAL
    assert (array[(slice(None), slice(None), 4)] == -1).all()
    array.picture, array.across, array.down = Picture.CHECKERBOARD, 2, 1
    squares = array[0]
    assert (squares[0, 0], squares[0, 2], squares[2, 0], squares[2, 2]) == (0, 1, 1, 0)
    assert np.asarray(array).shape == array.shape


def test_the_curtain_is_hung_where_it_is_asked_for() -> None:
    array = ComparedArray(np.zeros((2, 8, 10)), np.ones((2, 8, 10)))

    for flipped in (False, True):
        array.flipped = flipped
        array.hang_at(2.5)
        assert array.split == pytest.approx(2.5)
    assert array.fraction == pytest.approx(0.7)
    array.hang_at(-40)
    assert array.fraction == 1


def test_the_residuals_window_comes_from_its_noise() -> None:
    noise = np.random.default_rng(1).normal(0, 5, (4, 50, 50))

    assert residual_window(noise, np.zeros_like(noise)) == pytest.approx(20, rel=0.05)
    assert residual_window(noise, noise) == 1.0


def test_side_by_side_shows_a_left_and_b_right_also_after_zoom_and_slice(viewer, pair, pixels) -> None:
    view = CompareView(viewer)
    viewer.layers.move(0, 2)  # B first in the list: A has to be on the left all the same
    view.show(Mode.SIDE_BY_SIDE, pair)

    assert is_split(pixels(viewer), 100, 300)
    viewer.scene.camera.zoom *= 2
    assert is_split(pixels(viewer), 100, 300)
    viewer.dims.set_current_step(0, 3)
    assert is_split(pixels(viewer), 130, 330)
    view.stop()
    assert [layer.name for layer in viewer.layers] == ["scan [Engine]", "scan"]


def test_the_curtain_shows_a_left_and_b_right_of_its_line(viewer, pair, pixels) -> None:
    view = CompareView(viewer)
    view.show(Mode.CURTAIN, pair)

    image = pixels(viewer)
    assert is_split(image, 100, 300)
    yellow = (image[..., 0] > 220) & (image[..., 1] > 170) & (image[..., 2] < 60)
    line = np.flatnonzero(yellow.sum(axis=0) > 100)
    assert columns_of(image, grey(100)).max() < line.min() <= line.max() < columns_of(image, grey(300)).min()
    viewer.scene.camera.zoom *= 2
    viewer.dims.set_current_step(0, 3)
    assert is_split(pixels(viewer), 130, 330)
    # A round trip of the window leaves the same picture.
    before = pixels(viewer)
    pair[0].contrast_limits = (100, 200)
    assert np.abs(pixels(viewer).astype(int) - before).max() > 30
    pair[0].contrast_limits = WINDOW
    assert np.abs(pixels(viewer).astype(int) - before).max() <= 2
    view.hang_at(1.0)
    assert len(columns_of(pixels(viewer), grey(330))) == 0
    view.hang_at(0.0)
    assert len(columns_of(pixels(viewer), grey(130))) == 0


def test_the_curtain_hangs_upright_in_every_plane_and_when_the_camera_mirrors(viewer, pair, pixels) -> None:
    view = CompareView(viewer)
    view.show(Mode.CURTAIN, pair)
    viewer.dims.order = (1, 0, 2)
    viewer.fit_to_view()
    image = pixels(viewer)
    left, right = image[:, : image.shape[1] // 2 - 40], image[:, image.shape[1] // 2 + 40 :]
    assert left[left.any(axis=2)].max() <= grey(150) + 3
    assert right[right.any(axis=2)].min() >= grey(300) - 40  # letters and rims are dimmer

    viewer.dims.order = (0, 1, 2)
    viewer.scene.camera.orientation = ("towards", "down", "left")
    viewer.fit_to_view()
    assert is_split(pixels(viewer), 100, 300)
    viewer.scene.camera.orientation = ("towards", "down", "right")
    assert is_split(pixels(viewer), 100, 300)


def test_the_letters_stand_clear_of_the_curtains_line(viewer, pair, pixels) -> None:
    letters = RadiologicalView(viewer).letters
    compare = CompareView(viewer)
    compare.show(Mode.CURTAIN, pair)
    viewer.scene.camera.zoom *= 3  # the line runs from the top of the canvas to its bottom

    image = pixels(viewer).astype(int)
    letter = image.min(axis=2) > 240
    line = (image[..., 0] > 240) & (image[..., 2] < 20)
    across = slice(image.shape[1] // 2 - 15, image.shape[1] // 2 + 15)
    half = len(image) // 2
    for part in (slice(0, half), slice(half, None)):
        rows, columns = np.nonzero(letter[part, across])
        assert np.ptp(rows) > 5
        place = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
        assert not line[part, across][place].any()
        assert line[part, across].mean() > 0.1
    compare.show(Mode.CHECKERBOARD, pair)
    assert not any(overlay.box for overlay in letters.values())


def test_dragging_the_line_moves_the_curtain_and_leaves_the_camera(viewer, pair, pixels) -> None:
    view = CompareView(viewer)
    view.show(Mode.CURTAIN, pair)
    centre = tuple(viewer.scene.camera.center)

    class Event:
        type = "mouse_press"
        button = 1
        handled = False
        position = (0.0, 20.0, 24.6)

    event = Event()
    drag = view._drag(viewer, event)
    next(drag)
    assert event.handled
    event.type, event.position, event.handled = "mouse_move", (0.0, 20.0, 9.5), False
    next(drag)
    assert event.handled
    assert view.array.split == pytest.approx(9.5)
    event.type = "mouse_release"
    assert next(drag, None) is None
    assert tuple(viewer.scene.camera.center) == centre
    far = Event()
    far.position = (0.0, 20.0, 40.0)
    assert list(view._drag(viewer, far)) == []
    assert not far.handled  # napari pans


def test_flicker_shows_one_then_the_other(viewer, pair, pixels) -> None:
    view = CompareView(viewer)
    view.show(Mode.FLICKER, pair)

    first = pixels(viewer)
    view.flip()
    second = pixels(viewer)
    view.flip()

    assert len(columns_of(first, grey(300))) > 100
    assert len(columns_of(first, grey(100))) == 0
    assert len(columns_of(second, grey(100))) > 100
    np.testing.assert_array_equal(pixels(viewer), first)


def test_the_checkerboard_shows_both_in_squares(viewer, pair, pixels) -> None:
    view = CompareView(viewer)
    view.show(Mode.CHECKERBOARD, pair)

    image = pixels(viewer).astype(float)
    shares = [(np.abs(image - grey(value)).max(axis=2) <= 3).sum() for value in (100, 300)]
    assert min(shares) > 0.8 * max(shares) > 1000


def test_the_residual_is_shown_in_a_symmetric_window_of_its_own(viewer, pair, pixels) -> None:
    view = CompareView(viewer)
    view.show(Mode.RESIDUAL, pair)

    low, high = view.layer.contrast_limits
    assert low == -high
    view.set_residual_window(400)
    image = pixels(viewer)
    assert len(columns_of(image, grey(-200, (-400, 400)))) > 100
    assert tuple(pair[0].contrast_limits) == WINDOW
    view.show(Mode.CURTAIN, pair)
    assert tuple(view.layer.contrast_limits) == WINDOW


def test_one_window_for_all_and_only_while_comparing(viewer, pair) -> None:
    pair[1].contrast_limits = (-50, 50)
    view = CompareView(viewer)
    view.show(Mode.CURTAIN, pair)

    assert tuple(pair[1].contrast_limits) == WINDOW
    pair[1].contrast_limits = (10, 90)
    assert tuple(pair[0].contrast_limits) == tuple(view.layer.contrast_limits) == (10, 90)
    view.stop()
    assert tuple(pair[0].contrast_limits) == WINDOW
    assert tuple(pair[1].contrast_limits) == (-50, 50)
    pair[0].contrast_limits = (0, 7)
    assert tuple(pair[1].contrast_limits) == (-50, 50)


@pytest.mark.parametrize(
    "modes", [[mode] for mode in Mode] + [list(Mode)], ids=lambda m: m[-1].name if len(m) == 1 else "all"
)
def test_stopping_puts_the_viewer_back_as_it_was(viewer, pair, pixels, modes) -> None:
    other = viewer.add_image(
        np.zeros((6, 40, 50)), name="other", units=("mm",) * 3, axis_labels=("z", "y", "x")
    )
    other.visible = False
    viewer.layers.selection = {pair[1]}
    viewer.scene.camera.zoom = 7.0
    before = pixels(viewer)
    state = (
        [layer.name for layer in viewer.layers],
        [layer.visible for layer in viewer.layers],
        viewer.canvas.grid.model_dump(),
        tuple(viewer.scene.camera.center),
        viewer.scene.camera.zoom,
        set(viewer.layers.selection),
        len(viewer.mouse_drag_callbacks),
    )

    view = CompareView(viewer)
    for mode in modes:
        view.show(mode, pair)
    view.stop()
    view.stop()  # twice does no harm

    assert state == (
        [layer.name for layer in viewer.layers],
        [layer.visible for layer in viewer.layers],
        viewer.canvas.grid.model_dump(),
        tuple(viewer.scene.camera.center),
        viewer.scene.camera.zoom,
        set(viewer.layers.selection),
        len(viewer.mouse_drag_callbacks),
    )
    assert np.abs(pixels(viewer).astype(int) - before).max() <= 2


def test_what_cannot_be_compared_is_said_and_the_viewer_left_alone(viewer, pair) -> None:
    small = viewer.add_image(
        np.zeros((6, 20, 50)), name="small", units=("mm",) * 3, axis_labels=("z", "y", "x")
    )
    view = CompareView(viewer)

    with pytest.raises(BadInputError, match="differ in size"):
        view.show(Mode.CURTAIN, (pair[0], small))
    with pytest.raises(BadInputError, match="same layer"):
        view.show(Mode.CURTAIN, (pair[0], pair[0]))
    with pytest.raises(BadInputError, match="No layer"):
        view.show(Mode.CURTAIN, (pair[0], None))
    assert view.mode is None
    assert all(layer.visible for layer in viewer.layers)
