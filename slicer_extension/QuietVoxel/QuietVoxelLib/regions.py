"""Markups as regions of a volume: which voxels a ROI holds, where a line begins and ends."""

import numpy as np
import vtk

from .screen_slice import ras_to_ijk
from .words import _


def roi_mask(roi, node):
    """Voxels of a volume whose centres lie in a ROI.

    Parameters
    ----------
    roi : vtkMRMLMarkupsROINode, a box in any position, under any linear transform.
    node : volume node.

    Returns
    -------
    The mask (z, y, x) of the box about them, and that box's first voxel (z, y, x).

    Raises
    ------
    ValueError
        With a sentence where no voxel lies inside.
    """
    to_ras = np.linalg.inv(ras_to_ijk(node))
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(roi.GetObjectToWorldMatrix())
    object_to_world = np.array([[matrix.GetElement(i, j) for j in range(4)] for i in range(4)])
    half = np.array(roi.GetSize()) / 2
    corners = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]) * half
    world = object_to_world @ np.c_[corners, np.ones(8)].T
    ijk = np.linalg.solve(to_ras, world)[:3]
    dimensions = np.array(node.GetImageData().GetDimensions())
    low = np.clip(np.floor(ijk.min(axis=1)).astype(int), 0, dimensions)
    high = np.clip(np.ceil(ijk.max(axis=1)).astype(int) + 1, 0, dimensions)
    outside = _("{roi} lies outside {volume}; move it into the image.").format(
        roi=roi.GetName(), volume=node.GetName()
    )
    if (high <= low).any() or not half.all():
        raise ValueError(outside)
    to_object = np.linalg.solve(object_to_world, to_ras)
    i, j, k = np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij")
    places = np.stack([i, j, k, np.ones_like(i)]).reshape(4, -1)
    inside = (np.abs((to_object @ places)[:3]) <= half[:, None] + 1e-6).all(axis=0).reshape(i.shape)
    mask = np.ascontiguousarray(inside.transpose(2, 1, 0))
    if not mask.any():
        raise ValueError(outside)
    return mask, tuple(int(v) for v in low[::-1])


def line_ends(line, node):
    """Both ends of a markups line in voxels (z, y, x), or None where it is not drawn yet."""
    if line is None or line.GetNumberOfDefinedControlPoints() < 2:
        return None
    to_ijk = ras_to_ijk(node)
    ends = []
    for place in range(2):
        ras = [0.0, 0.0, 0.0]
        line.GetNthControlPointPositionWorld(place, ras)
        x, y, z = (to_ijk @ [*ras, 1.0])[:3]
        ends.append([float(z), float(y), float(x)])
    return ends
