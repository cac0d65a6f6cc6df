"""What the views showed before a comparison, to be given back after it."""

import slicer
import vtk

from .screen_slice import slice_node_of


class ViewSnapshot:
    """Layout, volumes, links and places of all slice views of a scene.

    Parameters
    ----------
    scene : MRML scene.
    """

    def __init__(self, scene):
        self._scene = scene
        layout = layout_node(scene)
        self._layout = layout.GetViewArrangement() if layout is not None else None
        self._composites = {}
        self._places = {}
        for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode", scene):
            self._composites[composite.GetID()] = {
                "BackgroundVolumeID": composite.GetBackgroundVolumeID(),
                "ForegroundVolumeID": composite.GetForegroundVolumeID(),
                "ForegroundOpacity": composite.GetForegroundOpacity(),
                "LinkedControl": composite.GetLinkedControl(),
                "HotLinkedControl": composite.GetHotLinkedControl(),
            }
            view = slice_node_of(scene, composite)
            if view is not None:
                matrix = vtk.vtkMatrix4x4()
                matrix.DeepCopy(view.GetSliceToRAS())
                self._places[view.GetID()] = (matrix, view.GetFieldOfView())

    def give_back(self):
        """Put everything back; volumes that have left the scene meanwhile are left out."""
        for node_id, values in self._composites.items():
            composite = self._scene.GetNodeByID(node_id)
            if composite is None:
                continue
            for name, value in values.items():
                if name.endswith("VolumeID") and value and self._scene.GetNodeByID(value) is None:
                    value = None
                getattr(composite, "Set" + name)(value)
        for node_id, (matrix, field) in self._places.items():
            view = self._scene.GetNodeByID(node_id)
            if view is not None:
                view.GetSliceToRAS().DeepCopy(matrix)
                view.SetFieldOfView(*field)
                view.UpdateMatrices()
        layout = layout_node(self._scene)
        if layout is not None and self._layout is not None:
            layout.SetViewArrangement(self._layout)


def layout_node(scene):
    """The scene's layout node, or None."""
    return scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
