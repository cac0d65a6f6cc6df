"""Two volumes compared in Slicer's own views: side by side, faded, under a curtain, blinking, checkered, subtracted."""

import enum

import slicer

from .compare_nodes import Curtain, add_checkerboard, add_residual, same_grid
from .curtain_line import CurtainLine
from .linked_window import LinkedWindow
from .results import residual_half
from .view_snapshot import ViewSnapshot, layout_node
from .volume_nodes import trouble_with
from .words import _


class Mode(enum.Enum):
    """How A and B are shown."""

    SIDE_BY_SIDE = "sideBySide"
    FADE = "fade"
    CURTAIN = "curtain"
    FLICKER = "flicker"
    CHECKERBOARD = "checkerboard"
    RESIDUAL = "residual"


ONE_GRID = {Mode.CURTAIN, Mode.CHECKERBOARD, Mode.RESIDUAL}


class Comparison:
    """Shows A and B until `stop`, which puts the views back as they were.

    Parameters
    ----------
    scene : MRML scene.
    interactors : gives (slice node, vtkRenderWindowInteractor) of the views on screen.

    Attributes
    ----------
    dragged : called with the share of the width that the user dragged the curtain to.
    mode : shown now, or None.
    window : links the windows of all that is compared, or None.
    """

    def __init__(self, scene, interactors=list):
        self._scene = scene
        self._interactors = interactors
        self._lines = []
        self.dragged = self.set_curtain
        self._snapshot = None
        self._derived = None
        self._curtain = None
        self._showing_b = False
        self.mode = None
        self.window = None

    @property
    def derived(self):
        """The node made for this mode (curtain, checkerboard, residual), or None."""
        return self._derived

    @property
    def showing_b(self):
        """Whether flicker shows B now."""
        return self._showing_b

    def show(self, mode, a, b, axis=0):
        """Show two volumes.

        Parameters
        ----------
        mode : how.
        a, b : volume nodes.
        axis : array axis of the slices, for the checkerboard.

        Returns
        -------
        "" or the sentence that says why not.
        """
        trouble = trouble_with(a) or trouble_with(b)
        if not trouble and a is b:
            trouble = _("A and B are the same volume; choose two.")
        if not trouble and mode in ONE_GRID and not same_grid(a, b):
            trouble = _("{a} and {b} lie on different grids; compare them side by side or fade them.").format(
                a=a.GetName(), b=b.GetName()
            )
        if trouble:
            return trouble
        if self._snapshot is None:
            self._snapshot = ViewSnapshot(self._scene)
        else:
            self._clear()
            self._snapshot.give_back()
        self.mode = mode
        getattr(self, "_show_" + mode.value)(a, b, axis)
        shown = [a, b] if mode is Mode.RESIDUAL or self._derived is None else [a, b, self._derived]
        self.window = LinkedWindow(shown)
        return ""

    def stop(self):
        """Put the views back as they were."""
        snapshot, self._snapshot = self._snapshot, None
        self._clear()
        self.mode = None
        if snapshot is not None:
            snapshot.give_back()

    def set_fade(self, share):
        """0 shows A, 1 shows B."""
        if self.mode is Mode.FADE:
            for composite in self._composites():
                composite.SetForegroundOpacity(share)

    def set_curtain(self, share):
        """Move the line, 0 at the left."""
        if self._curtain is not None:
            self._curtain.move(share)
            for line in self._lines:
                line.draw()

    def flip(self):
        """Change between A and B."""
        if self.mode is Mode.FLICKER:
            self._showing_b = not self._showing_b
            for composite in self._composites():
                composite.SetForegroundOpacity(1.0 if self._showing_b else 0.0)

    def set_residual_window(self, half):
        """The residual's window, symmetric about zero."""
        if self.mode is Mode.RESIDUAL:
            self._derived.GetDisplayNode().SetWindowLevel(2 * half, 0.0)

    def _show_sideBySide(self, a, b, _axis):
        layout = layout_node(self._scene)
        if layout is not None:
            layout.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
        views = {
            view.GetLayoutName(): view
            for view in slicer.util.getNodesByClass("vtkMRMLSliceNode", self._scene)
        }
        red, yellow = views.get("Red"), views.get("Yellow")
        if red is not None and yellow is not None:
            yellow.GetSliceToRAS().DeepCopy(red.GetSliceToRAS())
            yellow.SetFieldOfView(*red.GetFieldOfView())
            yellow.UpdateMatrices()
        for composite in self._composites():
            composite.SetLinkedControl(True)
            composite.SetHotLinkedControl(True)
            self._put(composite, b if composite.GetLayoutName() == "Yellow" else a)

    def _show_fade(self, a, b, _axis):
        for composite in self._composites():
            self._put(composite, a, b, 0.5)

    def _show_flicker(self, a, b, _axis):
        self._showing_b = False
        for composite in self._composites():
            self._put(composite, a, b, 0.0)

    def _show_curtain(self, a, b, _axis):
        self._curtain = Curtain(a, b, self._first_view())
        self._curtain.move(0.5)
        self._show_derived(self._curtain.node)
        self._lines = [
            CurtainLine(view, interactor, self._curtain, lambda share: self.dragged(share))
            for view, interactor in self._interactors()
        ]

    def _show_checkerboard(self, a, b, axis):
        self._show_derived(add_checkerboard(a, b, axis))

    def _show_residual(self, a, b, _axis):
        self._show_derived(add_residual(a, b, residual_half(a, b)))

    def _show_derived(self, node):
        self._derived = node
        for composite in self._composites():
            self._put(composite, node)

    def _first_view(self):
        views = slicer.util.getNodesByClass("vtkMRMLSliceNode", self._scene)
        return next((view for view in views if view.GetLayoutName() == "Red"), views[0])

    def _composites(self):
        return slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode", self._scene)

    @staticmethod
    def _put(composite, background, foreground=None, opacity=0.0):
        composite.SetBackgroundVolumeID(background.GetID())
        composite.SetForegroundVolumeID(foreground.GetID() if foreground is not None else None)
        composite.SetForegroundOpacity(opacity)

    def _clear(self):
        if self.window is not None:
            self.window.let_go()
            self.window = None
        for line in self._lines:
            line.let_go()
        self._lines = []
        derived, self._derived, self._curtain = self._derived, None, None
        if derived is not None and derived.GetScene() is not None:
            self._scene.RemoveNode(derived)
