"""Which slice of a volume a slice view shows, and where slices lie."""

import numpy as np
import slicer
import vtk

from .volume_nodes import matrix_of

ALONG = 0.98
"""Cosine from which a view counts as parallel to the slices: about 11 degrees."""


def ras_to_ijk(node):
    """World RAS to voxels, (4, 4), through the transforms that the node is under."""
    inverse = np.linalg.inv(matrix_of(node))
    parent = node.GetParentTransformNode()
    if parent is None:
        return inverse
    world = vtk.vtkMatrix4x4()
    if not slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(None, parent, world):
        return inverse  # a warp: voxels have no single matrix; the view then shows the node's own place
    array = np.array([[world.GetElement(i, j) for j in range(4)] for i in range(4)])
    return inverse @ array


def slice_on_screen(slice_node, node, axis):
    """Number of the slice along array axis `axis` that a view shows; None where the view cuts across.

    Parameters
    ----------
    slice_node : vtkMRMLSliceNode.
    node : volume node.
    axis : of the array (z, y, x).
    """
    matrix = slice_node.GetSliceToRAS()
    to_ras = np.array([[matrix.GetElement(i, j) for j in range(4)] for i in range(4)])
    to_ijk = ras_to_ijk(node)
    normal = np.linalg.inv(to_ijk)[:3, 2 - axis]  # the step from slice to slice, in world RAS
    across = to_ras[:3, 2]
    cosine = abs(normal @ across) / (np.linalg.norm(normal) * np.linalg.norm(across))
    if cosine < ALONG:
        return None
    index = int(np.rint((to_ijk @ to_ras[:, 3])[2 - axis]))
    dimensions = node.GetImageData().GetDimensions()
    return index if 0 <= index < dimensions[2 - axis] else None


def views_of(scene, node_id):
    """(slice node, composite node) of each slice view whose background is a volume."""
    found = []
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode", scene):
        if composite.GetBackgroundVolumeID() == node_id:
            shown = slice_node_of(scene, composite)
            if shown is not None:
                found.append((shown, composite))
    return found


def slice_node_of(scene, composite):
    """The slice node of the view that a composite node belongs to."""
    for one in slicer.util.getNodesByClass("vtkMRMLSliceNode", scene):
        if one.GetLayoutName() == composite.GetLayoutName():
            return one
    return None


def lay_over(source, node):
    """Show a volume over the one that it was made from, in every view of that."""
    for _view, composite in views_of(source.GetScene(), source.GetID()):
        composite.SetForegroundVolumeID(node.GetID())
        composite.SetForegroundOpacity(1.0)


def slice_place(node, axis, index):
    """IJK to RAS of a volume that is one slice of `node`."""
    matrix = matrix_of(node).copy()
    matrix[:3, 3] += index * matrix[:3, 2 - axis]
    return matrix


def jump_to(scene, node, index_zyx):
    """Move all slice views to a voxel."""
    z, y, x = index_zyx
    ras = np.linalg.inv(ras_to_ijk(node)) @ [x, y, z, 1.0]
    for slice_node in slicer.util.getNodesByClass("vtkMRMLSliceNode", scene):
        slice_node.JumpSliceByCentering(*map(float, ras[:3]))
