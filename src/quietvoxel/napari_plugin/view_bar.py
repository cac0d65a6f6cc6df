"""The View dock: buttons for the planes, the window by name, the values under the cursor; and the keys."""

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
)

from quietvoxel.jobs.windows import MR_AUTO, PRESETS, width_level
from quietvoxel.napari_plugin.adapter import display_window, volume_from_layer, widen_slider
from quietvoxel.napari_plugin.cursor_values import CursorValues
from quietvoxel.napari_plugin.dock_contents import DockContents
from quietvoxel.napari_plugin.orientation import PLANES
from quietvoxel.napari_plugin.preferred_reader import follow_preference
from quietvoxel.napari_plugin.radiological_view import RadiologicalView
from quietvoxel.napari_plugin.reading import notes_of
from quietvoxel.napari_plugin.unproxied import unproxied
from quietvoxel.napari_plugin.volume_layers import reference_layer, unit_of
from quietvoxel.napari_plugin.window_drag import drag_window, set_window, shown_alike

DOCK_NAME = "View (quietvoxel)"  # what napari calls the widget "View" of the manifest
KEYS = {"Axial": "A", "Coronal": "C", "Sagittal": "S"}
OTHER_WINDOW = "other"


class ViewBar(DockContents):
    """Planes, letters, window and values of a viewer; all of it goes when the dock is closed.

    Parameters
    ----------
    napari_viewer : the viewer.
    """

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__()
        self.viewer = unproxied(napari_viewer)  # layers are known again by identity
        self.planes: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 2)
        for plane in PLANES:
            button = QPushButton(plane)
            button.setCheckable(True)
            button.setToolTip(f"Show the {plane.lower()} plane ({KEYS[plane]})")
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            self._group.addButton(button)
            self.planes[plane] = button
            layout.addWidget(button)
        layout.addSpacing(12)
        layout.addWidget(QLabel("Window"))
        self.window_box = QComboBox()
        self.window_box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.window_box.setToolTip(
            "Width and level by name. Dragging with the right button changes them freely."
        )
        layout.addWidget(self.window_box)
        self.notes_label = QLabel("Notes")
        self.notes_label.hide()
        layout.addWidget(self.notes_label)
        layout.addSpacing(12)
        self.values_label = QLabel()
        self.values_label.setTextFormat(Qt.TextFormat.PlainText)
        self.values_label.setToolTip("Values of the volumes under the cursor")
        # It takes what is left of the row and never asks for more.
        self.values_label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout.addWidget(self.values_label, stretch=1)
        self.setMaximumHeight(self.sizeHint().height())

        self._automatic = (0.0, 1.0)  # limits that "MR auto" gives the reference volume
        self.view: RadiologicalView | None = None
        self.values: CursorValues | None = None
        self._watched: Any = None
        self._group.buttonClicked.connect(self._plane_clicked)
        self.window_box.activated.connect(self._window_chosen)
        for plane in PLANES:
            self.add_shortcut(KEYS[plane], self.planes[plane].click)
        self._switch_on()
        follow_preference()

    def _events(self) -> list[Any]:
        viewer = self.viewer
        return [
            viewer.dims.events.order,
            viewer.layers.events.inserted,
            viewer.layers.events.removed,
            viewer.layers.selection.events.active,
        ]

    def _switch_on(self) -> None:
        self.view = RadiologicalView(self.viewer)
        self.values = CursorValues(self.viewer, self.values_label.setText)
        self.viewer.mouse_drag_callbacks.append(drag_window)
        for event in self._events():
            event.connect(self.update_controls)
        self.update_controls()

    def shut(self) -> None:
        """Give the viewer back as it was."""
        if self.view is None or self.values is None:
            return
        self._watch(None)
        for event in self._events():
            event.disconnect(self.update_controls)
        self.viewer.mouse_drag_callbacks.remove(drag_window)
        self.values.remove()
        self.view.remove()
        self.view = self.values = None

    def update_controls(self) -> None:
        """Show the plane and the window of the reference volume."""
        if self.view is None:
            return
        layer, plane = reference_layer(self.viewer), self.view.plane
        self._watch(layer)
        self.setEnabled(layer is not None)
        self._group.setExclusive(False)
        for name, button in self.planes.items():
            button.setChecked(name == plane)
        self._group.setExclusive(True)
        names = list(PRESETS) if layer is not None and unit_of(layer) else [MR_AUTO]
        if [self.window_box.itemText(k) for k in range(self.window_box.count() - 1)] != names:
            self.window_box.clear()
            self.window_box.addItems([*names, OTHER_WINDOW])
        self._show_window()

    def _show_window(self) -> None:
        layer = self._watched
        if layer is None:
            return
        limits = tuple(layer.contrast_limits)
        if unit_of(layer):
            names = [name for name, window in PRESETS.items() if window == width_level(*limits)]
        else:
            names = [MR_AUTO] if limits == self._automatic else []
        self.window_box.setCurrentText(names[0] if names else OTHER_WINDOW)

    def _watch(self, layer: Any) -> None:
        if layer is self._watched:
            return
        if self._watched is not None:
            self._watched.events.contrast_limits.disconnect(self._show_window)
        if layer is not None:
            widen_slider(layer)
            self._describe(layer)
            layer.events.contrast_limits.connect(self._show_window)
        self._watched = layer

    def _describe(self, layer: Any) -> None:
        """Keep what has to be said about the volume at hand, and the window it has by itself."""
        volume = volume_from_layer(layer)
        self._automatic = display_window(volume)
        notes = notes_of(volume)
        self.notes_label.setToolTip("\n".join(notes))
        self.notes_label.setVisible(bool(notes))

    def _plane_clicked(self, button: QPushButton) -> None:
        if self.view is not None:
            self.view.show_plane(button.text())
            self.update_controls()

    def _window_chosen(self) -> None:
        layer, name = self._watched, self.window_box.currentText()
        if layer is None or name == OTHER_WINDOW:
            return
        if name == MR_AUTO:
            self._automatic = display_window(volume_from_layer(layer))
        window = PRESETS.get(name) or width_level(*self._automatic)
        set_window(shown_alike(self.viewer, layer), *window)


def show_view_bar(viewer: Any) -> ViewBar:
    """Give the View dock of a viewer, opened above the canvas where it is not open yet."""
    found = viewer.window.dock_widgets.get(DOCK_NAME)
    if isinstance(found, ViewBar):
        return found
    bar = ViewBar(viewer)
    viewer.window.add_dock_widget(bar, name=DOCK_NAME, area="top", add_vertical_stretch=False)
    return bar
