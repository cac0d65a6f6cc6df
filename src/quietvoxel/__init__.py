"""QuietVoxel: denoise CT and MR volumes, in napari, in 3D Slicer, from a shell or from Python.

>>> import quietvoxel
>>> noisy = quietvoxel.read("scan.nii.gz")
>>> quietvoxel.write(quietvoxel.denoise(noisy).volume, "quiet.nii.gz")

Nothing heavy is imported before it is used: `import quietvoxel` costs milliseconds, and torch comes with the
first volume that is denoised.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quietvoxel.inference import denoise
    from quietvoxel.io import read, write
    from quietvoxel.volume import Geometry, Modality, Volume

    __version__: str

__all__ = ["Geometry", "Modality", "Volume", "__version__", "denoise", "read", "write"]

_HOMES = {
    "Geometry": "quietvoxel.volume",
    "Modality": "quietvoxel.volume",
    "Volume": "quietvoxel.volume",
    "denoise": "quietvoxel.inference",
    "read": "quietvoxel.io",
    "write": "quietvoxel.io",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for (PEP 562)."""
    if name == "__version__":
        value: object = _installed_version()
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    else:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _installed_version() -> str:
    try:
        return version("quietvoxel")
    except PackageNotFoundError:  # a source tree on the path that was never installed
        return "0+unknown"
