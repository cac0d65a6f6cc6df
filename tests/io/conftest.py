"""Small DICOM series made on the spot, so that reading can be tested without real data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

if TYPE_CHECKING:
    from pathlib import Path

ROWS, COLUMNS = 20, 24


def stored_slice(k: int) -> np.ndarray:
    """Draw 12-bit numbers that tell which slice it is."""
    rng = np.random.default_rng(k)
    pixels = rng.integers(0, 2000, (ROWS, COLUMNS), dtype=np.uint16)
    pixels[0, 0] = 100 + k
    return pixels


def dicom_slice(k: int, **tags: Any) -> pydicom.Dataset:
    """Make slice `k` of an axial CT, 2.5 mm apart; `tags` replace or (None) remove what is in it."""
    data = pydicom.Dataset()
    data.SOPClassUID = CTImageStorage
    data.SOPInstanceUID = generate_uid()
    data.SeriesInstanceUID = "1.2.826.0.1.77"
    data.SeriesNumber = 3
    data.SeriesDescription = "Thorax 2.5"
    data.PatientName = "Secret^Name"
    data.Modality = "CT"
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.Rows, data.Columns = ROWS, COLUMNS
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
    data.PixelRepresentation = 0
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.PixelSpacing = [0.8, 0.7]
    data.SliceThickness = 2.5
    data.ImagePositionPatient = [-10.0, -20.0, 5.0 + 2.5 * k]
    data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    data.InstanceNumber = k + 1
    data.RescaleSlope, data.RescaleIntercept = 1, -1024
    data.WindowCenter, data.WindowWidth = 40, 400
    data.PixelData = stored_slice(k).tobytes()
    for tag, value in tags.items():
        if value is None:
            delattr(data, tag)
        else:
            setattr(data, tag, value)
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    return data


def save(data: pydicom.Dataset, path: Path) -> Path:
    """Write with preamble and meta header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path


class Scanner:
    """Writes series of slices into a folder, in an order of file names that says nothing."""

    def __init__(self, folder: Path) -> None:
        """Start with an empty folder."""
        self.folder = folder
        self.count = 0

    def series(self, slices: int = 5, **tags: Any) -> Path:
        """Write slices; a callable among `tags` is asked with the slice number."""
        for k in reversed(range(slices)):
            own = {name: value(k) if callable(value) else value for name, value in tags.items()}
            self.add(dicom_slice(k, **own))
        return self.folder

    def add(self, data: pydicom.Dataset) -> Path:
        """Write one file, without an ending."""
        self.count += 1
        return save(data, self.folder / f"IM{self.count:04d}")

    def multi_frame(self, **frame_tags: Any) -> Path:
        """Write an enhanced file of three slices, last one first; `frame_tags` are asked for each."""
        data = dicom_slice(0, ImagePositionPatient=None, ImageOrientationPatient=None, PixelSpacing=None)
        frames = []
        for k in (2, 1, 0):
            place, plane, measures, frame = (
                pydicom.Dataset(),
                pydicom.Dataset(),
                pydicom.Dataset(),
                pydicom.Dataset(),
            )
            place.ImagePositionPatient = [-10.0, -20.0, 5.0 + 2.5 * k]
            plane.ImageOrientationPatient = frame_tags.get("orientation", lambda _: [1, 0, 0, 0, 1, 0])(k)
            measures.PixelSpacing = [0.8, 0.7]
            scaling = pydicom.Dataset()
            scaling.RescaleSlope = frame_tags.get("slope", lambda _: 1)(k)
            scaling.RescaleIntercept = -1024
            frame.PlanePositionSequence = [place]
            frame.PlaneOrientationSequence = [plane]
            frame.PixelMeasuresSequence = [measures]
            frame.PixelValueTransformationSequence = [scaling]
            frames.append(frame)
        data.PerFrameFunctionalGroupsSequence = frames
        data.NumberOfFrames = 3
        data.PixelData = b"".join(stored_slice(k).tobytes() for k in (2, 1, 0))
        return self.add(data)


@pytest.fixture
def scanner(tmp_path: Path) -> Scanner:
    """Give a scanner that exports to an empty folder."""
    return Scanner(tmp_path / "export")
