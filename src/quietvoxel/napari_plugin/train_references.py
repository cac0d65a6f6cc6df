"""The references of a training: layers, files and folders, what they are, and which of them are left out and why."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from napari.layers import Layer
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QShortcut,
    QVBoxLayout,
    QWidget,
)

from quietvoxel.errors import QuietVoxelError
from quietvoxel.jobs import (
    Done,
    Failure,
    InferenceThread,
    Message,
    ReferenceFound,
    ReferencesJob,
    ReferencesSummary,
    summary_of,
)
from quietvoxel.napari_plugin.adapter import volume_from_layer
from quietvoxel.napari_plugin.layer_menu import LayerMenu
from quietvoxel.napari_plugin.relay import mailbox_for
from quietvoxel.napari_plugin.train_reference_words import Entry, summary_line
from quietvoxel.volume import Volume

FILTER = "Scans (*.nii *.nii.gz *.nrrd *.nhdr *.mha *.mhd *.dcm);;All files (*)"

LEAST_LINES, MOST_LINES = 2, 6
"""Lines of the list that are seen at once."""

NAMED = 4
"""References left out that are named in the dock; the tooltip names all."""


@lru_cache(maxsize=1)
def reading_thread() -> InferenceThread:
    """A thread that reads references and saves models, so that a hundred CTs do not keep the Denoise dock waiting."""
    thread = InferenceThread()
    thread.stop_at_exit()
    return thread


class TrainReferences(QWidget):
    """The list, its buttons, and the line that sums it up.

    Parameters
    ----------
    viewer : whose layers are offered.

    Attributes
    ----------
    changed : another summary, or none yet.
    entries : the lines of the list.
    """

    changed = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self._mailbox = mailbox_for(self._read_mail)
        self._modality: str | None = None
        self.entries: list[Entry] = []
        self.list = QListWidget()
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setToolTip("Noisy scans to learn from; Delete takes the chosen ones off the list")
        self.layers_button = QPushButton("+ layers")
        self.files_button = QPushButton("+ files")
        self.folder_button = QPushButton("+ folder")
        self.remove_button = QPushButton("Remove")
        self.layers_button.setToolTip("Volumes that are open in the viewer")
        self.files_button.setToolTip("NIfTI, NRRD, MetaImage or DICOM files")
        self.folder_button.setToolTip("Searched to the bottom; every DICOM series in it is one reference")
        self.summary_line, self.left_out_line = QLabel(), QLabel()
        for label in (self.summary_line, self.left_out_line):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.menu = LayerMenu(self, viewer)
        self.menu.chosen.connect(self.add_layers)
        self.layers_button.setMenu(self.menu)
        self._lay_out()
        self.files_button.clicked.connect(self._ask_files)
        self.folder_button.clicked.connect(self._ask_folder)
        self.remove_button.clicked.connect(self.remove_chosen)
        self.list.itemSelectionChanged.connect(self._show_buttons)
        delete = QShortcut(
            QKeySequence(Qt.Key.Key_Delete), self.list, context=Qt.ShortcutContext.WidgetShortcut
        )
        delete.activated.connect(self.remove_chosen)
        viewer.layers.events.removed.connect(self._layer_removed)
        self.destroyed.connect(self._mailbox.close)
        self._show()

    @property
    def sources(self) -> list[Path | Layer]:
        """Files, folders and layers on the list."""
        return [entry.source for entry in self.entries]

    @property
    def looking(self) -> bool:
        """Whether some are still being read."""
        return any(entry.ticket is not None for entry in self.entries)

    @property
    def summary(self) -> ReferencesSummary:
        """All of them in one line, as far as they are known."""
        return summary_of([one for entry in self.entries for one in entry.found], self._modality)

    def set_modality(self, modality: str | None) -> None:
        """Say what is trained, which files that do not say what they are follow; None: that of the first reference."""
        if modality == self._modality:
            return
        self._modality = modality
        for entry in self.entries:
            self._look(entry)
        self._show()

    def add_layers(self, layers: list[Layer]) -> None:
        """Add volumes of the viewer; layers that are none say why."""
        for layer in layers:
            if layer not in self.sources:
                self.entries.append(Entry(layer))
                self._look(self.entries[-1])
        self._show()

    def add_paths(self, paths: list[Path]) -> None:
        """Add files and folders."""
        for path in paths:
            if path not in self.sources:
                self.entries.append(Entry(path))
                self._look(self.entries[-1])
        self._show()

    def remove_chosen(self) -> None:
        """Take the chosen lines off the list."""
        chosen = {self.list.row(item) for item in self.list.selectedItems()}
        self._keep([entry for row, entry in enumerate(self.entries) if row not in chosen])

    def given(self) -> list[Path | Volume]:
        """What is handed to a training: paths, and the volumes that layers are now; without those left out whole.

        Raises
        ------
        BadInputError
            If a layer is no volume any more.
        """
        usable = [entry for entry in self.entries if not entry.trouble]
        return [e.source if isinstance(e.source, Path) else volume_from_layer(e.source) for e in usable]

    def let_go(self) -> None:
        """Stop reading, and stop listening to the viewer."""
        self._mailbox.close()
        self._viewer.layers.events.removed.disconnect(self._layer_removed)
        for entry in self.entries:
            if entry.ticket is not None:
                entry.ticket.cancel()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        for button in (self.layers_button, self.files_button, self.folder_button, self.remove_button):
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        for widget in (self.list, self.summary_line, self.left_out_line):
            layout.addWidget(widget)

    def _look(self, entry: Entry) -> None:
        if entry.ticket is not None:
            entry.ticket.cancel()
        entry.found, entry.trouble, entry.ticket = [], "", None
        try:
            if isinstance(entry.source, Path):
                job = ReferencesJob((entry.source,), self._modality)
            else:
                volumes = ((entry.name, volume_from_layer(entry.source)),)
                job = ReferencesJob((), self._modality, volumes)
        except QuietVoxelError as error:
            entry.trouble = str(error)
            return
        entry.ticket = reading_thread().submit(job, self._mailbox)

    def _read_mail(self) -> None:
        for message in self._mailbox.drain():
            self._take(message)
        self._show()

    def _take(self, message: Message) -> None:
        entry = next((one for one in self.entries if one.ticket is message.ticket), None)
        if entry is None:
            return
        match message.content:
            case ReferenceFound() as one:
                entry.found.append(one)
                entry.done, entry.total = one.done, one.total
            case Done():
                entry.ticket = None
            case Failure() as failure:
                entry.ticket, entry.trouble = None, failure.sentence
            case _:
                entry.ticket = None

    def _show(self) -> None:
        chosen = {self.list.row(item) for item in self.list.selectedItems()}
        self.list.clear()
        for row, entry in enumerate(self.entries):
            item = QListWidgetItem(entry.line())
            item.setToolTip(str(entry.source) if isinstance(entry.source, Path) else "a layer of the viewer")
            self.list.addItem(item)
            item.setSelected(row in chosen)
        line = self.list.fontMetrics().lineSpacing() + 2
        self.list.setFixedHeight(line * min(max(len(self.entries), LEAST_LINES), MOST_LINES) + 6)
        known = self.summary
        self.summary_line.setText(summary_line(known) if known.volumes else self._nothing())
        self.summary_line.setToolTip(f"Noise: estimated standard deviation, {known.unit}")
        sentences = [entry.trouble for entry in self.entries if entry.trouble]
        sentences += [self._short(one) for one in known.left_out]
        more = [f"… and {len(sentences) - NAMED} more"] if len(sentences) > NAMED else []
        self.left_out_line.setText("\n".join([*sentences[:NAMED], *more]))
        self.left_out_line.setToolTip("\n".join(sentences))
        self.left_out_line.setVisible(bool(sentences))
        self._show_buttons()
        self.changed.emit()

    def _nothing(self) -> str:
        if self.looking:
            return "Reading…"
        if self.entries:
            return "None of these can be trained on; add other references."
        return "Add noisy scans to learn from: they need no clean counterpart."

    def _short(self, sentence: str) -> str:
        """Without the folders in which the files lie: the dock is narrow, and the list's tooltips have them."""
        for entry in self.entries:
            for one in entry.found:
                sentence = sentence.replace(str(one.path), one.path.name)
        return sentence

    def _show_buttons(self) -> None:
        self.remove_button.setEnabled(bool(self.list.selectedItems()))

    def _keep(self, entries: list[Entry]) -> None:
        for entry in self.entries:
            if entry not in entries and entry.ticket is not None:
                entry.ticket.cancel()
        self.entries = entries
        self.list.clearSelection()
        self._show()

    def _layer_removed(self, event: Any) -> None:
        if event.value in self.sources:
            self._keep([entry for entry in self.entries if entry.source is not event.value])

    def _ask_files(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(self, "Noisy scans to learn from", "", FILTER)
        self.add_paths([Path(name) for name in names])

    def _ask_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "A folder of noisy scans")
        if name:
            self.add_paths([Path(name)])
