"""A layer is saved with its place in the patient and its stored type, and what cannot be saved is said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("napari", reason="napari is not installed")

from napari.components import ViewerModel
from napari.utils.notifications import notification_manager
from npe2 import PluginManager

from quietvoxel.errors import BadInputError
from quietvoxel.io import read, write
from quietvoxel.napari_plugin.adapter import add_volume
from quietvoxel.napari_plugin.writing import save_layer, write_image
from quietvoxel.volume import Modality, Volume

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module", autouse=True)
def discovered() -> None:
    """Let npe2 find the installed plugin, as napari does when it starts."""
    PluginManager.instance().discover()


@pytest.mark.parametrize("name", ["out.nii", "out.nii.gz", "out.nrrd", "out.mha"])
def test_saving_a_layer_restores_the_oblique_volume(
    oblique_volume: Volume, tmp_path: Path, name: str
) -> None:
    viewer = ViewerModel()
    layer = add_volume(viewer, oblique_volume, "CT")

    assert viewer.layers.save(str(tmp_path / name), plugin="quietvoxel") == [str(tmp_path / name)]

    back = read(tmp_path / name)
    np.testing.assert_array_equal(back.data, oblique_volume.data)
    assert back.data.dtype == np.int16
    assert back.modality is Modality.CT
    assert (back.source.window, back.source.level) == (400.0, 40.0)
    np.testing.assert_allclose(back.geometry.direction, oblique_volume.geometry.direction, atol=1e-6)
    np.testing.assert_allclose(back.geometry.origin, oblique_volume.geometry.origin, atol=1e-4)
    np.testing.assert_allclose(back.geometry.spacing, oblique_volume.geometry.spacing, rtol=1e-6)
    assert layer.data is oblique_volume.data


def test_a_file_opened_and_saved_again_is_the_same_volume(oblique_volume: Volume, tmp_path: Path) -> None:
    write(oblique_volume, tmp_path / "in.nii.gz")
    viewer = ViewerModel()
    viewer.open(tmp_path / "in.nii.gz", plugin="quietvoxel")

    viewer.layers.save(str(tmp_path / "out.nii.gz"), plugin="quietvoxel")

    first, second = read(tmp_path / "in.nii.gz"), read(tmp_path / "out.nii.gz")
    np.testing.assert_array_equal(first.data, second.data)
    assert first.geometry == second.geometry


def test_float_values_go_back_into_the_stored_type(ct_volume: Volume, tmp_path: Path) -> None:
    """As a denoised layer does: float32 in memory, int16 on disk."""
    layer = add_volume(ViewerModel(), ct_volume.with_data(ct_volume.data + np.float32(0.4)), "CT")

    save_layer(layer, tmp_path / "out.nii.gz")

    back = read(tmp_path / "out.nii.gz").data
    assert back.dtype == np.int16
    np.testing.assert_array_equal(back, ct_volume.data)


def test_the_original_is_never_replaced(
    make_napari_viewer: Callable[..., Any], ct_volume: Volume, tmp_path: Path
) -> None:
    path = tmp_path / "in.nii.gz"
    write(ct_volume, path)
    before = path.read_bytes()
    viewer = make_napari_viewer()
    (layer,) = viewer.open(path, plugin="quietvoxel")
    notification_manager.records.clear()

    assert write_image(str(path), *layer.as_layer_data_tuple()[:2]) == []

    assert "never replaced" in notification_manager.records[-1].message
    assert path.read_bytes() == before
    with pytest.raises(BadInputError, match="never replaced"):
        save_layer(layer, path)


def test_clipped_voxels_are_counted(
    make_napari_viewer: Callable[..., Any], ct_volume: Volume, tmp_path: Path
) -> None:
    data = ct_volume.data.astype(np.float32)
    data[0, 0, :3] = 1e6
    layer = add_volume(make_napari_viewer(), ct_volume.with_data(data), "CT")
    notification_manager.records.clear()

    write_image(str(tmp_path / "out.nii.gz"), *layer.as_layer_data_tuple()[:2])

    assert "3 voxels were clipped" in notification_manager.records[-1].message


def test_an_image_of_another_plugin_is_saved_in_its_own_scale(tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(100, 30, (5, 20, 20)).astype(np.float32)
    viewer = ViewerModel()
    viewer.add_image(data, scale=(3, 1, 2), units=("mm",) * 3, translate=(1, 2, 3))

    viewer.layers.save(str(tmp_path / "out.nrrd"), plugin="quietvoxel")

    back = read(tmp_path / "out.nrrd")
    np.testing.assert_array_equal(back.data, data)
    np.testing.assert_allclose(back.geometry.spacing, (2, 1, 3))
    np.testing.assert_allclose(back.geometry.origin, (3, 2, 1))


def test_beside_a_result_lies_the_record_of_how_it_was_made(ct_volume: Volume, tmp_path: Path) -> None:
    layer = add_volume(ViewerModel(), ct_volume, "CT [RelativeFlow]")
    layer.metadata["quietvoxel"]["provenance"] = {"engine": "relativeflow", "seed": 3}

    save_layer(layer, tmp_path / "out.nii.gz")

    record = json.loads((tmp_path / "out.quietvoxel.json").read_text("utf-8"))
    assert record == {"engine": "relativeflow", "seed": 3}
