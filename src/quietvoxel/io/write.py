"""Write a volume to a file: made complete beside its place first, then renamed into it."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from quietvoxel.errors import BadInputError, QuietVoxelError
from quietvoxel.io.itk_files import write_itk
from quietvoxel.io.nifti_files import write_nifti

if TYPE_CHECKING:
    from quietvoxel.volume import Volume

WRITABLE = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
"""File name endings that `write` knows."""


@dataclass(frozen=True)
class WriteReport:
    """What was written.

    Attributes
    ----------
    path : the file.
    clipped : voxels whose value the stored type could not hold.
    """

    path: Path
    clipped: int


def write(volume: Volume, path: str | Path, *, overwrite: bool = False) -> WriteReport:
    """Write a volume as NIfTI, NRRD or MetaImage, in the stored type of its source.

    Values are rounded to the nearest stored one. The file says that QuietVoxel made it. It appears under its
    name only when it is complete.

    Parameters
    ----------
    volume : what to write.
    path : the new file; its ending (one of `WRITABLE`) decides the format.
    overwrite : replace an existing file. The file that the volume was read from is never replaced.

    Raises
    ------
    BadInputError
        If the ending is unknown, the folder is missing or not writable, the file exists or is the input, or
        the volume has voxels that are not finite.
    QuietVoxelError
        If the disk refuses, for instance because it is full.
    """
    path = Path(path)
    check_output(path, volume, overwrite=overwrite)
    if volume.data.dtype.kind == "f" and not np.isfinite(volume.data).all():
        msg = f"The volume for {path} has voxels that are NaN or infinite; nothing was written."
        raise BadInputError(msg)
    try:
        # A folder of its own: formats with a data file beside the header name that file in the header.
        with tempfile.TemporaryDirectory(prefix=".quietvoxel-", dir=path.parent) as folder:
            made = Path(folder) / path.name
            nifti = path.name.lower().endswith((".nii", ".nii.gz"))
            clipped = write_nifti(volume, made) if nifti else write_itk(volume, made)
            parts = sorted(Path(folder).iterdir(), key=lambda p: p == made)  # the header last
            for part in parts:
                check_output(path.parent / part.name, volume, overwrite=overwrite, side=part != made)
            for part in parts:
                os.replace(part, path.parent / part.name)  # noqa: PTH105 - the atomic one, said by its name
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "the image library failed"
        msg = f"{path} could not be written ({reason}); choose another folder or free some space."
        kind = BadInputError if isinstance(error, PermissionError) else QuietVoxelError
        raise kind(msg) from error
    return WriteReport(path, clipped)


def check_output(
    path: Path, volume: Volume | None = None, *, overwrite: bool = False, side: bool = False
) -> None:
    """Refuse an output before any work is done for it.

    Parameters
    ----------
    path : the file to be made.
    volume : what would be written; its source is protected.
    overwrite : whether an existing file may be replaced.
    side : the file is the data file of a header, its ending is not looked at.

    Raises
    ------
    BadInputError
        If the file cannot or must not be written.
    """
    if not side and not path.name.lower().endswith(WRITABLE):
        msg = f"{path} cannot be written: its ending is none of {', '.join(WRITABLE)}; choose one of these."
        raise BadInputError(msg)
    if not path.parent.is_dir():
        msg = f"{path} cannot be written because the folder {path.parent} does not exist; create it first."
        raise BadInputError(msg)
    if path.is_dir():
        msg = f"{path} is a folder; give the name of a file."
        raise BadInputError(msg)
    source = volume.source if volume is not None else None
    if source is not None and source.path is not None and path.exists():
        for read in (source.path, *source.metadata.get("data_files", ())):
            if Path(read).exists() and path.samefile(read):
                msg = f"{path} is the original that was read, which is never replaced; choose another name."
                raise BadInputError(msg)
    if not overwrite and (path.exists() or path.is_symlink()):
        msg = f"{path} exists already; choose another name or allow overwrite (--overwrite)."
        raise BadInputError(msg)
