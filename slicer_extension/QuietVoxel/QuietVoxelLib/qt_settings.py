"""The rows of a settings form as widgets: one a setting, with range, tooltip and unit from the schema."""

import ctk
import qt

from .core_words import core
from .settings_form import SettingsValues


class SettingsWidgets:
    """Builds the controls and keeps their values.

    Parameters
    ----------
    rows : from `settings_form.rows_of`.
    basic, advanced : frames with a form layout each; a row goes into the one that it belongs to.
    kept : values of an earlier session.
    changed : called after the user changed something.
    """

    def __init__(self, rows, basic, advanced, kept, changed):
        self._values = SettingsValues(rows, kept)
        self._changed = changed
        self._quiet = False
        self.controls = {}
        for row in rows:
            frame = advanced if row.advanced else basic
            control = self._control(row)
            control.toolTip = core(row.tooltip)
            self.controls[row.name] = (row, control)
            frame.layout().addRow(core(row.title), control)
        self._show()

    @property
    def values(self):
        """As the worker takes them."""
        return self._values.values

    def set_choices(self, name, choices):
        """Offer other values for a text setting: [(title, value)]."""
        control = self.controls[name][1]
        value = self._values.values[name]
        self._quiet = True
        control.clear()
        for title, one in choices:
            control.addItem(title, one)
        control.currentIndex = max(0, control.findData(value))
        self._quiet = False

    def remove(self):
        """Take the controls away, with their labels."""
        for _row, control in self.controls.values():
            frame = control.parentWidget()
            frame.layout().removeRow(control)
        self.controls = {}

    def _control(self, row):
        name = row.name
        if row.kind == "check":
            control = qt.QCheckBox()
            control.connect("toggled(bool)", lambda value: self._touched(name, bool(value)))
        elif row.kind in ("choice", "text"):
            control = qt.QComboBox()
            for one in row.choices or (row.default,):
                control.addItem(str(one), one)
            control.connect(
                "currentIndexChanged(int)", lambda index: self._touched(name, self._data(name, index))
            )
        else:
            control = ctk.ctkSliderWidget() if row.kind == "slider" else qt.QDoubleSpinBox()
            control.decimals = row.decimals
            control.minimum = row.low
            control.maximum = row.high
            control.singleStep = row.step
            whole = isinstance(row.default, int)
            control.connect(
                "valueChanged(double)",
                lambda value: self._touched(name, round(value) if whole else float(value)),
            )
        return control

    def _data(self, name, index):
        return self.controls[name][1].itemData(index) if name in self.controls and index >= 0 else None

    def _touched(self, name, value):
        if self._quiet or value is None:
            return
        before = self._values.values[name]
        self._values.touch(name, value)
        if self._values.values[name] != before:
            self._show()
            self._changed()

    def _show(self):
        self._quiet = True
        for name, (row, control) in self.controls.items():
            value = self._values.values[name]
            if row.kind == "check":
                control.checked = value
            elif row.kind in ("choice", "text"):
                control.currentIndex = max(0, control.findData(value))
            elif control.value != value:
                control.value = value
            control.enabled = self._values.is_used(name)
        self._quiet = False
