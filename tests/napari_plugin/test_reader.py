"""Files and folders come in as layers in millimetres; what is left open is asked, what is wrong is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest

pytest.importorskip("napari", reason="napari is not installed")

from napari.layers import Layer
from napari.utils.notifications import notification_manager
from npe2 import PluginManager, io_utils

from quietvoxel.errors import BadInputError
from quietvoxel.io import write
from quietvoxel.napari_plugin.adapter import METADATA_KEY, volume_from_layer
from quietvoxel.napari_plugin.reading import (
    NOTHING,
    Questions,
    get_reader,
    notes_of,
    read_layers,
    read_volumes,
)
from quietvoxel.napari_plugin.series_dialog import SeriesDialog
from quietvoxel.volume import Modality, Volume

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def write_series(folder: Path, number: int, slices: int, description: str) -> None:
    """Write a small CT series of 24 x 20 pixels."""
    rng = np.random.default_rng(number)
    folder.mkdir(parents=True, exist_ok=True)
    uid = f"1.2.826.0.1.3680043.8.498.{number}"
    for k in range(slices):
        image = pydicom.Dataset()
        image.file_meta = pydicom.dataset.FileMetaDataset()
        image.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"{uid}.{k + 1}"
        image.SeriesInstanceUID, image.SeriesNumber, image.SeriesDescription = uid, number, description
        image.StudyInstanceUID = "1.2.826.0.1.3680043.8.498"
        image.Modality, image.ImageType = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
        image.PixelSpacing, image.ImageOrientationPatient = [0.8, 0.9], [1, 0, 0, 0, 1, 0]
        image.ImagePositionPatient = [-10, -20, 3.0 * k]
        image.Rows, image.Columns = 24, 20
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.BitsAllocated = image.BitsStored = 16
        image.HighBit, image.PixelRepresentation = 15, 1
        image.RescaleSlope, image.RescaleIntercept = 1, -1024
        image.WindowWidth, image.WindowCenter = 300, 50
        image.PixelData = rng.integers(900, 1200, (24, 20)).astype("<i2").tobytes()
        image.save_as(folder / f"{number}-{k}.dcm", enforce_file_format=True)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Write a folder with two series."""
    write_series(tmp_path / "study", 3, 4, "Chest 3.0")
    write_series(tmp_path / "study", 5, 6, "Abdomen 3.0")
    return tmp_path / "study"


def said() -> list[str]:
    return [record.message for record in notification_manager.records]


@pytest.mark.parametrize("name", ["ct.nii", "ct.nii.gz", "ct.nrrd", "ct.mha", "ct.mhd"])
def test_napari_hands_our_files_to_us(oblique_volume: Volume, tmp_path: Path, name: str) -> None:
    write(oblique_volume, tmp_path / name)

    PluginManager.instance().discover()
    (layers, reader) = io_utils.read_get_reader([str(tmp_path / name)], plugin_name="quietvoxel", stack=False)

    ((data, options, kind),) = layers
    assert (kind, reader.command) == ("image", "quietvoxel.read")
    assert options["name"] == "ct"
    assert options["units"] == ("mm",) * 3
    np.testing.assert_array_equal(data, oblique_volume.data)
    geometry = options["metadata"][METADATA_KEY]["geometry"]
    np.testing.assert_allclose(geometry.direction, oblique_volume.geometry.direction, atol=1e-6)


def test_a_folder_of_one_series_opens_at_once_with_its_own_window(tmp_path: Path, viewer: Any) -> None:
    write_series(tmp_path / "chest", 3, 4, "Chest 3.0")

    (layer,) = viewer.open(tmp_path / "chest", plugin="quietvoxel")

    assert layer.name == "chest"
    assert layer.data.shape == (4, 24, 20)
    assert tuple(layer.scale) == (3.0, 0.8, 0.9)
    assert tuple(layer.contrast_limits) == (-100.0, 200.0)
    assert volume_from_layer(layer).modality is Modality.CT


