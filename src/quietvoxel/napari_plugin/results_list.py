"""The list of results: which one the blend belongs to, its residual and uncertainty, and saving it."""

from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from quietvoxel.napari_plugin.result_layers import ResultLayer


class ResultRow(QWidget):
    """One result: its name, its side layers, and a button to save it."""

    save = Signal(object)

    def __init__(self, result: ResultLayer) -> None:
        super().__init__()
        self.result = result
        self.name = QRadioButton(result.layer.name)
        self.name.setToolTip("Blend with original works on this one")
        self.residual = QCheckBox("residual")
        self.residual.setToolTip("A layer with what was removed: original minus result")
        self.uncertainty = QCheckBox("uncertainty")
        self.uncertainty.setToolTip("A layer with the standard deviation, where the engine tells one")
        self.save_button = QPushButton("Save as…")
        row = QHBoxLayout()
        row.setContentsMargins(20, 0, 0, 0)
        for widget in (self.residual, self.uncertainty):
            row.addWidget(widget)
        row.addStretch()
        row.addWidget(self.save_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.name)
        layout.addLayout(row)
        self.residual.toggled.connect(self._show_residual)
        self.uncertainty.toggled.connect(self._show_uncertainty)
        self.save_button.clicked.connect(self._save)
        self.show_state()

    def show_state(self) -> None:
        """Show what the result has by now."""
        summary = self.result.summary
        self.save_button.setEnabled(summary is not None)
        self.uncertainty.setVisible(summary is not None and summary.uncertainty is not None)

    def side_gone(self, layer: Any) -> None:
        """The user removed a layer; it may be one of these."""
        for role, box in (("residual", self.residual), ("uncertainty", self.uncertainty)):
            if self.result.sides.get(role) is layer:
                box.setChecked(False)

    def rename(self) -> None:
        """Show the layer's new name."""
        self.name.setText(self.result.layer.name)

    def _show_residual(self, shown: bool) -> None:
        self.result.show_side("residual", shown)

    def _show_uncertainty(self, shown: bool) -> None:
        self.result.show_side("uncertainty", shown)

    def _save(self) -> None:
        self.save.emit(self.result)


class ResultsList(QWidget):
    """Results in the order in which they were made; a result that leaves the viewer leaves the list.

    Attributes
    ----------
    current_changed : another result is the current one.
    save : a result is to be saved; carries it.
    """

    current_changed = Signal()
    save = Signal(object)

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self.rows: list[ResultRow] = []
        self._group = QButtonGroup(self)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.addWidget(QLabel("Results"))
        self._group.buttonClicked.connect(self.current_changed)
        viewer.layers.events.removed.connect(self._removed)
        self.hide()

    @property
    def current(self) -> ResultLayer | None:
        """The result that blending belongs to."""
        return next((row.result for row in self.rows if row.name.isChecked()), None)

    def add(self, result: ResultLayer) -> None:
        """Add a result and make it the current one."""
        row = ResultRow(result)
        row.save.connect(self.save)
        result.layer.events.name.connect(self._renamed)
        self._group.addButton(row.name)
        row.name.setChecked(True)
        self.rows.append(row)
        self._layout.addWidget(row)
        self.show()
        self.current_changed.emit()

    def show_state(self) -> None:
        """Show what the results have by now."""
        for row in self.rows:
            row.show_state()

    def let_go(self) -> None:
        """Stop listening to the viewer."""
        self._viewer.layers.events.removed.disconnect(self._removed)
        for row in self.rows:
            row.result.layer.events.name.disconnect(self._renamed)

    def _removed(self, event: Any) -> None:
        for row in list(self.rows):
            if row.result.layer is event.value:
                self.rows.remove(row)
                self._group.removeButton(row.name)
                self._layout.removeWidget(row)
                row.hide()
                row.deleteLater()
                if self.rows and self.current is None:
                    self.rows[-1].name.setChecked(True)
                self.current_changed.emit()
            else:
                row.side_gone(event.value)
        self.setVisible(bool(self.rows))

    def _renamed(self, _event: Any = None) -> None:
        for row in self.rows:
            row.rename()
