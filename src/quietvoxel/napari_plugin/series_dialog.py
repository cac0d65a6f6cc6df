"""Questions that a folder or a 4-D file leaves open: which series, which frame."""

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QInputDialog,
    QLabel,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from quietvoxel.io import Series

COLUMNS = ("Series", "Description", "Modality", "Images", "Size")


class SeriesDialog(QDialog):
    """List the series of a folder; the one with most images is chosen until the user chooses.

    Parameters
    ----------
    series : as `quietvoxel.io.list_series` gives them.
    folder : its name, for the title.
    """

    def __init__(self, series: Sequence[Series], folder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Which series?")
        self.table = QTreeWidget()
        self.table.setColumnCount(len(COLUMNS))
        self.table.setHeaderLabels(COLUMNS)
        self.table.setRootIsDecorated(False)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.setToolTip("Several can be opened at once: hold Ctrl or Shift.")
        for one in series:
            self.table.addTopLevelItem(QTreeWidgetItem(_row(one)))
        self.table.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.header().setStretchLastSection(False)
        largest = max(range(len(series)), key=lambda k: (not series[k].localizer, len(series[k].slices)))
        self.table.setCurrentItem(self.table.topLevelItem(largest))
        self.table.itemDoubleClicked.connect(self.accept)
        button = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(button.Open | button.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        label = QLabel(f"{folder} holds {len(series)} series. Open which?")
        label.setTextFormat(Qt.TextFormat.PlainText)
        layout.addWidget(label)
        layout.addWidget(self.table)
        layout.addWidget(buttons)
        self.resize(620, min(420, 150 + 26 * len(series)))

    def chosen(self) -> list[int]:
        """Places in the list of the chosen series, from 0."""
        return sorted(self.table.indexOfTopLevelItem(item) for item in self.table.selectedItems())


def ask_series(series: Sequence[Series], folder: str, parent: QWidget | None) -> list[int]:
    """Let the user choose; the places of the chosen series, none after Cancel."""
    dialog = SeriesDialog(series, folder, parent)
    try:
        accepted = dialog.exec() == QDialog.DialogCode.Accepted
        return dialog.chosen() if accepted else []
    finally:
        dialog.deleteLater()


def ask_frame(name: str, count: int, parent: QWidget | None) -> int | None:
    """Let the user choose one volume of a 4-D file, counted from 1 on the screen; None after Cancel."""
    number, accepted = QInputDialog.getInt(
        parent, "Which volume?", f"{name} holds {count} volumes. Open number", 1, 1, count
    )
    return number - 1 if accepted else None


def _row(one: Series) -> list[str]:
    kind = " (localizer)" if one.localizer else " (colour)" if one.colour else ""
    size = f"{one.columns} × {one.rows}"
    return [one.number, one.description + kind, one.modality, str(len(one.slices)), size]
