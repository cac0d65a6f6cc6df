"""The results of a volume: which there are, and one of them over it: itself, what it removed, or its uncertainty."""

import slicer

from .compare_nodes import add_residual, same_grid
from .screen_slice import lay_over
from .volume_nodes import PREFIX, array_of, set_voxels, source_of

RESULT, RESIDUAL, UNCERTAINTY = "result", "residual", "uncertainty"
UNCERTAINTY_ROLE = PREFIX + "uncertainty"
RESIDUAL_WINDOW = 3.0
"""The residual's window goes this many noise standard deviations to either side of zero."""


def results_of(volume):
    """The denoised volumes made from a volume, in the scene's order."""
    if volume is None or volume.GetScene() is None:
        return []
    nodes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode", volume.GetScene())
    return [one for one in nodes if source_of(one) is volume and one.GetAttribute(PREFIX + "model")]


def uncertainty_of(result):
    """The engine's own doubt about a result, where it gave one."""
    return result.GetNodeReference(UNCERTAINTY_ROLE) if result is not None else None


def residual_half(a, b):
    """Half the window in which a residual is looked at: by the noise where a result says it, else by the image's."""
    sigma = next((float(v) for v in (n.GetAttribute(PREFIX + "sigma") for n in (b, a)) if v), 0.0)
    return RESIDUAL_WINDOW * sigma or a.GetDisplayNode().GetWindow() / 8


class ResultView:
    """Shows one result over its source.

    Attributes
    ----------
    shown : RESULT, RESIDUAL, UNCERTAINTY, or None.
    """

    def __init__(self):
        self._result = self._residual = None
        self.shown = None

    @property
    def residual(self):
        """The node of the residual, or None."""
        return self._residual

    def show(self, result, what=RESULT):
        """Lay a result, its residual or its uncertainty over its source.

        Returns
        -------
        Whether there is such a thing.
        """
        source = source_of(result)
        if source is None:
            return False
        if what == RESIDUAL:
            if not same_grid(source, result):
                return False
            self.clear()
            self._residual = node = add_residual(source, result, residual_half(source, result))
        else:
            node = result if what == RESULT else uncertainty_of(result)
            if node is None:
                return False
            self.clear()
        self._result, self.shown = result, what
        lay_over(source, node)
        return True

    def refresh(self, result):
        """A result has other voxels, blended ones say: so has its residual."""
        if self._residual is not None and result is self._result:
            set_voxels(self._residual, array_of(source_of(result)).astype("float32") - array_of(result))

    def clear(self):
        """Take the residual away; the results stay."""
        residual, self._residual = self._residual, None
        self._result = self.shown = None
        if residual is not None and residual.GetScene() is not None:
            residual.GetScene().RemoveNode(residual)