def test_a_folder_without_dicom_is_left_to_others(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    assert get_reader(str(tmp_path)) is None
    assert get_reader(str(tmp_path / "notes.nii.gz")) is read_layers


def test_several_series_are_a_choice_and_several_can_be_chosen(study: Path) -> None:
    asked = []

    class Answers(Questions):
        def series(self, series: list[Any], folder: str) -> list[int]:
            asked.append((folder, [one.description for one in series]))
            return [0, 1]

    found = read_volumes(str(study), Answers())

    assert asked == [("study", ["Chest 3.0", "Abdomen 3.0"])]
    assert [(name, volume.shape[0]) for name, volume in found] == [("Chest 3.0", 4), ("Abdomen 3.0", 6)]


def test_without_a_window_several_series_are_an_error_that_lists_them(study: Path) -> None:
    with pytest.raises(BadInputError, match=r"2 image series.*Chest 3\.0.*Abdomen 3\.0"):
        read_layers(str(study))


def test_the_dialog_proposes_the_longest_series_and_gives_what_is_selected(study: Path, qtbot: Any) -> None:
    from quietvoxel.io import list_series

    dialog = SeriesDialog(list_series(study), "study")
    qtbot.addWidget(dialog)

    assert dialog.chosen() == [1]
    rows = [dialog.table.topLevelItem(k) for k in range(2)]
    assert [rows[0].text(column) for column in range(5)] == ["3", "Chest 3.0", "CT", "4", "20 × 24"]
    rows[0].setSelected(True)
    assert dialog.chosen() == [0, 1]


@pytest.mark.parametrize("answer", ["accept", "reject"])
def test_the_dialog_opens_over_the_viewer(study: Path, viewer: Any, qtbot: Any, answer: str) -> None:
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QApplication

    def reply() -> None:  # again and again until the dialog is there, however slow the machine
        for dialog in QApplication.topLevelWidgets():
            if isinstance(dialog, SeriesDialog) and dialog.isVisible():
                timer.stop()
                getattr(dialog, answer)()

    timer = QTimer()
    timer.timeout.connect(reply)
    timer.start(50)
    layers = viewer.open(study, plugin="quietvoxel")

    assert [layer.name for layer in layers] == (["Abdomen 3.0"] if answer == "accept" else [])


def test_slices_dropped_together_are_their_series(study: Path) -> None:
    found = read_volumes([str(study / f"5-{k}.dcm") for k in range(3)])

    assert [volume.shape for _, volume in found] == [(6, 24, 20)]


def test_a_4d_file_asks_for_the_volume(tmp_path: Path) -> None:
    import SimpleITK as sitk  # noqa: N813 - its own documentation calls it so

    data = np.random.default_rng(0).normal(100, 9, (3, 4, 20, 20)).astype(np.float32)
    sitk.WriteImage(sitk.JoinSeries([sitk.GetImageFromArray(one) for one in data]), str(tmp_path / "t.nii"))

    class Second(Questions):
        def frame(self, name: str, count: int) -> int | None:
            assert (name, count) == ("t", 3)
            return 1

    ((name, volume),) = read_volumes(str(tmp_path / "t.nii"), Second())

    assert name == "t 2"
    np.testing.assert_array_equal(volume.data, data[1])
    with pytest.raises(BadInputError, match="4-D with 3"):
        read_volumes(str(tmp_path / "t.nii"))


def test_with_a_window_an_error_is_its_sentence_and_no_layer(viewer: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.nii").write_bytes(b"no image")
    notification_manager.records.clear()

    assert viewer.open(tmp_path / "broken.nii", plugin="quietvoxel") == []

    assert len(said()) == 1
    assert "broken.nii is damaged" in said()[0]
    assert read_layers(str(tmp_path / "broken.nii")) == NOTHING


def test_an_oblique_volume_is_said_in_one_line(viewer: Any, oblique_volume: Volume, tmp_path: Path) -> None:
    write(oblique_volume, tmp_path / "ct.mha")
    notification_manager.records.clear()

    viewer.open(tmp_path / "ct.mha", plugin="quietvoxel")

    assert sum("oblique by 20 degrees" in text for text in said()) == 1


@pytest.mark.parametrize(
    ("name", "said_words"),
    [
        ("gehispeed_head_tilt_uneven", ("tilted by 18.5 degrees", "uneven")),
        ("papaya_pd_oblique", ("oblique by",)),
        ("totalseg_ct_j2k", ()),
    ],
)
def test_real_studies_open_in_millimetres(shared_data: Path, name: str, said_words: tuple[str, ...]) -> None:
    (layer_tuple,) = read_layers(str(shared_data / "dicom" / name))

    layer = Layer.create(*layer_tuple)
    volume = volume_from_layer(layer)
    assert layer.name == name
    assert tuple(layer.scale) == pytest.approx(volume.geometry.spacing_zyx)
    assert volume.source.format == "dicom"
    notes = " ".join(notes_of(volume))
    assert bool(notes) == bool(said_words)
    assert all(word in notes for word in said_words)


def test_samples_are_drawn_with_their_truth_hidden(
    make_napari_viewer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = make_napari_viewer()
    monkeypatch.setattr("quietvoxel.jobs.sample_job.MR_SHAPE", (4, 112, 96))
    monkeypatch.setattr("quietvoxel.jobs.sample_job.MR_SPACING", (5.0, 2.0, 2.0))

    truth, noisy = viewer.open_sample("quietvoxel", "mr")

    assert (truth.visible, noisy.visible) == (False, True)
    assert truth.data.shape == noisy.data.shape
    assert volume_from_layer(noisy).modality is Modality.MR
    spread = float(np.std(noisy.data.astype(float) - truth.data))
    assert 0.02 * truth.data.max() < spread < 0.1 * truth.data.max()


def test_dropping_without_being_asked_is_a_preference(viewer: Any, study: Path) -> None:
    from napari.plugins.utils import get_preferred_reader
    from napari.settings import get_plugin_settings, get_settings

    viewer.open(study / "3-0.dcm", plugin="quietvoxel")
    opening = get_plugin_settings("quietvoxel").opening
    assert get_preferred_reader(str(study)) is None

    opening.without_asking = True
    for name in ("", "3-0.dcm", "ct.nii.gz"):
        assert get_preferred_reader(str(study / name)) == "quietvoxel"

    mine = {**get_settings().plugins.extension2reader, "*.nrrd": "another-plugin"}
    get_settings().plugins.extension2reader = mine
    opening.without_asking = False
    assert get_preferred_reader(str(study)) is None
    assert get_preferred_reader("ct.nrrd") == "another-plugin"
