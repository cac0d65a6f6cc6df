"""One DICOM file as a list of slices: where each lies, how its values are scaled, what orders it.

Classic files hold one slice, multi-frame files describe theirs in functional groups; beyond this module both
are the same. Nothing that identifies a patient is read.
"""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quietvoxel.errors import QuietVoxelError
from quietvoxel.io.checks import damaged_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydicom import Dataset

TAGS = [
    "SOPClassUID", "SOPInstanceUID", "Modality", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription",
    "ImageType", "Rows", "Columns", "NumberOfFrames", "BitsAllocated", "SamplesPerPixel",
    "PhotometricInterpretation", "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing",
    "SliceThickness", "SpacingBetweenSlices", "ImagePositionPatient", "ImageOrientationPatient",
    "RescaleSlope", "RescaleIntercept", "PixelPaddingValue", "WindowCenter", "WindowWidth", "InstanceNumber",
    "AcquisitionNumber", "TemporalPositionIdentifier", "TriggerTime", "EchoTime", "DiffusionBValue",
    "FrameTime", "FrameTimeVector", "CineRate", "Manufacturer", "DerivationDescription",
    "ContributingEquipmentSequence", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
]  # fmt: skip
_SAME_DIRECTION = 0.02  # of a direction cosine, about one degree
_NO_IMAGES = frozenset({"SEG", "RTDOSE", "RTSTRUCT", "RTPLAN", "SR", "PR", "KO", "REG", "AU", "DOC", "ECG"})
_LOCALIZER = re.compile(r"locali[sz]er|\bscouts?\b|topogram|scanogram|surview|\b3[- ]?plane\b", re.IGNORECASE)


@dataclass(frozen=True)
class Slice:
    """One slice of an image series.

    Attributes
    ----------
    path, frame : the file, and the frame in it from 0.
    position : centre of the first pixel, mm LPS, or None if the file does not say.
    orientation : unit vectors along a row and down a column, LPS, or None.
    spacing : mm between (rows, columns).
    step : mm to the next slice as far as the file says (else the thickness, else 1).
    slope, intercept : value = slope * stored + intercept.
    window, level : display window, or None.
    order : tells images of one position apart: time, echo, diffusion, acquisition, instance.
    uid : SOP instance UID, or "".
    """

    path: Path
    frame: int
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    spacing: tuple[float, float]
    step: float
    slope: float
    intercept: float
    window: float | None
    level: float | None
    order: tuple[float, ...]
    uid: str


def looks_like_dicom(head: bytes) -> bool:
    """Whether the first bytes of a file may be DICOM, with or without the preamble."""
    if head[128:132] == b"DICM":
        return True
    # Without preamble the data set begins at once, with a group 0002 or 0008 and a low element.
    return (head[:2] in (b"\x02\x00", b"\x08\x00") and head[3:4] == b"\x00") or head[:3] == b"\x00\x08\x00"


def read_header(path: Path) -> Dataset | None:
    """Read the tags of an image that are needed here; None if the file is no DICOM image.

    Raises
    ------
    BadInputError
        If the file is DICOM but ends within its header.
    """
    import pydicom
    from pydicom.errors import InvalidDicomError

    with path.open("rb") as file:
        head = file.read(132)
    if not looks_like_dicom(head):
        return None
    with forgiving(path):
        try:
            header = pydicom.dcmread(path, force=True, stop_before_pixels=True, specific_tags=list(TAGS))
        except InvalidDicomError:
            return None
        usable = {"Rows", "Columns", "BitsAllocated"} <= set(header.dir())
        return header if usable and header.get("Modality", "") not in _NO_IMAGES else None


