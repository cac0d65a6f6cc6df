"""The menu of the viewer's volumes, of which several can be chosen one after the other, or all at once."""

from typing import Any

from napari.layers import Image, Layer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QMenu, QWidget

from quietvoxel.errors import QuietVoxelError
from quietvoxel.napari_plugin.adapter import check_layer
from quietvoxel.napari_plugin.layer_chooser import role_of

NOTHING = "no more volumes in the viewer"

ALL = "all of these"


class LayerMenu(QMenu):
    """Offers the volumes that are in the viewer when it opens.

    Parameters
    ----------
    parent : has the layers chosen before as `sources`.
    viewer : whose layers are offered.

    Attributes
    ----------
    chosen : signal with a list of layers.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget, viewer: Any) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.aboutToShow.connect(self._fill)
        self.triggered.connect(self._chosen)

    def _fill(self) -> None:
        self.clear()
        known = self.parent().sources
        offered = [layer for layer in reversed(self._viewer.layers) if _offered(layer) and layer not in known]
        for layer in offered:
            self.addAction(layer.name).setData([layer])
        if not offered:
            self.addAction(NOTHING).setEnabled(False)
        elif len(offered) > 1:
            self.addAction(ALL).setData(offered)

    def _chosen(self, action: Any) -> None:
        self.chosen.emit(action.data())


def _offered(layer: Layer) -> bool:
    """Volumes as they came; what was denoised or drawn about them is a poor reference."""
    if not isinstance(layer, Image) or role_of(layer):
        return False
    try:
        check_layer(layer)
    except QuietVoxelError:
        return False
    return True
