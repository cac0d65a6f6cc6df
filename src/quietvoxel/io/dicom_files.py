"""Read a DICOM file or one series of a folder as a volume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.errors import BadInputError
from quietvoxel.io.checks import check_size, colour_error, damaged_error
from quietvoxel.io.dicom_headers import looks_like_dicom, read_header
from quietvoxel.io.dicom_pixels import stored_frames
from quietvoxel.io.dicom_series import Series, choose, list_series, series_of
from quietvoxel.io.marker import is_marked
from quietvoxel.io.stack import Stack, arrange
from quietvoxel.io.values import real_values
from quietvoxel.volume import Modality, Source, Volume

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def read_dicom_folder(folder: Path, wanted: str | None = None, frame: int | None = None) -> Volume:
    """Read one image series of a folder (see `dicom_series.choose` for `wanted`).

    Raises
    ------
    BadInputError
        If no or several series could be meant, or the series is no volume of grey values.
    """
    series, notes = choose(list_series(folder), wanted, folder)
    return _read(series, folder, frame, notes)


def read_dicom_file(path: Path, frame: int | None = None) -> Volume:
    """Read one file: a slice, or all frames of a multi-frame file.

    Raises
    ------
    BadInputError
        If the file is damaged, no image, coloured, or 4-D without a frame.
    """
    header = read_header(path)
    if header is None:
        msg = f"{path} is DICOM but holds no CT or MR image; choose an image file or its folder."
        raise BadInputError(msg)
    series = series_of(header, path)
    notes = []
    if series.localizer:
        notes.append("The image is a localizer.")
    if len(series.slices) == 1 and series.uid and _has_siblings(path):
        notes.append("One slice was read; give the folder instead of the file to read the whole series.")
    return _read(series, path, frame, notes)


def _read(series: Series, path: Path, frame: int | None, notes: list[str]) -> Volume:
    if series.colour:
        raise colour_error(path)
    if series.mosaic:
        msg = (
            f"{path} is a Siemens mosaic, many slices as tiles of one image; convert it with dcm2niix first."
        )
        raise BadInputError(msg)
    check_size(path, (len(series.slices), series.rows, series.columns))
    stack = arrange(series.slices, path, frame, cine=series.cine)
    data, stored_dtype, scaling = _voxels(stack, series)
    slope, intercept = scaling if scaling is not None else (1.0, 0.0)
    first = stack.slices[len(stack.slices) // 2]
    metadata: dict[str, Any] = {"modality_tag": series.modality}
    if stack.positions is not None:
        metadata["slice_positions"] = stack.positions
    if series.padding is not None and scaling is not None:
        # The tag is written as unsigned by some scanners that store signed pixels.
        stored = (
            int(np.int64(series.padding).astype(stored_dtype))
            if stored_dtype.kind in "iu"
            else series.padding
        )
        metadata["padding_value"] = slope * stored + intercept
    if scaling is None:
        metadata["slice_rescale"] = tuple((s.slope, s.intercept) for s in stack.slices)
    source = Source(
        path=path,
        format="dicom",
        series_uid=series.uid,
        stored_dtype=stored_dtype.name if scaling is not None else "float32",
        slope=slope,
        intercept=intercept,
        window=first.window,
        level=first.level,
        derived_by_us=is_marked(series.derivation),
        notes=(*notes, *stack.notes),
        metadata={**metadata, "data_files": tuple(sorted({s.path for s in series.slices}))},
    )
    known = Modality(series.modality) if series.modality in ("CT", "MR") else Modality.OTHER
    return Volume(data, stack.geometry, known, source)


def _voxels(stack: Stack, series: Series) -> tuple[NDArray[Any], np.dtype[Any], tuple[float, float] | None]:
    """Real values, the stored type, and slope and intercept if all slices share them."""
    shape = (len(stack.slices), series.rows, series.columns)
    scalings = {(s.slope, s.intercept) for s in stack.slices}
    shared = next(iter(scalings)) if len(scalings) == 1 else None
    out: NDArray[Any] | None = None
    stored_dtype = np.dtype("int16")
    decoded: tuple[Path | None, NDArray[Any]] = (None, np.empty(0))
    for z, one in enumerate(stack.slices):
        if decoded[0] != one.path:
            decoded = (one.path, stored_frames(one.path))
        frame = decoded[1][one.frame]
        if frame.shape != shape[1:]:
            raise damaged_error(one.path, "has another size than its header says")
        if out is None:
            stored_dtype = frame.dtype.newbyteorder("=")
            out = np.empty(shape, stored_dtype if shared else np.float32)
        if shared and frame.dtype.newbyteorder("=") != stored_dtype:
            # Some exports mix signed and unsigned slices: go on in a type that holds both.
            stored_dtype = np.promote_types(stored_dtype, frame.dtype)
            out = out.astype(stored_dtype)
        out[z] = frame if shared else frame.astype(np.float64) * one.slope + one.intercept
    if out is None:
        raise damaged_error(series.slices[0].path, "has no frames")
    return (real_values(out, *shared) if shared else out), stored_dtype, shared


def _has_siblings(path: Path) -> bool:
    """Whether another DICOM file lies beside this one (the first few tell)."""
    others = [p for p in sorted(path.parent.iterdir()) if p.is_file() and p != path][:3]
    for other in others:
        with other.open("rb") as file:
            if looks_like_dicom(file.read(132)):
                return True
    return False
