"""Read and write NRRD and MetaImage through SimpleITK.

ITK prints to the error stream where it only warns, and some of its readers print on their own; headers are
therefore checked here first, so that a user sees one sentence.
"""

from __future__ import annotations

import re
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.errors import BadInputError
from quietvoxel.io.checks import check_size, colour_error, damaged_error, pick_frame
from quietvoxel.io.marker import KEY, handed_over_text, is_marked, marked_modality, marked_window, marker_text
from quietvoxel.io.values import storage_of, stored_values
from quietvoxel.volume import Geometry, Modality, Source, Volume

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_READERS = {"nrrd": "NrrdImageIO", "metaimage": "MetaImageIO"}
_META_BYTES = {
    "CHAR": 1, "UCHAR": 1, "SHORT": 2, "USHORT": 2, "INT": 4, "UINT": 4, "LONG": 4, "ULONG": 4,
    "LONG_LONG": 8, "ULONG_LONG": 8, "FLOAT": 4, "DOUBLE": 8,
}  # fmt: skip
_HEADER_BYTES = 1 << 16


@contextmanager
def quiet_itk() -> Iterator[Any]:
    """Give SimpleITK with its warnings switched off for the time of the block."""
    import SimpleITK as sitk  # noqa: N813 - its own documentation calls it so

    itk: Any = sitk.ProcessObject
    shown = itk.GetGlobalWarningDisplay()
    itk.SetGlobalWarningDisplay(False)
    try:
        yield sitk
    finally:
        itk.SetGlobalWarningDisplay(shown)


def read_itk(path: Path, kind: str, frame: int | None = None) -> Volume:
    """Read one 3-D image; its modality is OTHER unless QuietVoxel wrote the file.

    Parameters
    ----------
    path : the file, or the header of a pair.
    kind : "nrrd" or "metaimage".
    frame : which image of a 4-D file or of a sequence stored as components, from 0.

    Raises
    ------
    BadInputError
        If the file is truncated, coloured, empty, too small, or 4-D without a frame.
    """
    data_files = detached_files(path, kind)
    with quiet_itk() as sitk:
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.SetImageIO(_READERS[kind])
        try:
            reader.ReadImageInformation()
            size = list(reader.GetSize())
            components = reader.GetNumberOfComponents()
            name = sitk.GetPixelIDValueAsString(reader.GetPixelID())
            _check_kind(path, components, name)
            check_size(path, (1, *size[1::-1]) if len(size) == 2 else size[2::-1])
            what = "components" if components > 1 else "frames"
            index = pick_frame(path, int(np.prod(size[3:], dtype=int)) * components, frame, what)
            if len(size) > 3:
                at = np.unravel_index(index // components, size[3:], order="F")
                reader.SetExtractIndex([0, 0, 0, *map(int, at)])
                reader.SetExtractSize([*size[:3], *[0] * (len(size) - 3)])
            image = reader.Execute()
        except RuntimeError as error:
            raise damaged_error(path, "ends too early or its header contradicts its data") from error
        if components > 1:
            image = sitk.VectorIndexSelectionCast(image, index % components)
        keys = {k.casefold(): k for k in image.GetMetaDataKeys()}
        text = image.GetMetaData(keys[KEY.casefold()]) if KEY.casefold() in keys else ""
        data = sitk.GetArrayFromImage(image)
        data = data[None] if data.ndim == 2 else data
        geometry = _geometry(image)
    window = marked_window(text)
    source = Source(
        path=path,
        format=kind,
        stored_dtype=data.dtype.name,
        window=window[0] if window else None,
        level=window[1] if window else None,
        derived_by_us=is_marked(text),
        metadata={"data_files": data_files} if data_files else {},
    )
    return Volume(data, geometry, marked_modality(text) or Modality.OTHER, source)


def _check_kind(path: Path, components: int, name: str) -> None:
    if components in (3, 4) and "8-bit" in name:
        raise colour_error(path)
    if "complex" in name or "label" in name:
        msg = f"{path} stores {name} values, which is no CT or MR image; convert it first."
        raise BadInputError(msg)


def _geometry(image: Any) -> Geometry:
    # 2-D images lie in the plane z = 0 with slices of 1 mm.
    n = min(image.GetDimension(), 3)
    full = image.GetDimension()
    direction = np.eye(3)
    direction[:n, :n] = np.reshape(image.GetDirection(), (full, full))[:n, :n]
    spacing = [*image.GetSpacing()[:n], 1.0][:3]
    origin = [*image.GetOrigin()[:n], 0.0][:3]
    return Geometry(
        (spacing[0], spacing[1], spacing[2]),
        (origin[0], origin[1], origin[2]),
        tuple(float(v) for v in direction.ravel()),
    )


def detached_files(path: Path, kind: str) -> tuple[Path, ...]:
    """Find the files that hold the voxels of a header file, none if it holds them itself.

    Raises
    ------
    BadInputError
        If the header is incomplete, a data file is missing, or fewer bytes are there than the header states.
    """
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    if kind == "nrrd":
        text = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0].decode("latin-1")
        found = re.search(r"^data ?file: *(.+?)\s*$", text, re.MULTILINE | re.IGNORECASE)
        return _existing(path, found[1]) if found else ()
    end = re.search(rb"^ElementDataFile *= *(.+?)[ \t\r]*\n", head + b"\n", re.MULTILINE)
    if end is None:
        raise damaged_error(path, "has a header without ElementDataFile")
    fields = dict(re.findall(r"^(\w+) *= *(.*?)\s*$", head[: end.end()].decode("latin-1"), re.MULTILINE))
    name = fields["ElementDataFile"]
    try:
        count = int(np.prod([int(n) for n in fields["DimSize"].split()], dtype=object))
        count *= int(fields.get("ElementNumberOfChannels", 1))
        expected = count * _META_BYTES[fields["ElementType"].removeprefix("MET_").removesuffix("_ARRAY")]
    except (KeyError, ValueError) as error:
        raise damaged_error(path, "has a header without a valid DimSize or ElementType") from error
    files: tuple[Path, ...] = ()
    local = name.upper() == "LOCAL"
    if not local:
        files = _existing(path, name)
        if not files:
            return ()
    where, start = (path, end.end()) if local else (files[0], 0)
    if fields.get("CompressedData", "False").lower() == "true":
        have = _inflated_size(where, start, expected)
    else:
        have = where.stat().st_size - start
    if have < expected and fields.get("BinaryData", "True").lower() == "true":
        raise damaged_error(path, f"holds {have} bytes of voxels where its header promises {expected}")
    return files


