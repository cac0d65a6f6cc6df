"""References: found in files and folders, refused with reasons, weighed by noise, kept within limits, nameless."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from quietvoxel.errors import BadInputError, QuietVoxelError
from quietvoxel.training import keeping
from quietvoxel.training.candidates import find_candidates
from quietvoxel.training.stacks import noise_weight, training_references

pytest.importorskip("lightning", reason="needs the train extra (lightning)")

from quietvoxel.training.gather import gather

from .conftest import SMALL, noisy_ct, noisy_mr

if TYPE_CHECKING:
    from pathlib import Path

MARKS = ("MARKEDNAME", "MARKEDID", "MARKEDFOLDER", "MARKEDFILE", "MARKEDSERIES", "1.2.826.0.1.4242")


def marked_series(folder: Path, slices: int = 6, *, seed: int = 0) -> Path:
    """Write a CT series of a patient whose name, number and place can be searched for."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for k in range(slices):
        data = pydicom.Dataset()
        data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, generate_uid()
        data.SeriesInstanceUID, data.StudyInstanceUID = f"1.2.826.0.1.4242.{seed}", "1.2.826.0.1.4242"
        data.PatientName, data.PatientID = "MARKEDNAME^Erika", "MARKEDID-77"
        data.SeriesDescription, data.SeriesNumber = "MARKEDSERIES", 3
        data.Modality, data.ImageType = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
        data.Rows = data.Columns = 48
        data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
        data.PixelRepresentation, data.SamplesPerPixel = 0, 1
        data.PhotometricInterpretation = "MONOCHROME2"
        data.PixelSpacing, data.SliceThickness = [0.8, 0.8], 2.5
        data.ImagePositionPatient = [-10.0, -20.0, 2.5 * k]
        data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        data.InstanceNumber, data.RescaleSlope, data.RescaleIntercept = k + 1, 1, -1024
        data.PixelData = rng.normal(1064, 15, (48, 48)).astype(np.uint16).tobytes()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        data.save_as(folder / f"MARKEDFILE{k}.dcm", enforce_file_format=True)
    return folder


def test_folders_are_searched_for_files_and_series(tmp_path: Path) -> None:
    noisy_mr(tmp_path / "study" / "inner" / "a.nii.gz")
    noisy_ct(tmp_path / "study" / "b.nrrd")
    marked_series(tmp_path / "study" / "s1", 2, seed=1)
    marked_series(tmp_path / "study" / "s2", 2, seed=2)
    (tmp_path / "study" / "notes.txt").write_text("no image")
    found = find_candidates([tmp_path / "study", tmp_path / "study" / "b.nrrd"])
    assert [one.number for one in found] == [1, 2, 3, 4]
    assert sorted(one.path.name for one in found) == ["a.nii.gz", "b.nrrd", "s1", "s2"]
    assert {one.read().shape for one in found} == {(4, 48, 48), (3, 48, 48), (2, 48, 48)}
    with pytest.raises(BadInputError, match="does not exist"):
        find_candidates([tmp_path / "nowhere"])
    (tmp_path / "void").mkdir()
    with pytest.raises(BadInputError, match="holds no NIfTI"):
        find_candidates([tmp_path / "void"])


def test_what_does_not_fit_is_left_out_with_its_reason(tmp_path: Path) -> None:
    mr = [noisy_mr(tmp_path / f"mr{k}.nii.gz", seed=k) for k in range(2)]
    other = noisy_ct(tmp_path / "other.nrrd")
    (tmp_path / "damaged.nii.gz").write_bytes(mr[0].read_bytes()[:900])
    (tmp_path / "empty.mha").touch()
    summary, stacks = gather(find_candidates([tmp_path]), tmp_path / "kept", modality="MR")
    names = {one.number: one.path.name for one in find_candidates([tmp_path])}
    reasons = {names[one.number]: one.reason for one in summary.left_out}
    assert set(reasons) == {"other.nrrd", "damaged.nii.gz", "empty.mha"}
    assert "CT, not MR" in reasons["other.nrrd"]
    assert "empty, damaged" in reasons["damaged.nii.gz"]
    assert not any(name in reason for name in names.values() for reason in reasons.values())
    assert any(str(other) in one.sentence for one in summary.left_out)
    assert (summary.volumes, summary.slices) == (2, 8)
    assert {names[stack.number] for stack in stacks} == {"mr0.nii.gz", "mr1.nii.gz"}
    with pytest.raises(BadInputError, match="None of the references is a CT volume"):
        gather(find_candidates(mr), tmp_path / "kept", modality="CT")


def test_a_noisier_reference_is_drawn_less(tmp_path: Path) -> None:
    for k, noise in enumerate((0.02, 0.02, 0.02, 0.08)):
        noisy_mr(tmp_path / "in" / f"{k}.nii.gz", seed=k, noise=noise)
    # The order in which volumes are held out depends on the seed; here it is a quiet one.
    summary, stacks = gather(find_candidates([tmp_path / "in"]), tmp_path / "kept", seed=1)
    trained = {stack.number: stack for stack in stacks if not stack.held_out}
    assert 4 in trained
    quiet = [stack for number, stack in trained.items() if number != 4]
    assert trained[4].sigma > 2 * quiet[0].sigma
    assert trained[4].weight < 0.5 * quiet[0].weight
    assert summary.noise[1] > 2 * summary.noise[0]
    weights = [noise_weight(sigma, 0.02) for sigma in (0.01, 0.02, 0.04, 0.2)]
    assert weights == sorted(weights, reverse=True)
    assert weights[1] == pytest.approx(1.0)
    assert noise_weight(0.0, 0.02) == 1.0


