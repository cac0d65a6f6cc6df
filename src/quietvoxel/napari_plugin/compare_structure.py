"""The structure check in the Compare dock: a coloured verdict, marks over the picture, places to jump to."""

from typing import Any

import numpy as np
from napari.layers import Image
from napari.utils.colormaps import Colormap
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from quietvoxel.errors import QuietVoxelError
from quietvoxel.jobs import Cancelled, Done, Failure, Ticket, inference_thread
from quietvoxel.jobs.structure_job import SliceChecked, StructureJob
from quietvoxel.napari_plugin.adapter import METADATA_KEY, volume_from_layer
from quietvoxel.napari_plugin.compare_view import check_pair
from quietvoxel.napari_plugin.layer_chooser import ROLE
from quietvoxel.napari_plugin.relay import mailbox_for
from quietvoxel.napari_plugin.result_layers import add_above, looks_of
from quietvoxel.napari_plugin.run_bar import RunBar
from quietvoxel.quality import Place, StructureCheck, Verdict

NAME = "Structure check"
DOTS = {Verdict.GREEN: "#3fbf5f", Verdict.AMBER: "#ffb000", Verdict.RED: "#ff4040"}
MOST_PLACES = 100
LIST_HEIGHT = 110
MARKS = Colormap([[0, 0, 0, 0], [1, 0.7, 0, 0.45], [1, 0.1, 0, 0.7]], controls=[0, 0.01, 1], name="structure")
"""Clear below the limit of noise, amber above it, red from three times as much."""


