"""Mix a result with its original at once, without computing anything anew."""

import numpy as np

from .volume_nodes import PREFIX, array_of, set_voxels, source_of


class Blender:
    """Keeps what the worker made of each result, so that any mixture of it and the original can be shown."""

    def __init__(self):
        self._denoised = {}

    def add(self, node, voxels):
        """Remember the denoised voxels of a result node."""
        self._denoised[node.GetID()] = voxels

    def forget(self, node_id):
        """A node has left the scene."""
        self._denoised.pop(node_id, None)

    def forget_all(self):
        """The scene closes: nodes of the next one may have the same names within it."""
        self._denoised.clear()

    def can(self, node):
        """Whether a node can be blended: it was made in this session, and its source is still as it was."""
        source = source_of(node)
        voxels = self._denoised.get(node.GetID()) if node is not None else None
        return voxels is not None and source is not None and array_of(source).shape == voxels.shape

    def blend(self, node, share):
        """Show `share` (0 to 1) of the denoised image and the rest of the original; it is in the record."""
        if not self.can(node):
            return
        set_voxels(node, mixed(self._denoised[node.GetID()], array_of(source_of(node)), share))
        node.SetAttribute(PREFIX + "blend", f"{share:g}")


def mixed(denoised, original, share):
    """A mixture of two images in the first one's type; it lies between them, so that nothing has to be clipped."""
    if share == 1.0:
        return denoised
    base = np.asarray(original, np.float32)
    image = base + np.float32(share) * (np.asarray(denoised, np.float32) - base)
    return (np.rint(image) if denoised.dtype.kind in "iu" else image).astype(denoised.dtype)
