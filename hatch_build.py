"""Carry the root's napari.yaml into the package, for wheels and for editable installs alike.

A wheel gets a copy. An editable install has no place of its own for it, so a link appears beside the modules
(or a copy where links are not allowed, as on some Windows machines); git ignores it.
"""

import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MANIFEST = "napari.yaml"
PACKAGE = "src/quietvoxel"


class NapariManifestHook(BuildHookInterface):
    """Hatchling calls this before it collects the files of a build."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the manifest to the build."""
        if self.target_name != "wheel":
            return
        if version == "editable":
            _place_beside_modules(Path(self.root))
        else:
            build_data["force_include"][MANIFEST] = f"quietvoxel/{MANIFEST}"


def _place_beside_modules(root: Path) -> None:
    place = root / PACKAGE / MANIFEST
    place.unlink(missing_ok=True)
    try:
        place.symlink_to(Path("..", "..", MANIFEST))
    except OSError:
        shutil.copyfile(root / MANIFEST, place)
