"""The Compare dock: two volumes (or four) side by side, under a curtain, blinking, checkered or subtracted."""

from collections.abc import Sequence
from typing import Any

from napari.layers import Image
from napari.viewer import Viewer
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from quietvoxel.errors import QuietVoxelError
from quietvoxel.napari_plugin.compare_array import Picture
from quietvoxel.napari_plugin.compare_choosers import CompareChooser, likely_pair
from quietvoxel.napari_plugin.compare_evidence import EvidenceSection
from quietvoxel.napari_plugin.compare_reference import ReferenceSection
from quietvoxel.napari_plugin.compare_structure import StructureSection
from quietvoxel.napari_plugin.compare_view import CompareView, Mode
from quietvoxel.napari_plugin.compare_window import WindowRow
from quietvoxel.napari_plugin.dock_contents import DockContents
from quietvoxel.napari_plugin.unproxied import unproxied

BLINK_MS = 700
TOOLTIPS = {
    Mode.SIDE_BY_SIDE: "A left, B right, in napari's grid; zoom, slice and window are linked",
    Mode.CURTAIN: "A left of the yellow line, B right; drag the line in the picture",
    Mode.FLICKER: "A and B in turn; what moves or vanishes catches the eye",
    Mode.CHECKERBOARD: "A and B in squares by turns",
    Mode.RESIDUAL: "A minus B in a symmetric window: grey is unchanged",
}
DOCK_NAME = "Compare (quietvoxel)"  # what napari calls the widget "Compare" of the manifest