def test_large_volumes_give_blocks_and_too_many_are_not_all_read(tmp_path: Path) -> None:
    for k in range(6):
        noisy_mr(tmp_path / "in" / f"{k}.nii.gz", slices=40, seed=k)
    slice_pixels = 48 * 48
    candidates = find_candidates([tmp_path / "in"])
    summary, stacks = gather(candidates, tmp_path / "a", pixels=100 * slice_pixels, share=0.05)
    kept = [stack for stack in stacks if not stack.held_out]
    assert sum(stack.shape[0] for stack in kept) <= 100
    assert {stack.shape[0] for stack in kept} <= {8, 16}
    assert len(summary.training) == 5
    few, _ = gather(candidates, tmp_path / "b", pixels=20 * slice_pixels, share=0.05)
    assert few.volumes < 6
    assert "a longer plan uses more" in few.notes[0]
    reference = training_references(tmp_path / "a", stacks)[0]
    assert isinstance(reference.data, np.memmap)
    assert reference.name.startswith("reference ")


def test_one_volume_is_split_by_its_slices_without_overlap(tmp_path: Path) -> None:
    one = noisy_mr(tmp_path / "one.nii.gz", slices=20)
    summary, stacks = gather(find_candidates([one]), tmp_path / "kept", share=0.25)
    held, trained = ([s for s in stacks if s.held_out is wanted] for wanted in (True, False))
    assert sum(stack.shape[0] for stack in trained) == 15
    assert held
    assert "its last 5 slices are held out" in summary.notes[0]
    arrays = {stack.file: np.load(tmp_path / "kept" / f"{stack.file}.npy") for stack in stacks}
    slices = {image.tobytes() for stack in trained for image in arrays[stack.file]}
    assert not any(image.tobytes() in slices for stack in held for image in arrays[stack.file])


def test_ct_brings_its_noise_along(tmp_path: Path) -> None:
    for k in range(2):
        noisy_ct(tmp_path / "in" / f"{k}.nii.gz", seed=k)
    summary, stacks = gather(find_candidates([tmp_path / "in"]), tmp_path / "kept", modality="CT")
    assert summary.unit == "HU"
    assert 5 < summary.noise[0] < 30
    reference = training_references(tmp_path / "kept", stacks)[0]
    assert reference.noise is not None
    assert reference.noise.shape == (2, *reference.data.shape)


def test_a_disk_without_room_is_said_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scans = [noisy_mr(tmp_path / f"{k}.nii.gz", seed=k) for k in range(2)]
    monkeypatch.setattr(keeping, "SPARE", 10**18)
    with pytest.raises(QuietVoxelError, match="GB left, too little to keep the references"):
        gather(find_candidates(scans), tmp_path / "kept", modality="MR")


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning", "ignore::DeprecationWarning")
def test_no_file_that_a_training_writes_names_a_patient(home: Path, tmp_path: Path) -> None:
    from quietvoxel.training.control import TrainingControl, Wish
    from quietvoxel.training.fine_tune import fine_tune
    from quietvoxel.training.order import TrainingOrder

    for seed in range(2):
        marked_series(tmp_path / "MARKEDFOLDER" / f"MARKEDSERIES{seed}", seed=seed)
    order = TrainingOrder((tmp_path / "MARKEDFOLDER",), "relativeflow", "mine", settings=SMALL, max_steps=3)
    events: list[dict[str, Any]] = []
    control = TrainingControl()

    def tell(event: dict[str, Any]) -> None:
        events.append(event)
        if event["event"] == "validation" and event["step"] > 0:
            control.ask(Wish.CANCEL)

    from quietvoxel.errors import CancelledError

    with pytest.raises(CancelledError):
        fine_tune(order, control=control, tell=tell)
    names = search_for_marks(home)
    assert any(name.endswith(".ckpt") for name in names)
    assert any("references" in name for name in names)
    fine_tune(order, resume=True, tell=events.append)
    names = search_for_marks(home)
    assert "events.jsonl" in {name.rpartition("/")[2] for name in names}
    assert not any(mark in str(events) for mark in MARKS)


def search_for_marks(folder: Path) -> list[str]:
    """Look into every file of a folder, and at its name; gives the names."""
    names = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        names.append(name)
        assert not any(mark in name for mark in MARKS)
        if path.is_file():
            content = path.read_bytes()
            for mark in MARKS:
                assert mark.encode() not in content, f"{mark} is in {name}"
                assert mark.encode("utf-16-le") not in content, f"{mark} is in {name}"
    return names


def test_the_search_for_marks_can_fail(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"who": "MARKEDNAME^Erika"}')
    with pytest.raises(AssertionError, match=r"MARKEDNAME is in a\.json"):
        search_for_marks(tmp_path)
