"""The last settings, kept in a small file of their own: engine, model, controls. Nothing about any patient."""

import json
import logging
import os
from pathlib import Path
from typing import Any

LOG = logging.getLogger(__name__)


def settings_file() -> Path:
    """Where they are: `QUIETVOXEL_HOME/docks.json`, or the platform's folder for settings."""
    home = os.environ.get("QUIETVOXEL_HOME")
    if home:
        return Path(home) / "docks.json"
    from platformdirs import user_config_path

    return user_config_path("quietvoxel", appauthor=False) / "docks.json"


def recall(dock: str) -> dict[str, Any]:
    """What a dock remembered; nothing where the file is missing or damaged."""
    kept = _read().get(dock)
    return kept if isinstance(kept, dict) else {}


def remember(dock: str, settings: dict[str, Any]) -> None:
    """Keep a dock's settings; where the disk refuses, they are forgotten."""
    path = settings_file()
    everything = _read() | {dock: settings}
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(everything, indent=2) + "\n", "utf-8")
        partial.replace(path)
    except OSError as error:
        LOG.warning("the docks' settings were not kept: %s", error.strerror)
        partial.unlink(missing_ok=True)


def _read() -> dict[str, Any]:
    try:
        kept = json.loads(settings_file().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}