class CompareDock(DockContents):
    """Compares layers of a viewer; nothing is touched before a view is chosen, and all is put back on closing.

    Parameters
    ----------
    napari_viewer : given by napari.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        napari_viewer = unproxied(napari_viewer)  # layers are known again by identity
        self._viewer = napari_viewer
        self.view = CompareView(napari_viewer)
        self.choosers = {name: CompareChooser(napari_viewer) for name in "ABCD"}
        self.buttons: dict[Mode, QPushButton] = {}
        self._group = QButtonGroup(self)
        self._group.setExclusive(False)
        self.blink = QCheckBox("blink by itself")
        self.blink.setChecked(True)
        self.blink.setToolTip("Changes between A and B by itself; Space does it by hand")
        self._timer = QTimer(self)
        self._timer.setInterval(BLINK_MS)
        self._timer.timeout.connect(self._blink)
        self.shown = QLabel()
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.window_row = WindowRow()
        self.residual_box = QDoubleSpinBox()
        self.residual_box.setPrefix("Residual from − to + ")
        self.residual_box.setRange(0.001, 1e6)
        self.residual_box.setKeyboardTracking(False)
        self.residual_box.setToolTip("The residual's window, symmetric about zero")
        self.residual_box.valueChanged.connect(self.view.set_residual_window)
        self.evidence = EvidenceSection(napari_viewer)
        self.reference = ReferenceSection(napari_viewer)
        self.structure = StructureSection(napari_viewer)
        self._build()
        self._shortcuts()
        self._choose_likely()

    def compare(self, layers: Sequence[Image], mode: Mode = Mode.SIDE_BY_SIDE) -> None:
        """Choose layers, A first, and show them."""
        for name, layer in zip("ABCD", [*layers, None, None, None, None], strict=False):
            self.choosers[name].choose(layer, quietly=True)
        self._tell_sections()
        self.show_mode(mode)

    def show_mode(self, mode: Mode | None) -> None:
        """Show A and B in a mode; None puts the viewer back as it was."""
        self._timer.stop()
        if mode is None:
            self.view.stop()
        else:
            try:
                self.view.show(mode, self._layers())
            except QuietVoxelError as error:
                self._say(str(error))
                self._show_buttons()
                return
        self._say("")
        if self.view.mode is Mode.FLICKER and self.blink.isChecked():
            self._timer.start()
        self._show_buttons()

    def flip(self) -> None:
        """Change between A and B by hand; what Space does."""
        self.blink.setChecked(False)
        if self.view.mode is not Mode.FLICKER:
            self.show_mode(Mode.FLICKER)
        elif self.view.array is not None:
            self.view.flip()
            self._show_buttons()

    def _build(self) -> None:
        content = QWidget()
        rows = QVBoxLayout(content)
        form = QFormLayout()
        for name, chooser in self.choosers.items():
            form.addRow(name, chooser)
            chooser.chosen.connect(self._pair_changed)
        self.choosers["C"].setToolTip("A third volume, shown side by side")
        self.choosers["D"].setToolTip("A fourth volume, shown side by side")
        rows.addLayout(form)
        grid = QGridLayout()
        for place, mode in enumerate(Mode):
            button = QPushButton(mode.value)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.setToolTip(f"{TOOLTIPS[mode]} ({place + 1}); once more to stop comparing")
            self._group.addButton(button)
            self.buttons[mode] = button
            grid.addWidget(button, place // 3, place % 3)
        self._group.buttonClicked.connect(self._clicked)
        grid.addWidget(self.blink, 1, 2)
        self.blink.toggled.connect(self._blink_toggled)
        rows.addLayout(grid)
        for widget in (self.shown, self.message, self.window_row, self.residual_box):
            rows.addWidget(widget)
        for title, section in (
            ("Regions", self.evidence),
            ("Reference", self.reference),
            ("Structure check", self.structure),
        ):
            label = QLabel(f"<b>{title}</b>")
            rows.addWidget(label)
            rows.addWidget(section)
        rows.addStretch()
        self.fill(content)
        self.evidence.draw.connect(self._needs_one_picture)
        self.structure.marked.connect(self._laid_over)
        self._say("")
        self._show_buttons()

    def _shortcuts(self) -> None:
        for key, mode in enumerate(Mode, 1):
            self.add_shortcut(str(key), self.buttons[mode].click)
        self.add_shortcut("Space", self.flip)

    def _choose_likely(self, *, quietly: bool = False) -> None:
        for name, layer in zip("AB", likely_pair(self._viewer), strict=True):
            self.choosers[name].choose(layer, quietly=quietly)

    def _layers(self) -> list[Any]:
        a, b = self.choosers["A"].layer, self.choosers["B"].layer
        more = [self.choosers[name].layer for name in "CD"]
        return [a, b, *(layer for layer in more if layer is not None and layer not in (a, b))]

    def _pair_changed(self) -> None:
        if self.choosers["A"].layer is None and self.choosers["B"].layer is None and self._open:
            self._choose_likely(quietly=True)
        self._tell_sections()
        if self.view.mode is not None:
            both = self.choosers["A"].layer is not None and self.choosers["B"].layer is not None
            self.show_mode(self.view.mode if both else None)

    def _tell_sections(self) -> None:
        a, b = self.choosers["A"].layer, self.choosers["B"].layer
        self.window_row.set_layer(a)
        self.evidence.set_pair(a, b)
        self.reference.set_pair(a, b)
        self.structure.set_pair(a, b)

    def _clicked(self, button: QPushButton) -> None:
        mode = next(mode for mode, one in self.buttons.items() if one is button)
        if self.choosers["B"].layer is None:
            self._choose_likely()
        self.show_mode(None if mode is self.view.mode else mode)

    def _needs_one_picture(self) -> None:
        if self.view.mode in (None, Mode.SIDE_BY_SIDE):
            self.show_mode(Mode.CURTAIN)
        self.evidence.ensure_layer()
        self._laid_over()

    def _laid_over(self) -> None:
        marks = self.structure.marks if self.structure.show_marks.isChecked() else None
        self.view.laid_over = [layer for layer in (self.evidence.layer, marks) if layer is not None]
        if self.view.mode is Mode.SIDE_BY_SIDE:
            for layer in self.view.laid_over:
                layer.visible = False
        self.view.suit_texts()

    def _blink(self) -> None:
        if self.view.array is not None and self.view.mode is Mode.FLICKER:
            self.view.flip()
            self._show_buttons()

    def _blink_toggled(self, on: bool) -> None:
        if on and self.view.mode is Mode.FLICKER:
            self._timer.start()
        else:
            self._timer.stop()

    def _show_buttons(self) -> None:
        for mode, button in self.buttons.items():
            button.setChecked(mode is self.view.mode)
        residual = self.view.mode is Mode.RESIDUAL and self.view.layer is not None
        self.window_row.setVisible(not residual)
        self.residual_box.setVisible(residual)
        if residual:
            half = float(self.view.layer.contrast_limits[1])
            self.residual_box.blockSignals(True)
            self.residual_box.setDecimals(0 if half >= 10 else 3)
            self.residual_box.setValue(half)
            self.residual_box.blockSignals(False)
        array = self.view.array
        flicker = self.view.mode is Mode.FLICKER and array is not None
        self.blink.setEnabled(self.view.mode is Mode.FLICKER)
        self.shown.setVisible(flicker)
        if flicker:
            name = "A" if array.picture is Picture.A else "B"
            layer = self.choosers[name].layer
            self.shown.setText(f"Now {name}: {layer.name if layer is not None else ''}")

    def _say(self, text: str) -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def shut(self) -> None:
        """Stop comparing, and put the viewer back as it was."""
        self._timer.stop()
        self.evidence.shut()
        self.structure.shut()
        self.reference.shut()
        self.window_row.let_go()
        self.view.stop()
        for chooser in self.choosers.values():
            chooser.let_go()


def open_compare(viewer: Any, layers: Sequence[Image]) -> CompareDock:
    """Show layers side by side, A first, in the Compare dock, which is opened where it is not open yet."""
    dock = viewer.window.dock_widgets.get(DOCK_NAME)
    if not isinstance(dock, CompareDock):
        dock = CompareDock(viewer)
        viewer.window.add_dock_widget(dock, name=DOCK_NAME, area="right", tabify=True)
    area = dock.parentWidget()
    if area is not None:
        area.show()
        area.raise_()
    dock.compare(list(layers)[:4])
    return dock
