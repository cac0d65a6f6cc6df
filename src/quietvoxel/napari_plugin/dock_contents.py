"""What every dock of ours has in common: it scrolls where the window is low, and gives the viewer back when closed."""

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QShortcut, QVBoxLayout, QWidget

from quietvoxel.napari_plugin.tall_area import TallArea


class DockContents(QWidget):
    """The widget that napari puts into a dock."""

    _open = False  # so that events before the constructor's end find it

    def __init__(self) -> None:
        super().__init__()
        self._open = True

    def shut(self) -> None:
        """Put the viewer back as it was; called once, when the dock has been closed."""

    def fill(self, content: QWidget) -> None:
        """Show the controls, in a column that scrolls."""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(TallArea(content))

    def add_shortcut(self, key: str, act: Callable[[], Any]) -> None:
        """Let a key do something while the dock is there.

        A shortcut of the window goes before napari's own keys and leaves typing in boxes alone.
        """
        shortcut = QShortcut(QKeySequence(key), self)
        shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
        shortcut.activated.connect(act)

    def event(self, event: QEvent) -> bool:
        """Notice the dock's ×: the contents are then left without a parent, and hear nothing else."""
        if event.type() == QEvent.Type.ParentChange and self.parent() is None and self._open:
            self._open = False
            self.shut()
        return super().event(event)
