"""The table of region statistics: before, after, change."""

from collections.abc import Sequence

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHeaderView, QSizePolicy, QTableWidget, QTableWidgetItem

from quietvoxel.napari_plugin.compare_regions import RegionRow

COLUMNS = ("Region", "A", "B", "Change")
MOST_ROWS = 8


class RegionTable(QTableWidget):
    """One row a figure; as tall as its rows, up to eight."""

    def __init__(self) -> None:
        super().__init__(0, len(COLUMNS))
        self.setHorizontalHeaderLabels(COLUMNS)
        self.verticalHeader().hide()
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().setDefaultSectionSize(22)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_rows(())

    def show_rows(self, rows: Sequence[RegionRow]) -> None:
        """Show these rows."""
        self.setRowCount(len(rows))
        for number, row in enumerate(rows):
            texts = (row.name, figure(row.before), figure(row.after), percent(row.change))
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                if column:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.setItem(number, column, item)
        height = self.horizontalHeader().sizeHint().height() + 22 * min(len(rows), MOST_ROWS) + 4
        self.setFixedHeight(height)
        self.setVisible(bool(rows))


def figure(value: float) -> str:
    """Four significant digits; "∞" for what has no noise."""
    if np.isinf(value):
        return "∞"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.3g}"


def percent(change: float) -> str:
    """Such as "−42 %"; a dash where there is nothing to relate to."""
    if not np.isfinite(change):
        return "–"
    whole = round(100 * change)
    return f"{whole:+} %".replace("-", "−") if whole else "0 %"
