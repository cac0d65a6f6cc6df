"""Controls of an engine as data: rows from the JSON schema of its settings, and what touching one does to others."""

from dataclasses import dataclass

MANY = 1_000_000_000
"""End of a range that the schema leaves open."""


@dataclass(frozen=True)
class Row:
    """One control.

    Attributes
    ----------
    name, title, tooltip : of the setting.
    kind : "slider", "number", "whole", "check", "choice" or "text".
    low, high, step : of numbers.
    choices : of "choice".
    advanced : belongs under Advanced.
    turns_off : name of the switch that touching this clears, or "".
    used_with : ((name, value), ...) of the settings without which this one does nothing.
    """

    name: str
    title: str
    tooltip: str
    kind: str
    default: object
    low: float = 0.0
    high: float = MANY
    step: float = 1.0
    choices: tuple = ()
    advanced: bool = False
    turns_off: str = ""
    used_with: tuple = ()

    @property
    def decimals(self):
        """Digits after the point that the step needs."""
        if self.kind == "whole" or (self.step == int(self.step) and isinstance(self.default, int)):
            return 0
        return max(0, len(f"{self.step:.10f}".rstrip("0").partition(".")[2]))


def rows_of(schema):
    """The rows of a settings schema, in its order; fields that no control can show are left out."""
    found = []
    for name, field in schema.get("properties", {}).items():
        kind = _kind(field)
        if kind is None:
            continue
        unit = field.get("unit", "")
        words = field.get("description", "")
        whole = field.get("type") == "integer"
        step = field.get("step", field.get("multipleOf", 1 if whole else 0.01))
        low = field.get("minimum", field["exclusiveMinimum"] + step if "exclusiveMinimum" in field else 0)
        high = field.get("maximum", field["exclusiveMaximum"] - step if "exclusiveMaximum" in field else MANY)
        found.append(
            Row(
                name,
                field.get("title") or name.replace("_", " ").capitalize(),
                f"{words} ({unit})" if unit else words,
                kind,
                field.get("default"),
                low,
                high,
                step,
                tuple(field.get("enum", ())),
                bool(field.get("advanced")),
                field.get("turns_off") or "",
                tuple(field.get("used_with", {}).items()),
            )
        )
    return found


def _kind(field):
    if "enum" in field:
        return "choice"
    kind, widget = field.get("type"), field.get("widget", "")
    if kind == "boolean":
        return "check"
    if kind in ("integer", "number"):
        bounded = "minimum" in field and "maximum" in field
        if widget.endswith("SpinBox") or not bounded:
            return "whole" if kind == "integer" else "number"
        return "slider"
    return "text" if kind == "string" else None


class SettingsValues:
    """The values of a form.

    Parameters
    ----------
    rows : of the form.
    kept : values of an earlier session, as far as they still fit.
    """

    def __init__(self, rows, kept=None):
        self._rows = {row.name: row for row in rows}
        self._values = {row.name: row.default for row in rows}
        for name, value in (kept or {}).items():
            if name in self._rows and fits(self._rows[name], value):
                self._values[name] = value

    @property
    def values(self):
        """As the worker takes them."""
        return dict(self._values)

    def is_used(self, name):
        """Whether a setting matters while the others are as they are."""
        return all(self._values.get(other) == value for other, value in self._rows[name].used_with)

    def touch(self, name, value):
        """The user set a value; gives the names of the other settings that changed with it."""
        row = self._rows[name]
        if value == self._values[name]:
            return []
        self._values[name] = value
        if row.turns_off and self._values.get(row.turns_off):
            self._values[row.turns_off] = False
            return [row.turns_off]
        return []


def fits(row, value):
    """Whether a value is one that the row allows."""
    if row.kind == "check":
        return isinstance(value, bool)
    if row.kind == "choice":
        return value in row.choices
    if row.kind == "text":
        return isinstance(value, str)
    return isinstance(value, int | float) and not isinstance(value, bool) and row.low <= value <= row.high
