"""The stored numbers of a DICOM file, whatever its transfer syntax.

pydicom reads what is not compressed, GDCM inside SimpleITK decodes JPEG, JPEG-LS, JPEG 2000 and RLE. GDCM
rescales on its own and knows one slope for a whole file; it gets a copy with nothing in it but the pixels.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.io.checks import damaged_error
from quietvoxel.io.itk_files import quiet_itk

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pydicom import Dataset

_PIXEL_TAGS = (
    "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel",
    "PhotometricInterpretation", "NumberOfFrames",
)  # fmt: skip
_PIXEL_DATA = (0x7FE00008, 0x7FE00009, 0x7FE00010)
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_ANY_INSTANCE = "1.2.3"


def stored_frames(path: Path) -> NDArray[Any]:
    """Decode all frames of a file.

    Returns
    -------
    (frames, rows, columns), in the stored integer type (or float, where the file stores floats).

    Raises
    ------
    BadInputError
        If the pixels are missing, cut off, or of a compression that cannot be decoded.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data = _read_up_to_pixels(path)
            syntax = data.file_meta.get("TransferSyntaxUID") if hasattr(data, "file_meta") else None
            if syntax is not None and syntax.is_compressed and not syntax.is_deflated:
                pixels = _decoded(data, path)
            else:
                if syntax is None:
                    _assume_syntax(data)
                pixels = data.pixel_array
        except (OSError, MemoryError):
            raise
        except Exception as error:  # a broken file provokes anything, from struct.error to AttributeError
            raise damaged_error(
                path, "lacks pixels, ends within them or is compressed in an unknown way"
            ) from error
    rows, columns = int(data.Rows), int(data.Columns)
    frames = pixels.reshape(-1, rows, columns)
    if frames.shape[0] != int(data.get("NumberOfFrames", 1) or 1):
        raise damaged_error(path, "has fewer frames than its header says")
    return np.asarray(frames)


def _read_up_to_pixels(path: Path) -> Dataset:
    """Read a file up to its pixels and not beyond: some end in megabytes of zeros that parse as elements."""
    from pydicom.filereader import read_partial

    seen = False

    def is_past(tag: int, *_: Any) -> bool:
        nonlocal seen
        past, seen = seen, seen or tag in _PIXEL_DATA
        return past

    with path.open("rb") as file:
        return read_partial(file, is_past, force=True)


def _assume_syntax(data: Dataset) -> None:
    """Files without the meta header are little endian, implicit unless pydicom found otherwise."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

    if not hasattr(data, "file_meta"):
        data.file_meta = FileMetaDataset()
    implicit = data.original_encoding[0] is not False
    data.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian


def _decoded(data: Dataset, path: Path) -> NDArray[Any]:
    from pydicom.dataset import Dataset as New
    from pydicom.dataset import FileMetaDataset
    from pydicom.encaps import generate_frames
    from pydicom.uid import UID

    count = int(data.get("NumberOfFrames", 1) or 1)
    found = sum(1 for _ in generate_frames(data.PixelData, number_of_frames=count))
    if found != count:
        raise damaged_error(path, f"has {found} of {count} compressed frames")
    bare = New()
    bare.SOPClassUID = _SECONDARY_CAPTURE
    bare.SOPInstanceUID = _ANY_INSTANCE
    for tag in _PIXEL_TAGS:
        if tag in data:
            setattr(bare, tag, data[tag].value)
    bare.PixelData = data.PixelData
    bare["PixelData"].is_undefined_length = True
    bare.file_meta = FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = data.file_meta.TransferSyntaxUID
    bare.file_meta.MediaStorageSOPClassUID = UID(_SECONDARY_CAPTURE)
    bare.file_meta.MediaStorageSOPInstanceUID = UID(_ANY_INSTANCE)
    with tempfile.TemporaryDirectory() as folder, quiet_itk() as sitk:
        copy = Path(folder) / "pixels.dcm"
        bare.save_as(copy, enforce_file_format=True)
        image = sitk.ReadImage(str(copy), imageIO="GDCMImageIO")
        return np.asarray(sitk.GetArrayFromImage(image))
