"""`quietvoxel view [STUDY]`: napari with the docks arranged."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from quietvoxel.errors import CancelledError, QuietVoxelError

INSTALL_NAPARI = "pip install 'quietvoxel[napari,pyqt6]' adds it"


def view(
    study: Annotated[Path | None, Parameter(help="File or DICOM folder; none opens an empty viewer.")] = None,
    /,
    *,
    modality: Annotated[str | None, Parameter(help="CT or MR, where the file does not say.")] = None,
    series: Annotated[
        str | None, Parameter(help="Which series of a DICOM folder; asked when not given.")
    ] = None,
    frame: Annotated[
        int | None, Parameter(help="Which frame of a 4-D file, from 0; asked when not given.")
    ] = None,
) -> int:
    """Open a study in napari, ready to denoise and compare."""
    require_viewer()
    from quietvoxel.io import read
    from quietvoxel.napari_plugin.launch import choose_volumes, show_volumes
    from quietvoxel.napari_plugin.reading import name_of

    if study is None:
        volumes = []
    elif modality is None and series is None and frame is None:
        volumes = choose_volumes(study)
        if not volumes:
            msg = "Cancelled."
            raise CancelledError(msg)
    else:
        volumes = [(name_of(study), read(study, modality=modality, series=series, frame=frame))]
    show_volumes(volumes)
    return 0


def require_viewer() -> None:
    """Refuse to open a viewer where none can be.

    Raises
    ------
    QuietVoxelError
        If napari is not installed or there is no display.
    """
    if find_spec("napari") is None:
        msg = f"The viewer cannot open because napari is not installed; {INSTALL_NAPARI}."
        raise QuietVoxelError(msg)
    if not has_display():
        msg = "The viewer cannot open because there is no display; run it on a desktop, or use quietvoxel denoise."
        raise QuietVoxelError(msg)


def has_display() -> bool:
    """Whether windows can be opened here."""
    system: str = sys.platform
    if system in ("win32", "darwin"):
        return not os.environ.get("CI")
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
