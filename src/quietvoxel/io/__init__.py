"""Volumes from and to files: NIfTI, NRRD, MetaImage, and DICOM for reading."""

from quietvoxel.io.dicom_series import Series, list_series
from quietvoxel.io.read import parse_modality, read
from quietvoxel.io.write import WRITABLE, WriteReport, check_output, write

__all__ = [
    "WRITABLE",
    "Series",
    "WriteReport",
    "check_output",
    "list_series",
    "parse_modality",
    "read",
    "write",
]
