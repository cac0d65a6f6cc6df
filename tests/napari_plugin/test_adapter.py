"""Volumes become layers in millimetres, and come back from them with everything a file needs."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("napari", reason="napari is not installed")

from dataclasses import replace

from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer, Points

from quietvoxel.errors import BadInputError
from quietvoxel.napari_plugin.adapter import add_volume, display_window, layer_data, volume_from_layer
from quietvoxel.volume import Geometry, Modality, Source, Volume


def test_a_layer_is_in_millimetres_and_upright(oblique_volume: Volume) -> None:
    layer = Layer.create(*layer_data(oblique_volume, "CT"))

    assert layer.name == "CT"
    assert tuple(layer.scale) == (2.5, 0.8, 0.7)
    assert [str(unit) for unit in layer.units] == ["millimeter"] * 3
    assert layer.axis_labels == ("z", "y", "x")
    assert tuple(layer.contrast_limits) == (-160.0, 240.0)
    # No rotation: what is on a slice of the screen is a slice of the array.
    start, third = (np.array(layer.data_to_world((k, 0, 0))) for k in (0, 3))
    np.testing.assert_allclose(third - start, (7.5, 0, 0), atol=1e-9)


def test_a_layer_gives_its_volume_back_without_a_copy(oblique_volume: Volume) -> None:
    back = volume_from_layer(Layer.create(*layer_data(oblique_volume, "CT")))

    assert back.data is oblique_volume.data
    assert back.geometry == oblique_volume.geometry
    assert (back.modality, back.source) == (Modality.CT, oblique_volume.source)


def test_two_volumes_of_one_patient_lie_over_each_other(oblique_volume: Volume) -> None:
    """A crop begins where its first voxel lies in the whole."""
    whole = oblique_volume
    axes = np.reshape(whole.geometry.direction, (3, 3)) * whole.geometry.spacing
    corner = np.array(whole.geometry.origin) + axes @ (5, 4, 3)
    crop = Volume(
        whole.data[3:, 4:, 5:], replace(whole.geometry, origin=tuple(map(float, corner))), Modality.CT
    )
    viewer = ViewerModel()

    big, small = add_volume(viewer, whole, "whole"), add_volume(viewer, crop, "crop")

    np.testing.assert_allclose(small.data_to_world((0, 0, 0)), big.data_to_world((3, 4, 5)), atol=1e-9)


@pytest.mark.parametrize("shear", [0.0, 0.3])
def test_a_layer_that_was_moved_or_cropped_keeps_its_direction(oblique_volume: Volume, shear: float) -> None:
    direction = np.reshape(oblique_volume.geometry.direction, (3, 3)).copy()
    direction[:, 2] += shear * direction[:, 1]
    direction[:, 2] /= np.linalg.norm(direction[:, 2])
    geometry = replace(oblique_volume.geometry, direction=tuple(direction.ravel()))
    volume = replace(oblique_volume, geometry=geometry)
    data, options, _ = layer_data(volume, "CT")
    # One voxel off along x, as a user's own script crops.
    z, y, x = options["translate"]
    layer = Image(data[:, :, 1:], **(options | {"translate": (z, y, x + 0.7), "scale": (2.5, 0.8, 0.7)}))

    back = volume_from_layer(layer).geometry

    np.testing.assert_allclose(back.spacing, geometry.spacing)
    np.testing.assert_allclose(back.direction, geometry.direction, atol=1e-12)
    if not shear:  # one step along i from the old origin; a sheared frame has no such simple rule
        there = np.array(geometry.origin) + 0.7 * direction[:, 0]
        np.testing.assert_allclose(back.origin, there, atol=1e-9)


def test_any_other_layer_says_what_was_guessed() -> None:
    rng = np.random.default_rng(0)
    data = np.abs(rng.normal(100, 60, (5, 20, 20))).astype(np.float32)
    data[:, :6] = 0
    layer = Image(data, scale=(2, 0.5, 0.4), translate=(7, 8, 9))

    volume = volume_from_layer(layer)

    np.testing.assert_allclose(volume.geometry.spacing, (0.4, 0.5, 2.0))
    assert volume.geometry.origin == (9.0, 8.0, 7.0)
    assert volume.geometry.direction == Geometry().direction
    assert volume.modality is Modality.MR
    said = " ".join(volume.source.notes)
    assert all(words in said for words in ("no unit", "no orientation", "taken as MR because"))


def test_micrometres_become_millimetres() -> None:
    layer = Image(np.zeros((4, 20, 20), np.int16), scale=(3000, 500, 400), units=("um",) * 3)

    volume = volume_from_layer(layer)

    np.testing.assert_allclose(volume.geometry.spacing, (0.4, 0.5, 3.0))
    assert "unit" not in " ".join(volume.source.notes)


@pytest.mark.parametrize(
    ("layer", "about"),
    [
        (None, "No layer"),
        (Labels(np.zeros((4, 20, 20), np.int32)), "labels"),
        (Points(np.zeros((2, 3))), "Points"),
        (Image(np.zeros((4, 20, 20, 3), np.uint8), rgb=True), "colour"),
        (Image(np.zeros((2, 4, 20, 20))), "4-D"),
        (Image(np.zeros((20, 20))), "2-D"),
        (Image([np.zeros((4, 20, 20)), np.zeros((2, 10, 10))], multiscale=True), "multiscale"),
        (Image(np.zeros((4, 20, 20), bool)), "bool"),
    ],
    ids=["none", "labels", "points", "rgb", "4-D", "2-D", "multiscale", "mask"],
)
def test_what_is_no_volume_is_refused_in_one_sentence(layer: Layer | None, about: str) -> None:
    with pytest.raises(BadInputError, match=about) as error:
        volume_from_layer(layer)
    assert str(error.value).count(".") == 1


def test_the_window_is_that_of_the_file_where_it_shows_something() -> None:
    data = np.linspace(-1000, 1500, 4 * 20 * 20).reshape(4, 20, 20).astype(np.int16)

    def shown(modality: Modality, window: float | None, level: float | None) -> tuple[float, float]:
        return display_window(Volume(data, modality=modality, source=Source(window=window, level=level)))

    assert shown(Modality.CT, 1500, -600) == (-1350, 150)
    assert shown(Modality.CT, None, None) == (-160, 240)
    assert shown(Modality.CT, 400, 4000) == (-160, 240)
    assert shown(Modality.CT, 0, 0) == (-160, 240)


def test_the_window_of_an_mr_spares_its_background_and_one_bright_voxel() -> None:
    data = np.zeros((8, 64, 64), np.float32)
    data[:, 20:44, 20:44] = np.linspace(100, 200, 24)
    data[4, 32, 32] = 1e6

    low, high = display_window(Volume(data, modality=Modality.MR))

    assert low == 0
    assert 190 < high < 210


def test_a_window_is_found_whatever_the_values_are() -> None:
    for values in (np.full((2, 20, 20), np.nan), np.zeros((2, 20, 20)), np.full((2, 20, 20), -3.0)):
        low, high = display_window(Volume(values.astype(np.float32), modality=Modality.MR))
        assert np.isfinite([low, high]).all()
        assert low < high
