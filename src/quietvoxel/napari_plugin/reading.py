"""The npe2 reader: files and DICOM folders as layers; with a window there are questions and sentences."""

import re
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import napari
from napari.utils.notifications import show_error, show_info

from quietvoxel.errors import BadInputError, QuietVoxelError
from quietvoxel.io import list_series, read
from quietvoxel.io.dicom_headers import looks_like_dicom, read_header
from quietvoxel.napari_plugin.adapter import layer_data
from quietvoxel.napari_plugin.orientation import oblique_note
from quietvoxel.napari_plugin.preferred_reader import follow_preference
from quietvoxel.volume import Volume

LayerTuple = tuple[Any, dict[str, Any], str]
NOTHING: list[Any] = [(None,)]
"""What napari takes for "the reader was there, and there is no layer"."""

_LOOKED_AT = 200  # files of a folder, to see whether it is one of ours
_ENDINGS = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm", ".hdr", ".img.gz", ".img")


def get_reader(path: str | list[str]) -> Callable[[Any], list[Any]] | None:
    """Give the function that reads a path, or None where there is nothing for us.

    Parameters
    ----------
    path : a file, a folder, or several DICOM files to be stacked.
    """
    first = Path(path[0] if isinstance(path, list) else path)
    if first.is_dir() and not _holds_dicom(first):
        return None
    return read_layers


def read_layers(path: str | list[str]) -> list[Any]:
    """Read layers from a path; what napari calls.

    With a window open, a folder with several series and a 4-D file are asked about, and an error is shown as its
    one sentence. Without one, each of these raises.

    Raises
    ------
    QuietVoxelError
        If no window is open and the path cannot be read.
    """
    viewer = napari.current_viewer()
    if viewer is None:
        return [_layer(name, volume) for name, volume in read_volumes(path)]
    from quietvoxel.napari_plugin.view_bar import show_view_bar

    follow_preference()
    try:
        found = read_volumes(path, Questions())
    except QuietVoxelError as error:
        # An exception would reach the user as "plugin failed", without the sentence.
        show_error(str(error))
        return NOTHING
    if not found:
        return NOTHING
    for name, volume in found:
        say_notes(name, volume)
    show_view_bar(viewer)
    return [_layer(name, volume) for name, volume in found]


class Questions:
    """Ask the user on the screen; the window that is in front is the parent."""

    def series(self, series: list[Any], folder: str) -> list[int]:
        """Which of several series."""
        from qtpy.QtWidgets import QApplication

        from quietvoxel.napari_plugin.series_dialog import ask_series

        return ask_series(series, folder, QApplication.activeWindow())

    def frame(self, name: str, count: int) -> int | None:
        """Which volume of a 4-D file."""
        from qtpy.QtWidgets import QApplication

        from quietvoxel.napari_plugin.series_dialog import ask_frame

        return ask_frame(name, count, QApplication.activeWindow())


def read_volumes(path: str | list[str], questions: Questions | None = None) -> list[tuple[str, Volume]]:
    """Read the volumes of a path, with a name for each; nothing where the user said Cancel.

    Parameters
    ----------
    path : a file, a folder, or several DICOM files of one folder, which stand for their series.
    questions : asked where the path leaves something open; an error is raised there without.

    Raises
    ------
    QuietVoxelError
        If the path cannot be read.
    """
    if isinstance(path, list):
        return _read_stack([Path(p) for p in path], questions)
    place = Path(path)
    try:
        return _read_one(place, None, questions)
    except BadInputError:
        if questions is None or not place.is_dir():
            raise
        series = list_series(place)
        if len([s for s in series if not s.localizer]) < 2:
            raise
    found = []
    for k in questions.series(series, place.name):
        name = series[k].description or f"{place.name} series {series[k].number or k + 1}"
        found += [(name, volume) for _, volume in _read_one(place, f"#{k + 1}", questions)]
    return found


def notes_of(volume: Volume) -> tuple[str, ...]:
    """Sentences to show about a volume, the one about its direction included."""
    notes = volume.source.notes
    said = any(word in note for note in notes for word in ("tilted", "sheared"))
    oblique = "" if said else oblique_note(volume.geometry)
    return (*notes, oblique) if oblique else notes


def say_notes(name: str, volume: Volume) -> None:
    """Show the sentences about a volume for a moment; they stay in the View dock's tooltip."""
    if notes := notes_of(volume):
        show_info(f"{' '.join(notes)} ({name})")  # the name last: a long message is cut at its end


def name_of(path: Path) -> str:
    """Name for the layer of a file or folder: its own, without the ending."""
    name = path.name or str(path)
    ending = next((e for e in _ENDINGS if name.lower().endswith(e)), "")
    return name[: len(name) - len(ending)] or name


def _read_one(path: Path, series: str | None, questions: Questions | None) -> list[tuple[str, Volume]]:
    name = name_of(path)
    try:
        return [(name, read(path, series=series))]
    except BadInputError as error:
        count = _frames(error)
        if questions is None or count < 2:
            raise
    frame = questions.frame(name, count)
    return [] if frame is None else [(f"{name} {frame + 1}", read(path, series=series, frame=frame))]


def _read_stack(paths: list[Path], questions: Questions | None) -> list[tuple[str, Volume]]:
    """Several files dropped together: slices stand for their series, anything else is read one by one."""
    found, seen = [], set()
    for path in paths:
        header = read_header(path) if path.is_file() and _is_dicom(path) else None
        uid = str(header.get("SeriesInstanceUID", "")) if header is not None else ""
        if not uid or header is None or int(header.get("NumberOfFrames", 1) or 1) > 1:
            found += read_volumes(str(path), questions)
        elif (path.parent, uid) not in seen:
            seen.add((path.parent, uid))
            found += _read_one(path.parent, uid, questions)
    return found


def _layer(name: str, volume: Volume) -> LayerTuple:
    return layer_data(volume, name)


def _frames(error: BadInputError) -> int:
    """How many volumes a 4-D file holds, as the sentence says that refuses it; 0 for other errors."""
    found = re.search(r"is 4-D with (\d+)", str(error))
    return int(found[1]) if found else 0


def _holds_dicom(folder: Path) -> bool:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "DICOMDIR")
    return any(_is_dicom(path) for path in islice(files, _LOOKED_AT))


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return looks_like_dicom(file.read(4096))
    except OSError:
        return False
