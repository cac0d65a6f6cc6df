"""Controls for a pydantic model: names, ranges, defaults and tooltips come from its fields and from nowhere else."""

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from annotated_types import Ge, Gt, Le, Lt, MultipleOf
from magicgui.widgets import Container, create_widget
from magicgui.widgets.bases import ValueWidget
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from qtpy.QtWidgets import QGraphicsOpacityEffect, QWidget

M = TypeVar("M", bound=BaseModel)

PASSED_ON = ("step", "orientation", "choices")
"""Hints of a field that magicgui understands as they are."""


def hints(field: FieldInfo) -> dict[str, Any]:
    """What a field says of its looks: {"widget": "Slider", "step": 0.05, "advanced": True, "turns_off": "fast"}."""
    return field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}


def is_used(field: FieldInfo, value: BaseModel) -> bool:
    """Whether a field matters while the others are as they are: {"used_with": {"other": its value}}."""
    wanted: dict[str, Any] = hints(field).get("used_with", {})
    return all(getattr(value, name) == one for name, one in wanted.items())


def is_advanced(field: FieldInfo) -> bool:
    """Whether a field belongs under "Advanced"."""
    return bool(hints(field).get("advanced"))


def bounds(field: FieldInfo) -> dict[str, Any]:
    """Minimum, maximum and step of a number; an exclusive bound lies one step inside."""
    found: dict[str, Any] = {}
    step = hints(field).get("step", 1 if field.annotation is int else 0.01)
    for bound in field.metadata:
        match bound:
            case Ge():
                found["min"] = bound.ge
            case Gt():
                found["min"] = bound.gt + step
            case Le():
                found["max"] = bound.le
            case Lt():
                found["max"] = bound.lt - step
            case MultipleOf():
                found["step"] = bound.multiple_of
    return found


def control(name: str, field: FieldInfo, value: Any, **more: Any) -> ValueWidget:
    """One control.

    Parameters
    ----------
    name, field : of the model.
    value : to show first.
    more : options of magicgui that go before what the field says.
    """
    hint = hints(field)
    options: dict[str, Any] = {"tooltip": _tooltip(field), **bounds(field)}
    options |= {key: hint[key] for key in PASSED_ON if key in hint}
    kind = hint.get("widget")
    if kind is None and {"min", "max"} <= options.keys():
        kind = {int: "Slider", float: "FloatSlider"}.get(field.annotation)
    if kind is not None:
        options["widget_type"] = kind
    options |= more
    label = field.title or name.replace("_", " ").capitalize()
    return create_widget(value=value, annotation=field.annotation, name=name, label=label, options=options)


class SettingsForm(Generic[M]):
    """A model as controls, in two parts.

    Parameters
    ----------
    value : the model to show first.
    changed : called after the user, or `set`, changed something to a valid model.
    names : fields to show; all when not given.
    more : options of magicgui for single fields, by name.

    Attributes
    ----------
    basic, advanced : magicgui containers; either may be empty.
    """

    def __init__(
        self,
        value: M,
        changed: Callable[[], Any],
        names: Iterable[str] | None = None,
        more: dict[str, dict[str, Any]] | None = None,
    ) -> None:
        self._value = value
        self._changed = changed
        fields = type(value).model_fields
        shown = {name: fields[name] for name in (fields if names is None else names)}
        rows: dict[bool, list[ValueWidget]] = {False: [], True: []}
        for name, field in shown.items():
            row = control(name, field, getattr(value, name), **(more or {}).get(name, {}))
            rows[is_advanced(field)].append(row)
        self.basic, self.advanced = (Container(widgets=rows[part]) for part in (False, True))
        for part in (self.basic, self.advanced):
            part.margins = (0, 0, 0, 0)
            part.changed.connect(self._read)
        self._show()

    @property
    def value(self) -> M:
        """The model as the controls show it."""
        return self._value

    def set(self, value: M) -> None:
        """Show another model; `changed` is called if it differs."""
        if value == self._value:
            return
        self._value = value
        self._show()
        self._changed()

    def __getitem__(self, name: str) -> ValueWidget:
        """The control of a field."""
        return next(row for part in (self.basic, self.advanced) for row in part if row.name == name)

    def _show(self) -> None:
        for part in (self.basic, self.advanced):
            with part.changed.blocked():
                for row in part:
                    row.value = getattr(self._value, row.name)
                    row.enabled = is_used(type(self._value).model_fields[row.name], self._value)
                    _fade(row.native, not row.enabled)

    def _read(self) -> None:
        shown = {row.name: row.value for part in (self.basic, self.advanced) for row in part}
        fields = type(self._value).model_fields
        for name, given in list(shown.items()):
            other = hints(fields[name]).get("turns_off")
            if other in shown and given != getattr(self._value, name):
                shown[other] = False  # who sets the steps of the slow way wants the slow way
        value = type(self._value).model_validate(self._value.model_dump() | shown)
        if value == self._value:
            return
        self._value = value
        self._show()  # a control may have been turned off, or put right by the model
        self._changed()


def _fade(widget: QWidget, faded: bool) -> None:
    """Show that a control can not be used: napari's themes draw a disabled slider like any other."""
    if not faded:
        widget.setGraphicsEffect(None)
    elif widget.graphicsEffect() is None:
        effect = QGraphicsOpacityEffect(widget)
        effect.setOpacity(0.35)
        widget.setGraphicsEffect(effect)


def _tooltip(field: FieldInfo) -> str:
    unit = hints(field).get("unit")
    return f"{field.description or ''}{f' ({unit})' if unit else ''}"
