"""What could be trained on: every image file and DICOM series in the files and folders that the user names."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from quietvoxel.errors import BadInputError
from quietvoxel.io import list_series, read
from quietvoxel.training.prepare import IMAGE_ENDINGS
from quietvoxel.volume import Modality

if TYPE_CHECKING:
    from collections.abc import Iterable

    from quietvoxel.io import Series
    from quietvoxel.volume import Volume


@dataclass(frozen=True)
class Candidate:
    """One file or series that may turn out to be a reference.

    Attributes
    ----------
    number : from 1, in the order in which it was found. Whatever is written names it by this number alone: paths and
        names of files tell who was scanned.
    path : the file, or the folder of the series.
    series : UID of the series, or "#" and its place in the folder; None for a file, and where there is but one.
    """

    number: int
    path: Path
    series: str | None = None

    def read(self, modality: str | None = None) -> Volume:
        """Read it.

        Raises
        ------
        BadInputError
            If it is damaged, empty or no image.
        """
        return read(self.path, series=self.series, modality=modality)


@dataclass(frozen=True, eq=False)
class ShownVolume:
    """A volume that a viewer shows, looked at as a file would be.

    Attributes
    ----------
    number : as of a file.
    name : of its layer, for the user's eyes only.
    volume : itself.
    """

    number: int
    name: str
    volume: Volume

    @property
    def path(self) -> Path:
        """Its name, in place of a file's."""
        return Path(self.name)

    def read(self, modality: str | None = None) -> Volume:
        """Give it; a modality that is stated goes before the one it has."""
        return self.volume if modality is None else replace(self.volume, modality=Modality(modality))


def find_candidates(paths: Iterable[Path]) -> list[Candidate]:
    """Find the image files and DICOM series in files and folders, in a fixed order, each once.

    Raises
    ------
    BadInputError
        If a path does not exist, or nothing that could be an image is found.
    """
    found: dict[tuple[Path, str | None], None] = {}
    given = [Path(path) for path in paths]
    for path in given:
        if not path.exists():
            msg = f"{path} does not exist; check the name."
            raise BadInputError(msg)
        places = _in_folder(path) if path.is_dir() else [(path, None)]
        for place, series in places:
            found.setdefault((place.resolve(), series))
    if not found:
        names = ", ".join(map(str, given)) or "Nothing"
        msg = f"{names} holds no NIfTI, NRRD, MetaImage or DICOM image; give the files or folders of the references."
        raise BadInputError(msg)
    return [Candidate(number, path, series) for number, (path, series) in enumerate(found, 1)]


def _in_folder(folder: Path) -> list[tuple[Path, str | None]]:
    files: list[tuple[Path, str | None]] = []
    for root, folders, names in os.walk(folder):
        folders.sort()
        files += [(Path(root) / name, None) for name in sorted(names) if name.lower().endswith(IMAGE_ENDINGS)]
    return files + _series_in(folder)


def _series_in(folder: Path) -> list[tuple[Path, str | None]]:
    """The series of a folder; one damaged file spoils only the folder in which it lies."""
    try:
        series = list_series(folder)
    except BadInputError:
        inner = sorted(path for path in folder.iterdir() if path.is_dir())
        # Read as a whole, the folder with the damaged file will say what is wrong with it.
        return [place for path in inner for place in _series_in(path)] or [(folder, None)]
    wanted = [(place, one) for place, one in enumerate(series, 1) if not (one.localizer or one.colour)]
    homes = [_home(one) for one in series]
    found: list[tuple[Path, str | None]] = []
    for place, one in wanted:
        home = homes[place - 1]
        neighbours = [
            other for other, at in zip(series, homes, strict=True) if at == home or home in at.parents
        ]
        if len(neighbours) == 1:
            found.append((home, None))
        elif one.uid and sum(other.uid == one.uid for other in series) == 1:
            found.append((home, one.uid))
        else:
            found.append((folder, f"#{place}"))
    return found


def _home(series: Series) -> Path:
    """The folder that holds all files of a series."""
    return Path(os.path.commonpath([one.path.parent for one in series.slices]))
