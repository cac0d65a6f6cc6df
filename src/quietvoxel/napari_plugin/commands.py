"""Commands in napari's own menus."""

from napari.layers import Image
from napari.utils.notifications import show_warning
from napari.viewer import Viewer


def denoise_this_layer(layer: Image, viewer: Viewer) -> None:
    """Open the Denoise dock on a layer and start; for Layers > Filter.

    Parameters
    ----------
    layer, viewer : given by napari: the active layer and the viewer it is in.
    """
    _, dock = viewer.window.add_plugin_dock_widget("quietvoxel", "Denoise")
    if layer not in viewer.layers:
        show_warning("The layer is no longer in the viewer.")
        return
    dock.denoise_layer(layer)
