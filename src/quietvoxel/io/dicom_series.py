"""Which image series a folder holds, and which of them is meant."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from quietvoxel.errors import BadInputError
from quietvoxel.io.dicom_headers import (
    Slice,
    are_parallel,
    derivation_text,
    forgiving,
    is_cine,
    is_colour,
    is_localizer,
    is_mosaic,
    read_header,
    slices_of,
)

if TYPE_CHECKING:
    from pydicom import Dataset

_LISTED = 12


@dataclass(frozen=True)
class Series:
    """Slices of one series, orientation and size: what can be read as one volume.

    Attributes
    ----------
    uid, number, description, modality : of the series, "" where the files do not say.
    rows, columns : pixels.
    slices : in the order of the files.
    localizer, colour, mosaic, cine : what is special about the images.
    derivation : the text in which software that made the images names itself.
    padding : stored value outside the field of view, or None.
    """

    uid: str
    number: str
    description: str
    modality: str
    rows: int
    columns: int
    slices: tuple[Slice, ...] = field(repr=False)
    localizer: bool = False
    colour: bool = False
    mosaic: bool = False
    cine: bool = False
    derivation: str = ""
    padding: int | None = None

    def describe(self) -> str:
        """One line to choose by, such as ``series 3 "Chest 1.0" CT 120 x 512 x 512, UID ...10286``."""
        name = f"series {self.number}" if self.number else "series without number"
        if self.description:
            name += f' "{self.description}"'
        count = len(self.slices)
        size = f"{self.columns} x {self.rows}, {count} {'image' if count == 1 else 'images'}"
        files = {s.path for s in self.slices}
        file = f", file {next(iter(files)).name}" if len(files) == 1 else ""
        kind = " localizer" if self.localizer else " colour" if self.colour else ""
        uid = f", UID ...{self.uid[-12:]}" if self.uid else ""
        return f"{name}, {self.modality or 'unknown modality'}{kind} {size}{file}{uid}"


def list_series(folder: str | Path) -> list[Series]:
    """Find all image series of a folder and the folders in it, localizers included.

    Files that are no DICOM images are passed over. A series whose images differ in size or orientation is
    given as several, and each multi-frame file is one of its own.

    Raises
    ------
    BadInputError
        If a DICOM file is damaged.
    """
    found: list[tuple[Series, Slice]] = []
    parts: list[list[Slice]] = []
    for path in _files(Path(folder)):
        header = read_header(path)
        if header is None:
            continue
        one = series_of(header, path)
        for k, (other, first) in enumerate(found):
            if _belongs(one, other, first):
                parts[k].extend(one.slices)
                break
        else:
            found.append((one, one.slices[0]))
            parts.append(list(one.slices))
    series = [_with_slices(one, slices) for (one, _), slices in zip(found, parts, strict=True)]
    return sorted(
        series, key=lambda s: (s.localizer, not s.number.isdigit(), s.number.zfill(9), s.description)
    )


def series_of(header: Dataset, path: Path) -> Series:
    """Take one file as a series of its own.

    Raises
    ------
    BadInputError
        If a value in the header cannot be interpreted.
    """
    with forgiving(path):
        padding = header.get("PixelPaddingValue")
        number = header.get("SeriesNumber")
        return Series(
            uid=str(header.get("SeriesInstanceUID", "") or ""),
            number=str(number) if number is not None else "",
            description=str(header.get("SeriesDescription", "") or "").strip(),
            modality=str(header.get("Modality", "") or ""),
            rows=int(header.Rows),
            columns=int(header.Columns),
            slices=tuple(slices_of(header, path)),
            localizer=is_localizer(header),
            colour=is_colour(header),
            mosaic=is_mosaic(header),
            cine=is_cine(header),
            derivation=derivation_text(header),
            padding=int(padding) if isinstance(padding, int) else None,
        )


def choose(series: list[Series], wanted: str | None, folder: Path) -> tuple[Series, list[str]]:
    """Find the series that is meant, and say what was passed over.

    Parameters
    ----------
    series : as `list_series` gives them.
    wanted : a series number, a UID or a unique beginning or end of one, a file name, "#" and a place in the
        list; None takes the only one that is no localizer.
    folder : for messages.

    Raises
    ------
    BadInputError
        If there is no series, none or several fit, or several could be meant.
    """
    if not series:
        msg = (
            f"{folder} holds no DICOM image; give a folder with a DICOM series or the name of an image file."
        )
        raise BadInputError(msg)
    if wanted is None:
        images = [s for s in series if not s.localizer]
        if len(images) == 1:
            passed = len(series) - 1
            return images[0], [f"{passed} localizer series in the folder were left out."] if passed else []
        if images:
            msg = (
                f"{folder} holds {len(images)} image series; pick one with series=... (--series), "
                f"by number, UID or #place: {_list(images)}."
            )
        else:
            msg = (
                f"{folder} holds localizers only; give the folder of the scan, or pick one of them with "
                f"series=... (--series): {_list(series)}."
            )
        raise BadInputError(msg)
    fitting = _fitting(series, wanted.strip())
    if len(fitting) == 1:
        return fitting[0], []
    which = f"fits {len(fitting)} of its series" if fitting else "fits none of its series"
    msg = f"{folder}: {wanted!r} {which}; pick one of them: {_list(series)}."
    raise BadInputError(msg)


def _fitting(series: list[Series], wanted: str) -> list[Series]:
    if wanted.startswith("#") and wanted[1:].isdigit():
        k = int(wanted[1:])
        return series[k - 1 : k] if k else []
    tests = (
        lambda s: s.number == wanted,
        lambda s: s.uid == wanted,
        lambda s: {p.path.name for p in s.slices} == {wanted},
        lambda s: bool(wanted) and (s.uid.startswith(wanted) or s.uid.endswith(wanted)),
    )
    for test in tests:  # the more exact test wins
        fitting = [s for s in series if test(s)]
        if fitting:
            return fitting
    return []


def _list(series: list[Series]) -> str:
    lines = [f"#{k} {one.describe()}" for k, one in enumerate(series[:_LISTED], 1)]
    if len(series) > _LISTED:
        lines.append(f"and {len(series) - _LISTED} more")
    return "; ".join(lines)


def _files(folder: Path) -> list[Path]:
    found = []
    for root, folders, names in os.walk(folder):
        folders.sort()
        found += [Path(root) / name for name in sorted(names) if name != "DICOMDIR"]
    return found


def _belongs(one: Series, other: Series, first: Slice) -> bool:
    """Whether a file continues a series: same identity, size and pixels, parallel, not multi-frame."""
    mine = one.slices[0]
    if one.slices[-1].frame or other.slices[-1].frame:
        return False
    if (one.uid, one.number, one.rows, one.columns, one.localizer, one.colour) != (
        other.uid, other.number, other.rows, other.columns, other.localizer, other.colour,
    ):  # fmt: skip
        return False
    if not one.uid and mine.path.parent != first.path.parent:
        return False
    return are_parallel(mine, first) and np.allclose(mine.spacing, first.spacing, rtol=1e-3)


def _with_slices(one: Series, slices: list[Slice]) -> Series:
    return replace(one, slices=tuple(slices))
