"""What the module needs, what of it is there, and the one sentence that says so. Imports none of it."""

import importlib.metadata
import importlib.util
import sys

from .words import _

OLDEST_SLICER = (5, 10)
OLDEST_PYTHON = (3, 11)

PACKAGE = "quietvoxel"
PACKAGE_VERSION = ">=0.1,<0.2"
TORCH_VERSION = ">=2.6"

KEPT = ("SimpleITK", "numpy", "vtk")
"""Slicer's own builds, which pip must never replace: the application would break."""

DOWNLOAD = "1 to 4 GB"


def too_old(slicer_version, python_version=None):
    """The sentence where this Slicer cannot run QuietVoxel at all; "" where it can.

    Parameters
    ----------
    slicer_version, python_version : (major, minor).
    """
    python_version = python_version or sys.version_info[:2]
    if tuple(slicer_version) < OLDEST_SLICER:
        return _(
            "QuietVoxel needs Slicer {needed} or later, and this is {found}; please update Slicer."
        ).format(needed=_dotted(OLDEST_SLICER), found=_dotted(slicer_version))
    if tuple(python_version) < OLDEST_PYTHON:
        return _(
            "QuietVoxel needs Python {needed} or later, and this Slicer has {found}; please update Slicer."
        ).format(needed=_dotted(OLDEST_PYTHON), found=_dotted(python_version))
    return ""


def missing(find=importlib.util.find_spec):
    """Names of the packages that are not there."""
    return [name for name in ("torch", PACKAGE) if find(name) is None]


def missing_sentence(names):
    """What is missing and what to do; "" where nothing is."""
    if not names:
        return ""
    return _(
        "Not installed yet: {names}. Denoising needs them; press Install to add them to this Slicer."
    ).format(names=", ".join("PyTorch" if name == "torch" else "QuietVoxel" for name in names))


def explanation(names):
    """What will be installed, before anything is: to be read and agreed to."""
    parts = []
    if "torch" in names:
        parts.append(_("PyTorch {version}, the build for your graphics card").format(version=TORCH_VERSION))
    if PACKAGE in names:
        parts.append(_("quietvoxel {version} and the packages it needs").format(version=PACKAGE_VERSION))
    return _(
        "This will be installed into Slicer's own Python:\n\n{parts}\n\nSlicer's SimpleITK, numpy and VTK stay as they "
        "are. The download is {size} and takes some minutes, during which Slicer does not answer. Nothing of your "
        "images leaves this computer. Install now?"
    ).format(parts="\n".join(f"• {part}" for part in parts), size=DOWNLOAD)


def version_of(name):
    """The version of an installed distribution, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _dotted(version):
    return ".".join(str(part) for part in version)