def _inflated_size(path: Path, start: int, enough: int) -> int:
    """How many bytes a zlib stream gives, counted up to `enough`; 0 if it is corrupt.

    The MetaImage reader prints what it finds wrong to the error stream, so it shall never see it.
    """
    stream = zlib.decompressobj()
    size = 0
    with path.open("rb") as file:
        file.seek(start)
        while size < enough and (part := stream.unconsumed_tail or file.read(1 << 20)):
            try:
                size += len(stream.decompress(part, 1 << 24))
            except zlib.error:
                return 0
            if stream.eof:
                break
    return size


def _existing(path: Path, name: str) -> tuple[Path, ...]:
    if name.upper().startswith("LIST") or "%" in name:  # one file a slice; ITK checks these itself
        return ()
    file = path.parent / name
    if not file.is_file():
        msg = f"{path} is a header only, and {name} with its voxels is missing; put it into the same folder."
        raise BadInputError(msg)
    return (file,)


def write_itk(volume: Volume, path: Path, *, for_keeping: bool = True) -> int:
    """Write NRRD or MetaImage; the ending of `path` decides which.

    Parameters
    ----------
    volume, path : what to write, and where.
    for_keeping : compress it and say that QuietVoxel made it; False for what another process reads at once.

    Returns
    -------
    How many voxels were clipped to the range of the stored type.
    """
    dtype, slope, intercept = storage_of(volume, can_rescale=False)
    stored, clipped = stored_values(volume.data, dtype, slope, intercept)
    with quiet_itk() as sitk:
        image = sitk.GetImageFromArray(np.ascontiguousarray(stored))
        image.SetSpacing(volume.geometry.spacing)
        image.SetOrigin(volume.geometry.origin)
        image.SetDirection(volume.geometry.direction)
        made_by_us = for_keeping or volume.source.derived_by_us
        text = marker_text(volume, with_window=True) if made_by_us else handed_over_text(volume)
        image.SetMetaData(KEY, text)
        sitk.WriteImage(image, str(path), useCompression=for_keeping, compressionLevel=4)
    return clipped