class StructureSection(QWidget):
    """Checks B against A in the inference thread.

    Parameters
    ----------
    viewer : a napari viewer.

    Attributes
    ----------
    marked : the marks came or went.
    marks : their layer, or None.
    result : of the last check, or None.
    """

    marked = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self._mailbox = mailbox_for(self._read_mail)
        self._ticket: Ticket | None = None
        self._pair: tuple[Image | None, Image | None] = (None, None)
        self.result: StructureCheck | None = None
        self.marks: Image | None = None
        self.bar = RunBar("Check structure")
        self.bar.button.setToolTip(
            "Looks for places where what was removed is not noise: erased vessels, lesions, edges"
        )
        self.verdict = QLabel()
        self.verdict.setWordWrap(True)
        self.show_marks = QCheckBox("marks")
        self.show_marks.setChecked(True)
        self.show_marks.setToolTip(
            "Marks over the picture (not side by side): amber to red, the less like noise"
        )
        self.list = QListWidget()
        self.list.setMaximumHeight(LIST_HEIGHT)
        self.list.setToolTip("Places, strongest first; 1.0 is the most that noise gives. Click to go there.")
        row = QHBoxLayout()
        row.addWidget(self.verdict, stretch=1)
        row.addWidget(self.show_marks)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.bar)
        layout.addLayout(row)
        layout.addWidget(self.list)
        self.bar.start.connect(self.start)
        self.bar.cancel.connect(self.cancel)
        self.show_marks.toggled.connect(self._toggle_marks)
        self.list.currentItemChanged.connect(self._jump_to_item)
        self.list.itemClicked.connect(self._jump_to_item)
        self.destroyed.connect(self._mailbox.close)
        self._show_result()

    def set_pair(self, a: Image | None, b: Image | None) -> None:
        """Choose what is checked; an older result goes."""
        if (a, b) != self._pair:
            self.cancel()
            self._pair = (a, b)
            self.result = None
            self._show_result()
        self.bar.set_ready(a is not None and b is not None)

    def start(self) -> None:
        """Check; what the button does."""
        if self.bar.run.state.busy:
            return
        a, b = self._pair
        try:
            check_pair(a, b)
            job = StructureJob(volume_from_layer(a), volume_from_layer(b))
        except QuietVoxelError as error:
            self.bar.say(str(error))
            return
        self.result = None
        self._show_result()
        self.bar.run.submit()
        self.bar.say("")
        self.bar.show_state()
        self._ticket = inference_thread().submit(job, self._mailbox)

    def cancel(self) -> None:
        """Stop a running check."""
        if self.bar.run.ask_cancel():
            self.bar.show_state()
            if self._ticket is not None:
                self._ticket.cancel()

    def shut(self) -> None:
        """Stop for good, and take the marks away."""
        self._mailbox.close()
        if self._ticket is not None:
            self._ticket.cancel()
        self._drop_marks()

    def jump_to(self, place: Place) -> None:
        """Show the slice of a place, with the place in the middle of the canvas."""
        a = self._pair[0]
        if a is None:
            return
        viewer = self._viewer
        world = np.asarray(a.data_to_world(place.index))
        first = viewer.dims.ndim - len(world)
        for axis, value in enumerate(world, first):
            viewer.dims.set_point(axis, float(value))
        shown = [world[axis - first] for axis in viewer.dims.displayed]
        viewer.scene.camera.center = (0.0, *map(float, shown[-2:]))

    def _read_mail(self) -> None:
        for message in self._mailbox.drain():
            if message.ticket is not self._ticket or not self.bar.run.state.busy:
                continue
            match message.content:
                case SliceChecked(done, total):
                    self.bar.run.started()
                    self.bar.show_state()
                    self.bar.show_progress(done / total, f"slice {done}/{total}")
                case Done(result):
                    self.bar.run.done()
                    self.result = result
                    self._show_result()
                case Cancelled():
                    self.bar.run.cancelled()
                case Failure() as failure:
                    self.bar.run.failed()
                    self.bar.say_failure(failure)
        self.bar.show_state()

    def _show_result(self) -> None:
        result = self.result
        self.list.blockSignals(True)
        self.list.clear()
        for place in result.places[:MOST_PLACES] if result else ():
            # Counted from 0, as napari's own slider does.
            item = QListWidgetItem(f"slice {place.index[0]}   {place.kind}   {place.strength:.1f}")
            item.setData(Qt.ItemDataRole.UserRole, place)
            self.list.addItem(item)
        self.list.blockSignals(False)
        self.list.setVisible(bool(self.list.count()))
        self.verdict.setVisible(result is not None)
        self.show_marks.setVisible(bool(self.list.count()))
        if result is not None:
            self.verdict.setText(f'<span style="color:{DOTS[result.verdict]}">●</span> {result.sentence}')
        self._drop_marks()
        if result is not None and result.places:
            self._add_marks(result)

    def _add_marks(self, result: StructureCheck) -> None:
        a = self._pair[0]
        if a is None or a not in self._viewer.layers:
            return
        side = result.strengths.grid.side
        tiles = np.array([1, side, side])
        looks = looks_of(a) | {
            "scale": np.asarray(a.scale) * tiles,
            # The middle of the first tile, not of its first voxel.
            "translate": np.asarray(a.translate) + np.asarray(a.scale) * (tiles - 1) / 2,
            "colormap": MARKS,
            "contrast_limits": (1.0, 3.0),
            "gamma": 1.0,
            "interpolation2d": "nearest",
        }
        self.marks = add_above(
            self._viewer,
            list(self._viewer.layers),
            result.strengths.strength,
            name=NAME,
            blending="translucent",
            visible=self.show_marks.isChecked(),
            metadata={METADATA_KEY: {ROLE: "preview"}},
            **looks,
        )
        self.marked.emit()

    def _drop_marks(self) -> None:
        marks, self.marks = self.marks, None
        if marks is None:
            return
        if marks in self._viewer.layers:
            self._viewer.layers.remove(marks)
        self.marked.emit()

    def _toggle_marks(self, shown: bool) -> None:
        if self.marks is not None and self.marks in self._viewer.layers:
            self.marks.visible = shown
        self.marked.emit()

    def _jump_to_item(self, item: QListWidgetItem | None, *_before: Any) -> None:
        if item is not None:
            self.jump_to(item.data(Qt.ItemDataRole.UserRole))
