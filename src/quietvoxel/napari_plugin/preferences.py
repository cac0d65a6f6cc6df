"""What the user set under Preferences > QuietVoxel (npe2 `configurations` in napari.yaml)."""

import os
from dataclasses import dataclass

from napari.settings import get_plugin_settings


@dataclass(frozen=True)
class Preferences:
    """How a dock starts.

    Attributes
    ----------
    engine : name of the engine chosen first; "" for the one used last.
    device : as in `InferenceOptions`.
    preview : whether the live preview is on.
    model_folder : of the user's own models; "" for the usual one.
    """

    engine: str = ""
    device: str = "auto"
    preview: bool = True
    model_folder: str = ""


def preferences() -> Preferences:
    """Read them; where the plugin is not installed as one, they are what they are by default."""
    try:
        chosen = get_plugin_settings("quietvoxel").docks  # type: ignore[attr-defined]  # made from napari.yaml
    except (KeyError, AttributeError):
        return Preferences()
    return Preferences(
        chosen.engine.strip(), chosen.device.strip() or "auto", chosen.preview, chosen.model_folder
    )


def apply_model_folder(folder: str) -> None:
    """Look for the user's models in the folder of the preferences, in this process; "" changes nothing."""
    if folder.strip():
        os.environ["QUIETVOXEL_MODELS"] = folder.strip()
