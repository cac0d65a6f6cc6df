"""The line of text by which a file says that QuietVoxel made it, and in what units its values are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from quietvoxel.volume import Modality

if TYPE_CHECKING:
    from quietvoxel.volume import Volume

KEY = "QuietVoxel"
"""Metadata key in NRRD and MetaImage; in NIfTI the text is the description."""

HANDED_OVER = "handed over"
"""In place of our name, where we only carried a volume from one process to another."""

DERIVED_NOTE = "The file was made by QuietVoxel already: what it removes now comes on top of that."


def marker_text(volume: Volume, *, with_window: bool) -> str:
    """Say what is written into a header; under 80 characters without the window, as NIfTI needs.

    Parameters
    ----------
    volume : what is written.
    with_window : append the display window, for formats that have no field for it.
    """
    text = f"{KEY}; modality={volume.modality.value}; not for primary diagnosis"
    window, level = volume.source.window, volume.source.level
    if with_window and window is not None and level is not None:
        text += f"; window={window:g}; level={level:g}"
    return text


def handed_over_text(volume: Volume) -> str:
    """Say of what modality a volume is that goes from one process to another as it is."""
    return f"{HANDED_OVER}; modality={volume.modality.value}"


def is_marked(text: str) -> bool:
    """Whether a header text says that QuietVoxel made the file."""
    return KEY.casefold() in text.casefold()


def marked_modality(text: str) -> Modality | None:
    """Read the modality in a header text of ours, or None."""
    found = re.search(rf"(?:{KEY}|{HANDED_OVER});.*?modality=(\w+)", text)
    return Modality(found[1]) if found and found[1] in Modality.__members__ else None


def marked_window(text: str) -> tuple[float, float] | None:
    """Width and centre of the display window in a header text of ours, or None."""
    found = re.search(r"window=([-+.\deE]+); level=([-+.\deE]+)", text)
    try:
        return (float(found[1]), float(found[2])) if found else None
    except ValueError:
        return None
