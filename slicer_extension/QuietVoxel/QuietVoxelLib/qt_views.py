"""The slice views on screen: their mouse, and keys that count wherever the focus is."""

import qt
import slicer


def slice_interactors():
    """(slice node, vtkRenderWindowInteractor) of each slice view of the layout."""
    manager = slicer.app.layoutManager()
    if manager is None:  # without a main window, as in tests of the application
        return []
    widgets = [manager.sliceWidget(name) for name in manager.sliceViewNames()]
    return [(one.mrmlSliceNode(), one.sliceView().interactor()) for one in widgets]


class SpaceKey:
    """Space does something while it is `on`, in the whole main window.

    Parameters
    ----------
    action : called at each press.
    """

    def __init__(self, action):
        self._action = action
        self._shortcut = None

    @property
    def on(self):
        """Whether the key is taken."""
        return self._shortcut is not None and self._shortcut.enabled

    def set(self, wanted):
        """Take the key, or leave it to everybody else."""
        if wanted and self._shortcut is None:
            window = slicer.util.mainWindow()
            if window is None:
                return
            self._shortcut = qt.QShortcut(qt.QKeySequence("Space"), window)
            self._shortcut.connect("activated()", self._action)
        if self._shortcut is not None:
            self._shortcut.enabled = wanted

    def remove(self):
        """Take it out of the main window."""
        if self._shortcut is not None:
            self._shortcut.deleteLater()
            self._shortcut = None
