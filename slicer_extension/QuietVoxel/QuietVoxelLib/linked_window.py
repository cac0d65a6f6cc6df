"""One window for volumes that are compared: who changes it for one changes it for all."""

import vtk


class LinkedWindow:
    """Links window and level of volume nodes until `let_go`.

    Parameters
    ----------
    nodes : the first one's window is taken by the others.
    """

    def __init__(self, nodes):
        self._displays = [node.GetDisplayNode() for node in nodes if node.GetDisplayNode() is not None]
        self._busy = False
        self._copy(self._displays[0]) if self._displays else None
        self._tags = [
            (one, one.AddObserver(vtk.vtkCommand.ModifiedEvent, self._changed)) for one in self._displays
        ]

    def let_go(self):
        """Link no more."""
        for display, tag in self._tags:
            display.RemoveObserver(tag)
        self._tags = []

    def set(self, width, level):
        """Set the window of all."""
        if self._displays:
            first = self._displays[0]
            first.SetAutoWindowLevel(False)
            first.SetWindowLevel(width, level)

    def get(self):
        """Width and level, or None where there is no volume."""
        return (self._displays[0].GetWindow(), self._displays[0].GetLevel()) if self._displays else None

    def _changed(self, caller, _event):
        if not self._busy:
            self._copy(caller)

    def _copy(self, display):
        self._busy = True
        try:
            for other in self._displays:
                if other is display:
                    continue
                if (other.GetWindow(), other.GetLevel()) != (display.GetWindow(), display.GetLevel()):
                    other.SetAutoWindowLevel(False)
                    other.SetWindowLevel(display.GetWindow(), display.GetLevel())
        finally:
            self._busy = False
