"""Volume nodes and arrays: geometry both ways, results beside their source, nothing of the source touched."""

import json

import numpy as np
import slicer
import vtk

from .words import _

PREFIX = "QuietVoxel."
SOURCE_ROLE = "QuietVoxel.source"
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def matrix_of(node):
    """IJK to RAS, (4, 4) float64."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return np.array([[matrix.GetElement(i, j) for j in range(4)] for i in range(4)])


def set_matrix(node, array):
    """Set IJK to RAS."""
    matrix = vtk.vtkMatrix4x4()
    for i in range(4):
        for j in range(4):
            matrix.SetElement(i, j, float(array[i][j]))
    node.SetIJKToRASMatrix(matrix)


def geometry_of(node):
    """Spacing, origin and direction in LPS, as ITK has them; of the node itself, whatever transform it is under."""
    matrix = LPS @ matrix_of(node)
    spacing = np.array(node.GetSpacing())
    direction = matrix[:3, :3] / spacing
    return {
        "spacing": spacing.tolist(),
        "origin": matrix[:3, 3].tolist(),
        "direction": direction.ravel().tolist(),
    }


def trouble_with(node):
    """Why a node cannot be denoised, in one sentence; "" where it can."""
    if node is None:
        return _("No volume is chosen; load one first: File, Add Data or Add DICOM Data.")
    if not node.IsA("vtkMRMLScalarVolumeNode") or node.IsA("vtkMRMLLabelMapVolumeNode"):
        return _("{name} is no grey-value volume; choose the CT or MR volume it belongs to.").format(
            name=node.GetName()
        )
    image = node.GetImageData()
    if image is None or image.GetNumberOfPoints() == 0:
        return _("{name} has no voxels; load the volume again.").format(name=node.GetName())
    if image.GetNumberOfScalarComponents() != 1:
        return _("{name} is a colour image, and only grey values can be denoised.").format(
            name=node.GetName()
        )
    return ""


def modality_of(node):
    """What DICOM or the user says, "CT" or "MR"; "" where nobody does."""
    said = node.GetAttribute(PREFIX + "modality")
    if said:
        return said
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(node.GetScene())
    item = hierarchy.GetItemByDataNode(node) if hierarchy is not None else 0
    said = hierarchy.GetItemAttribute(item, "DICOM.Modality") if item else ""
    return said if said in ("CT", "MR") else ""


def array_of(node):
    """The voxels (z, y, x), a view."""
    return slicer.util.arrayFromVolume(node)


def fingerprint(node):
    """Changes with the voxels, the geometry and the modality of a node, and with nothing else."""
    image = node.GetImageData()
    scalars = image.GetPointData().GetScalars()
    times = (image.GetMTime(), scalars.GetMTime() if scalars is not None else 0)
    return (*times, matrix_of(node).tobytes(), modality_of(node))


def add_beside(source, array, name, *, matrix=None, hidden=False):
    """A new volume node like `source`: geometry, transform, units, window, colour and place in the hierarchy.

    Parameters
    ----------
    source : volume node.
    array : (z, y, x) voxels.
    name : of the node; made unique.
    matrix : IJK to RAS where it is another one than the source's.
    hidden : for the views only: in no list, no hierarchy and no saved scene.
    """
    scene = source.GetScene()
    node = scene.CreateNodeByClass("vtkMRMLScalarVolumeNode")
    node.UnRegister(None)
    node.SetName(scene.GenerateUniqueName(name))
    node.SetHideFromEditors(hidden)
    node.SetSaveWithScene(not hidden)
    scene.AddNode(node)
    slicer.util.updateVolumeFromArray(node, array)
    set_matrix(node, matrix_of(source) if matrix is None else matrix)
    node.SetAndObserveTransformNodeID(source.GetTransformNodeID())
    node.SetVoxelValueQuantity(source.GetVoxelValueQuantity())
    node.SetVoxelValueUnits(source.GetVoxelValueUnits())
    node.AddNodeReferenceID(SOURCE_ROLE, source.GetID())
    copy_display(source, node)
    if hidden:
        node.GetDisplayNode().SetSaveWithScene(False)
    else:
        place_beside(source, node)
    return node


def copy_display(source, node):
    """Same window, level and colour."""
    node.CreateDefaultDisplayNodes()
    display, shown = node.GetDisplayNode(), source.GetDisplayNode()
    if display is not None and shown is not None:
        display.CopyContent(shown)
        if shown.GetAutoWindowLevel():
            # The source's window of the moment, not one of the result's own.
            display.SetAutoWindowLevel(False)
            display.SetWindowLevel(shown.GetWindow(), shown.GetLevel())


def place_beside(source, node):
    """Into the same study or folder as the source."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(source.GetScene())
    if hierarchy is None:
        return
    item = hierarchy.GetItemByDataNode(source)
    parent = hierarchy.GetItemParent(item) if item else hierarchy.GetSceneItemID()
    hierarchy.CreateItem(parent or hierarchy.GetSceneItemID(), node)


def source_of(node):
    """The volume that a result was made from, if it is still there."""
    return node.GetNodeReference(SOURCE_ROLE) if node is not None else None


def write_provenance(node, record):
    """How a result was made, as attributes: the whole record as JSON, and its first values one by one."""
    node.SetAttribute(PREFIX + "provenance", json.dumps(record, sort_keys=True))
    for name, value in record.items():
        if isinstance(value, str | int | float | bool):
            node.SetAttribute(PREFIX + name, str(value))
    node.SetDescription(str(record.get("notice", "")))


def set_voxels(node, array):
    """New voxels of the same size and type, in place."""
    view = array_of(node)
    view[...] = array
    slicer.util.arrayFromVolumeModified(node)
