"""Volumes of the scene as files, from which a training in another process reads them."""

from pathlib import Path

import slicer

from .words import _


def write_reference(node, folder):
    """Save a volume node as a file for the training; gives its path."""
    path = Path(folder) / f"{node.GetID()}.nrrd"
    storage = slicer.vtkMRMLNRRDStorageNode()
    storage.SetFileName(str(path))
    storage.SetUseCompression(False)
    if not storage.WriteData(node):
        msg = _("{name} could not be written to {folder}; free some space there.").format(
            name=node.GetName(), folder=folder
        )
        raise OSError(msg)
    return path
