"""Read an image from whatever it is stored in, check it, and say what the user has to know about it."""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import replace
from pathlib import Path

from quietvoxel.errors import BadInputError
from quietvoxel.io.checks import check_size, check_values, damaged_error
from quietvoxel.io.dicom_files import read_dicom_file, read_dicom_folder
from quietvoxel.io.dicom_headers import looks_like_dicom
from quietvoxel.io.itk_files import read_itk
from quietvoxel.io.marker import DERIVED_NOTE
from quietvoxel.io.modality_guess import guess_modality
from quietvoxel.io.nifti_files import open_maybe_gzip, read_nifti
from quietvoxel.io.nifti_header import parse_header
from quietvoxel.io.orthogonality import shear_note
from quietvoxel.volume import Modality, Volume

_SNIFFED = 4096


def read(
    path: str | Path,
    *,
    series: str | None = None,
    frame: int | None = None,
    modality: str | None = None,
    fill_nonfinite: float | None = None,
) -> Volume:
    """Read a volume from a NIfTI, NRRD, MetaImage or DICOM file, or from a folder of DICOM files.

    Parameters
    ----------
    path : the file or folder. Its content decides the format, not its name.
    series : which series of a DICOM folder: a series number, a UID or the unique beginning or end of one, a
        file name, or "#2" for the second of the list that the error shows.
    frame : which volume of a 4-D file, from 0.
    modality : "CT", "MR" or "OTHER"; goes before what the file says.
    fill_nonfinite : replaces NaN and infinity, which are refused otherwise.

    Returns
    -------
    Volume
        In HU or magnitude, in the stored type where that is exact. `source.notes` has sentences to show.

    Raises
    ------
    BadInputError
        If there is no such file, it is damaged, not an image, coloured, 4-D without a frame, empty, constant,
        too small, has voxels that are not finite, or the folder has several series.
    """
    path = Path(path)
    wanted = parse_modality(modality) if modality is not None else None
    try:
        volume = _read_any(path, series, frame)
    except OSError as error:
        msg = f"{path} cannot be read ({error.strerror or error}); check the file and your rights to it."
        raise BadInputError(msg) from error
    except MemoryError as error:
        msg = f"{path} does not fit into memory; crop it or use a machine with more memory."
        raise BadInputError(msg) from error
    check_size(path, volume.shape)
    data, replaced = check_values(path, volume.data, fill_nonfinite)
    notes = list(volume.source.notes)
    if replaced:
        notes.append(f"{replaced} voxels were NaN or infinite and became {fill_nonfinite:g}.")
    if not any("shear" in note for note in notes):
        notes += shear_note(volume.geometry)
    found, said = volume.modality, volume.source.metadata.get("modality_tag", "")
    if wanted is not None:
        if (said or found is not Modality.OTHER) and wanted is not found:
            notes.append(f"The file says {said or found}; it was taken as {wanted}, as asked for.")
        found = wanted
    elif found is Modality.OTHER and not said:
        found, reason = guess_modality(data)
        notes.append(f"No modality in the file; taken as {found} because {reason}.")
    if volume.source.derived_by_us:
        notes.append(DERIVED_NOTE)
    return Volume(data, volume.geometry, found, replace(volume.source, notes=tuple(notes)))


def parse_modality(text: str) -> Modality:
    """Find the modality of that name, in upper or lower case.

    Raises
    ------
    BadInputError
        If there is none.
    """
    try:
        return Modality(text.strip().upper())
    except ValueError:
        msg = f"{text!r} is no modality; choose one of {', '.join(Modality)}."
        raise BadInputError(msg) from None


def _read_any(path: Path, series: str | None, frame: int | None) -> Volume:
    if not path.exists():
        msg = f"{path} does not exist; check the name."
        raise BadInputError(msg)
    if path.is_dir():
        return read_dicom_folder(path, series, frame)
    if series is not None:
        msg = f"{path} is one file, and series={series} picks from a folder; leave it out or give the folder."
        raise BadInputError(msg)
    if path.stat().st_size == 0:
        msg = f"{path} is an empty file; copy or export it again."
        raise BadInputError(msg)
    header = _header_of_pair(path)
    kind = file_kind(header)
    if kind == "nifti":
        volume = read_nifti(header, frame)
        if header == path:
            return volume
        files = {**volume.source.metadata, "data_files": (path,)}
        return replace(volume, source=replace(volume.source, metadata=files))
    if kind in ("nrrd", "metaimage"):
        return read_itk(path, kind, frame)
    if kind == "dicom":
        return read_dicom_file(path, frame)
    msg = f"{path} is no NIfTI, NRRD, MetaImage or DICOM image; convert it to one of these."
    raise BadInputError(msg)


def file_kind(path: Path) -> str:
    """Tell what a file is by its content: "nifti", "nrrd", "metaimage", "dicom" or "".

    Raises
    ------
    BadInputError
        If the file is compressed and its compression is broken.
    """
    try:
        with open_maybe_gzip(path) as file:
            head = file.read(_SNIFFED)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise damaged_error(path, "ends too early or its compressed data are corrupt") from error
    if parse_header(head) is not None:
        return "nifti"
    if head.startswith(b"NRRD0"):
        return "nrrd"
    if re.match(rb"\s*(ObjectType|NDims|Comment)\s*=", head):
        return "metaimage"
    if looks_like_dicom(head):
        return "dicom"
    if path.name.lower().endswith((".nii", ".nii.gz", ".mha", ".mhd", ".nrrd", ".nhdr")):
        raise damaged_error(path, f"does not begin as a {path.suffix.lstrip('.')} file does")
    return ""


def _header_of_pair(path: Path) -> Path:
    """For the voxel file of a NIfTI pair its header, else the file itself."""
    name = path.name
    for ending, other in ((".img.gz", ".hdr"), (".img", ".hdr"), (".img.gz", ".hdr.gz")):
        header = path.with_name(name[: -len(ending)] + other)
        if name.lower().endswith(ending) and header.is_file():
            return header
    return path
