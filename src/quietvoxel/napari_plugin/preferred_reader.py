"""Opt-in: what is dropped on napari is opened by QuietVoxel without asking which plugin shall do it.

napari's own reader takes the same files and folders, and loses their millimetres; so napari asks at each drop.
"""

from typing import Any

from napari.settings import get_plugin_settings, get_settings

PLUGIN = "quietvoxel"
PATTERNS = ("*/", "*.nii", "*.nii.gz", "*.nrrd", "*.mha", "*.mhd", "*.dcm")
"""As napari's preferences write them; "*/" is any folder. One that holds no DICOM still goes to the others."""


def prefer_our_reader(on: bool) -> None:
    """Take the patterns for us, or give back those that are ours; choices of other plugins stay."""
    settings = get_settings().plugins
    chosen = dict(settings.extension2reader)
    for pattern in PATTERNS:
        if on:
            chosen.setdefault(pattern, PLUGIN)
        elif chosen.get(pattern) == PLUGIN:
            del chosen[pattern]
    if chosen != settings.extension2reader:
        settings.extension2reader = chosen  # a new dict: napari notices assignments only


def follow_preference() -> None:
    """Do what Preferences > QuietVoxel says about opening, now and whenever it is changed there."""
    try:
        opening: Any = get_plugin_settings(PLUGIN).opening
    except (KeyError, AttributeError):  # on the path, but not installed: there is no such preference
        return
    opening.events.without_asking.connect(_changed)  # a second time changes nothing
    if opening.without_asking:
        prefer_our_reader(True)


def _changed(event: Any) -> None:
    prefer_our_reader(bool(event.value))
