"""A CT or MR volume in memory: voxels, where they lie in the patient, and what is needed to write them back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class Modality(StrEnum):
    """What the voxel values mean: HU for CT, an arbitrary magnitude for MR."""

    CT = "CT"
    MR = "MR"
    OTHER = "OTHER"


@dataclass(frozen=True)
class Geometry:
    """Where the voxels lie, in the patient's LPS millimetres, axes in ITK's order (x, y, z).

    Attributes
    ----------
    spacing : (3,) float, mm between voxel centres along i, j, k.
    origin : (3,) float, mm, the centre of the first voxel.
    direction : 3 x 3 row-major float, column c is the unit vector of voxel axis c.
    """

    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

    @property
    def spacing_zyx(self) -> tuple[float, float, float]:
        """Millimetres between voxel centres along the array axes (z, y, x)."""
        x, y, z = self.spacing
        return (z, y, x)


@dataclass(frozen=True)
class Source:
    """Where a volume came from and how it was stored there.

    Attributes
    ----------
    path : the file or folder read, or None for a volume made in memory.
    format : "nifti", "nrrd", "metaimage", "dicom" or "memory".
    series_uid : DICOM series instance UID, or "".
    stored_dtype : numpy name of the type on disk, such as "int16"; written back in it.
    slope, intercept : value = slope * stored + intercept.
    window, level : display window of the file in the volume's units, or None.
    derived_by_us : the file says that QuietVoxel made it.
    notes : sentences that have to be said to the user (tilt, uneven steps, a guessed modality).
    metadata : what else a writer wants to carry over; never patient data.
    """

    path: Path | None = None
    format: str = "memory"
    series_uid: str = ""
    stored_dtype: str = "float32"
    slope: float = 1.0
    intercept: float = 0.0
    window: float | None = None
    level: float | None = None
    derived_by_us: bool = False
    notes: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Volume:
    """A 3-D image: `data` (z, y, x) in HU or MR magnitude, float32 or the source's integer type."""

    data: NDArray[Any]
    geometry: Geometry = field(default_factory=Geometry)
    modality: Modality = Modality.OTHER
    source: Source = field(default_factory=Source)

    def __post_init__(self) -> None:
        if self.data.ndim != 3:
            msg = f"A volume has three axes (z, y, x), this array has {self.data.ndim}."
            raise ValueError(msg)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels (z, y, x)."""
        z, y, x = self.data.shape
        return (z, y, x)

    def as_float32(self) -> NDArray[np.float32]:
        """The voxels as float32; the same array when they are already."""
        return np.asarray(self.data, dtype=np.float32)

    def with_data(self, data: NDArray[Any]) -> Volume:
        """The same place and source with other voxels."""
        return replace(self, data=data)
