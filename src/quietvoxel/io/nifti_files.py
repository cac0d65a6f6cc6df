"""Read and write NIfTI (.nii, .nii.gz, and .hdr with .img for reading); the header is `nifti_header`'s."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from quietvoxel.errors import BadInputError
from quietvoxel.io.checks import check_size, colour_error, damaged_error, pick_frame
from quietvoxel.io.marker import is_marked, marked_modality, marker_text
from quietvoxel.io.nifti_header import (
    COLOUR_TYPES,
    DATATYPES,
    NIFTI1,
    NIFTI2,
    geometry_of,
    parse_header,
    set_geometry,
    voxel_type,
)
from quietvoxel.io.values import real_values, storage_of, stored_values
from quietvoxel.volume import Modality, Source, Volume

if TYPE_CHECKING:
    from io import BufferedReader
    from pathlib import Path

    from numpy.typing import NDArray

_GZIP_LEVEL = 4  # twice as fast as the default, and the noise in an image compresses little anyway
_VECTOR_INTENTS = range(1005, 1009)


def open_maybe_gzip(path: Path) -> BufferedReader | gzip.GzipFile:
    """Open for reading, decompressing when the content is gzip, whatever the name says."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.GzipFile(path, "rb") if packed else path.open("rb")


def read_nifti(path: Path, frame: int | None = None) -> Volume:
    """Read one 3-D image; its modality is OTHER unless QuietVoxel wrote the file.

    Parameters
    ----------
    path : the file; of a pair, the header.
    frame : which volume of a 4-D file, from 0.

    Raises
    ------
    BadInputError
        If the file is truncated, coloured, complex, empty, too small, or 4-D without a frame.
    """
    try:
        with open_maybe_gzip(path) as file:
            head = file.read(NIFTI2.itemsize)
            header = parse_header(head)
            if header is None:
                raise damaged_error(path, "ends within its header")
            if bytes(header["magic"])[:2] == b"ni":
                with open_maybe_gzip(_image_file(path)) as image:
                    return _read_voxels(path, header, image, frame)
            return _read_voxels(path, header, file, frame)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise damaged_error(path, "ends too early or its compressed data are corrupt") from error


def _image_file(path: Path) -> Path:
    stem = path.name[: path.name.lower().rindex(".hdr")] if ".hdr" in path.name.lower() else path.stem
    for name in (stem + ".img", stem + ".img.gz", stem + ".IMG"):
        if path.with_name(name).is_file():
            return path.with_name(name)
    msg = f"{path} is the header of a pair, and {stem}.img with its voxels is missing; put it beside."
    raise BadInputError(msg)


def _read_voxels(
    path: Path, header: np.void, file: BufferedReader | gzip.GzipFile, frame: int | None
) -> Volume:
    code = int(header["datatype"])
    if code in COLOUR_TYPES:
        raise colour_error(path)
    if code not in DATATYPES:
        msg = f"{path} stores values that are no CT or MR image (NIfTI data type {code}); convert it first."
        raise BadInputError(msg)
    dim = [int(n) for n in header["dim"]]
    if not 1 <= dim[0] <= 7 or any(n < 0 for n in dim[1 : dim[0] + 1]):
        raise damaged_error(path, "states impossible dimensions in its header")
    sides = dim[1 : dim[0] + 1] + [1] * (7 - dim[0])
    shape = (sides[2], sides[1], sides[0])
    if sides[4] == 3 and int(header["intent_code"]) in _VECTOR_INTENTS:
        msg = f"{path} holds a vector at each voxel (a deformation field), not an image; use the image."
        raise BadInputError(msg)
    check_size(path, shape)
    index = pick_frame(path, max(1, int(np.prod(sides[3:]))), frame)
    dtype = voxel_type(header)
    voxels = int(np.prod(shape))
    start = int(header["vox_offset"]) + index * voxels * dtype.itemsize
    stored = _read_array(path, file, start, shape, dtype)

    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if not (np.isfinite(slope) and np.isfinite(intercept)) or slope == 0:
        slope, intercept = 1.0, 0.0
    geometry, notes = geometry_of(header)
    text = bytes(header["descrip"]).decode("latin-1").strip("\0 ")
    low, high = float(header["cal_min"]), float(header["cal_max"])
    shown = np.isfinite(high - low) and high > low
    source = Source(
        path=path,
        format="nifti",
        stored_dtype=DATATYPES[code],
        slope=slope,
        intercept=intercept,
        window=high - low if shown else None,
        level=(high + low) / 2 if shown else None,
        derived_by_us=is_marked(text),
        notes=tuple(notes),
        metadata={"sform_code": max(int(header["sform_code"]), 0) or max(int(header["qform_code"]), 0)},
    )
    modality = marked_modality(text) or Modality.OTHER
    return Volume(real_values(stored, slope, intercept), geometry, modality, source)


def _read_array(
    path: Path, file: BufferedReader | gzip.GzipFile, start: int, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Read voxels straight into their array; the size is checked first where the file is not compressed."""
    missing = damaged_error(path, "ends before its last voxel")
    wanted = int(np.prod(shape)) * dtype.itemsize
    if not isinstance(file, gzip.GzipFile) and file.seek(0, 2) < start + wanted:
        raise missing
    file.seek(start)
    out = np.empty(shape, dtype)
    view = memoryview(cast("bytearray", out.reshape(-1).view(np.uint8)))
    done = 0
    while done < wanted:
        part = file.readinto(view[done : done + (1 << 26)])
        if not part:
            raise missing
        done += part
    return out.astype(dtype.newbyteorder("="), copy=False)


def write_nifti(volume: Volume, path: Path) -> int:
    """Write a NIfTI-1 file, compressed if the name ends in .gz.

    Returns
    -------
    How many voxels were clipped to the range of the stored type.
    """
    if max(volume.shape) > np.iinfo(np.int16).max:
        msg = f"{path} would need a side of over 32767 voxels, which NIfTI cannot hold; choose .nrrd."
        raise BadInputError(msg)
    dtype, slope, intercept = storage_of(volume, can_rescale=True)
    stored, clipped = stored_values(volume.data, dtype, slope, intercept)
    header = np.zeros((), NIFTI1.newbyteorder("<"))
    header["sizeof_hdr"] = NIFTI1.itemsize
    header["dim"] = [3, *reversed(volume.shape), 1, 1, 1, 1]
    header["datatype"] = next(code for code, name in DATATYPES.items() if name == dtype.name)
    header["bitpix"] = dtype.itemsize * 8
    header["pixdim"] = 1.0
    header["vox_offset"] = 352
    header["scl_slope"], header["scl_inter"] = slope, intercept
    header["xyzt_units"] = 2
    header["descrip"] = marker_text(volume, with_window=False).encode("ascii")
    window, level = volume.source.window, volume.source.level
    if window is not None and level is not None:
        header["cal_min"], header["cal_max"] = level - window / 2, level + window / 2
    header["magic"] = b"n+1"
    set_geometry(header, volume.geometry, int(volume.source.metadata.get("sform_code", 0)) or 1)
    with path.open("wb") as raw:
        # An empty name and no time: the same volume gives the same bytes.
        packed = path.name.lower().endswith(".gz")
        file = gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, mtime=0) if packed else raw
        file.write(header.tobytes() + b"\0\0\0\0")
        for values in stored:
            file.write(np.ascontiguousarray(values, dtype.newbyteorder("<")).data)
        if packed:
            file.close()
    return clipped
