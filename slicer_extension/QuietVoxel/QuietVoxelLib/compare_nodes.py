"""Volumes made of two others to compare them: curtain, checkerboard, residual. Voxels are copied, never resampled."""

import numpy as np
import slicer

from .volume_nodes import add_beside, array_of, matrix_of
from .words import _

SQUARES = 8
"""Squares of the checkerboard along the longer side of a slice."""


def same_grid(a, b):
    """Whether two volumes have the same voxels in the same place."""
    return (
        array_of(a).shape == array_of(b).shape
        and np.allclose(matrix_of(a), matrix_of(b), atol=1e-4)
        and a.GetTransformNodeID() == b.GetTransformNodeID()
    )


def add_derived(a, array, name):
    """A node for the time of a comparison: in no list, in no saved scene."""
    return add_beside(a, array, name, hidden=True)


def add_residual(a, b, half):
    """A minus B as float32, in a window of `half` to either side of zero."""
    residual = array_of(a).astype(np.float32) - array_of(b)
    node = add_derived(a, residual, _("{name} residual").format(name=b.GetName()))
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID("vtkMRMLColorTableNodeGrey")
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(2 * half, 0.0)
    return node


def add_checkerboard(a, b, axis):
    """A and B in squares by turns, in slices along array axis `axis`."""
    first, second = array_of(a), array_of(b)
    plane = [length for one, length in enumerate(first.shape) if one != axis]
    side = max(2, max(plane) // SQUARES)
    rows, columns = np.ogrid[: plane[0], : plane[1]]
    odd = np.expand_dims((rows // side + columns // side) % 2 == 1, axis)
    mixed = np.where(odd, second, first).astype(np.result_type(first, second))
    return add_derived(a, mixed, _("{name} checkerboard").format(name=b.GetName()))


class Curtain:
    """A to the left of a line, B to its right; moving the line copies what lies between its places, and no more.

    Parameters
    ----------
    a, b : volumes of one grid.
    view : slice node whose left is left.

    Attributes
    ----------
    axis : array axis along which the line moves.
    """

    def __init__(self, a, b, view):
        self._a, self._b = a, b
        self.axis, self._mirrored = horizontal_axis(view, a)
        self._length = array_of(a).shape[self.axis]
        kind = np.result_type(array_of(a), array_of(b))
        self.node = add_derived(a, array_of(b).astype(kind), _("{name} curtain").format(name=b.GetName()))
        self._cut = 0

    @property
    def edge(self):
        """Where A meets B along `axis`, in voxels: half a voxel before the first that shows the other."""
        return (self._length - self._cut if self._mirrored else self._cut) - 0.5

    def share_at(self, index):
        """The share of the width, 0 to 1, that a place along `axis` is."""
        share = (index + 0.5) / self._length
        return float(np.clip(1 - share if self._mirrored else share, 0, 1))

    def move(self, share):
        """Put the line at `share` of the width, 0 at the left."""
        cut = round(float(np.clip(share, 0, 1)) * self._length)
        if cut == self._cut:
            return
        low, high = sorted((self._cut, cut))
        between = slice(self._length - high, self._length - low) if self._mirrored else slice(low, high)
        origin = array_of(self._a if cut > self._cut else self._b)
        np.moveaxis(array_of(self.node), self.axis, 0)[between] = np.moveaxis(origin, self.axis, 0)[between]
        self._cut = cut
        slicer.util.arrayFromVolumeModified(self.node)


def horizontal_axis(view, node):
    """The array axis that runs most nearly from left to right in a view, and whether it runs the other way."""
    matrix = view.GetSliceToRAS()
    right = np.array([matrix.GetElement(i, 0) for i in range(3)])
    columns = matrix_of(node)[:3, :3]
    along = right @ (columns / np.linalg.norm(columns, axis=0))
    ijk = int(np.argmax(np.abs(along)))
    return 2 - ijk, bool(along[ijk] < 0)