@contextmanager
def forgiving(path: Path) -> Iterator[None]:
    """Let vendors break the rules in silence, and turn what cannot be understood into one sentence.

    Raises
    ------
    BadInputError
        If a value in the header cannot be interpreted.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except (OSError, MemoryError, QuietVoxelError):
            raise
        except Exception as error:  # pydicom converts late, and a broken file provokes anything
            raise damaged_error(path, "has an unreadable DICOM header") from error


def is_localizer(header: Dataset) -> bool:
    """Whether the image is a scout: named so in ImageType, or in its description."""
    kinds = [str(part).upper() for part in _list(header.get("ImageType"))]
    return (
        "LOCALIZER" in kinds
        or "SCOUT" in kinds
        or bool(_LOCALIZER.search(str(header.get("SeriesDescription", ""))))
    )


def is_colour(header: Dataset) -> bool:
    """Whether the image is RGB, YBR or palette colour."""
    photometric = str(header.get("PhotometricInterpretation", "MONOCHROME2"))
    return int(header.get("SamplesPerPixel", 1) or 1) > 1 or not photometric.startswith("MONOCHROME")


def is_mosaic(header: Dataset) -> bool:
    """Whether one image shows many slices as tiles (Siemens mosaic)."""
    return "MOSAIC" in (str(part).upper() for part in _list(header.get("ImageType")))


def is_cine(header: Dataset) -> bool:
    """Whether frames without positions follow each other in time rather than in space."""
    return any(header.get(tag) is not None for tag in ("FrameTime", "FrameTimeVector", "CineRate"))


def derivation_text(header: Dataset) -> str:
    """Everything in which a derived image names the software that made it."""
    equipment = header.get("ContributingEquipmentSequence") or []
    parts = [header.get("DerivationDescription", ""), header.get("Manufacturer", "")]
    parts += [
        str(item.get(tag, "")) for item in equipment for tag in ("Manufacturer", "ManufacturerModelName")
    ]
    return " ".join(str(part) for part in parts)


def slices_of(header: Dataset, path: Path) -> list[Slice]:
    """List all slices of a file, in the order of its frames."""
    count = int(header.get("NumberOfFrames", 1) or 1)
    shared = _first(header.get("SharedFunctionalGroupsSequence"))
    per_frame = header.get("PerFrameFunctionalGroupsSequence") or []
    has_groups = len(per_frame) == count
    grouped = has_groups or count == 1
    return [
        _slice(path, k, header, [per_frame[k] if has_groups else None, shared], grouped=grouped)
        for k in range(count)
    ]


def are_parallel(one: Slice, other: Slice) -> bool:
    """Whether two slices have the same orientation, or both none."""
    if one.orientation is None or other.orientation is None:
        return one.orientation is other.orientation
    pairs = zip(one.orientation, other.orientation, strict=True)
    return all(abs(a - b) <= _SAME_DIRECTION for a, b in pairs)


def _slice(path: Path, frame: int, header: Dataset, groups: list[Any], *, grouped: bool) -> Slice:
    def find(sequence: str, tag: str) -> Any:
        for group in groups:
            item = _first(group.get(sequence)) if group is not None else None
            if item is not None and item.get(tag) is not None:
                return item.get(tag)
        return header.get(tag)

    # A position at the top of a multi-frame file without functional groups is that of its first frame only.
    position = _floats(find("PlanePositionSequence", "ImagePositionPatient"), 3) if grouped else None
    spacing = (
        _floats(find("PixelMeasuresSequence", "PixelSpacing"), 2)
        or _floats(header.get("ImagerPixelSpacing"), 2)
        or _floats(header.get("NominalScannedPixelSpacing"), 2)
        or (1.0, 1.0)
    )
    step = _number(find("PixelMeasuresSequence", "SpacingBetweenSlices"))
    step = abs(step or _number(find("PixelMeasuresSequence", "SliceThickness")) or 1.0)
    slope = _number(find("PixelValueTransformationSequence", "RescaleSlope"))
    window = _number(find("FrameVOILUTSequence", "WindowWidth"))
    level = _number(find("FrameVOILUTSequence", "WindowCenter"))
    temporal = find("FrameContentSequence", "TemporalPositionIndex") or header.get(
        "TemporalPositionIdentifier"
    )
    echo = find("MREchoSequence", "EffectiveEchoTime") or header.get("EchoTime")
    order = (
        temporal, header.get("TriggerTime"), echo, find("MRDiffusionSequence", "DiffusionBValue"),
        header.get("AcquisitionNumber"), header.get("InstanceNumber"), frame,
    )  # fmt: skip
    return Slice(
        path=path,
        frame=frame,
        position=position,
        orientation=_floats(find("PlaneOrientationSequence", "ImageOrientationPatient"), 6),
        spacing=(abs(spacing[0]) or 1.0, abs(spacing[1]) or 1.0),
        step=step,
        slope=slope or 1.0,
        intercept=_number(find("PixelValueTransformationSequence", "RescaleIntercept")) or 0.0,
        window=window if window and level is not None else None,
        level=level if window else None,
        order=tuple(_number(part) or 0.0 for part in order),
        uid=str(header.get("SOPInstanceUID", "")),
    )


def _first(sequence: Any) -> Any:
    return sequence[0] if sequence else None


def _list(value: Any) -> list[Any]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _number(value: Any) -> float | None:
    """Take the first of one or several numbers; None if there is none."""
    if value is None or isinstance(value, str):
        return float(value) if value else None
    if hasattr(value, "__len__"):
        return float(value[0]) if len(value) else None
    return float(value)


def _floats(value: Any, count: int) -> tuple[float, ...] | None:
    if value is None or isinstance(value, (str, float, int)) or len(value) != count:
        return None
    return tuple(float(v) for v in value)
