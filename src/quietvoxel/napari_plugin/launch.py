"""Open napari with volumes and the docks arranged: what `quietvoxel view` and the demonstration show."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import napari
from npe2 import PluginManager
from qtpy.QtCore import QEventLoop
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QApplication

from quietvoxel.napari_plugin.adapter import add_volume
from quietvoxel.napari_plugin.reading import Questions, read_volumes, say_notes
from quietvoxel.napari_plugin.view_bar import show_view_bar
from quietvoxel.volume import Volume

PLUGIN = "quietvoxel"
RIGHT = ("Denoise", "Compare", "Simulate", "Train")
"""Docks on the right, one behind the other; the first is in front."""
LARGEST = (1700, 1050)
"""Pixels of the window, where the screen has them."""


def choose_volumes(study: Path) -> list[tuple[str, Volume]]:
    """Read a study for the viewer; where it holds several series or volumes, a dialog asks which.

    Returns
    -------
    A name and a volume for each, nothing after Cancel.

    Raises
    ------
    QuietVoxelError
        If the study cannot be read.
    """
    from napari.qt import get_qapp

    get_qapp()  # dialogs need the application, and no window is open yet
    return read_volumes(str(study), Questions())


def open_viewer(volumes: Sequence[tuple[str, Volume]]) -> Any:
    """Open a viewer with volumes and docks; the caller runs the event loop (``napari.run()``)."""
    viewer = napari.Viewer(title="QuietVoxel", show_welcome_screen=not volumes)
    screen = QGuiApplication.primaryScreen().availableSize()
    viewer.window.resize(min(LARGEST[0], screen.width()), min(LARGEST[1], screen.height()))
    show_view_bar(viewer)
    arrange_docks(viewer)
    # The canvas gets its size before the first volume is fitted into it; a click on "close" waits until it is there.
    QApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
    for name, volume in volumes:
        add_volume(viewer, volume, name)
        say_notes(name, volume)
    return viewer


def arrange_docks(viewer: Any) -> None:
    """Open the plugin's docks on the right, as tabs."""
    front = None
    for name in RIGHT:
        if name in plugin_widgets():
            dock, _ = viewer.window.add_plugin_dock_widget(PLUGIN, name, tabify=front is not None)
            front = front or dock
    if front is not None:
        front.show()
        front.raise_()


def plugin_widgets() -> tuple[str, ...]:
    """Names of the docks that the installed plugin has."""
    try:
        manifest = PluginManager.instance().get_manifest(PLUGIN)
    except KeyError:  # on the path, but not installed: napari knows no plugin
        return ()
    return tuple(widget.display_name for widget in manifest.contributions.widgets or ())


def show_volumes(volumes: Sequence[tuple[str, Volume]]) -> None:
    """Open napari with volumes; returns when its window is closed."""
    open_viewer(volumes)
    napari.run()


def open_before_after(name: str, before: Volume, after: Volume, engine: str) -> Any:
    """Open a viewer with a volume and its denoised version side by side in the Compare dock."""
    from quietvoxel.napari_plugin.compare_dock import open_compare

    viewer = open_viewer([(name, before), (f"{name} [{engine}]", after)])
    left, right = viewer.layers[:2]
    right.contrast_limits = left.contrast_limits
    open_compare(viewer, [left, right])
    return viewer


def show_before_after(name: str, before: Volume, after: Volume, engine: str) -> None:
    """Open napari with a volume and its denoised version; returns when its window is closed."""
    open_before_after(name, before, after, engine)
    napari.run()
