"""What every engine lets the user set: one schema for command line, napari, Slicer and provenance. No torch here."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo


class EngineSettings(BaseModel):
    """What every engine lets the user set. The only place for a setting's name, range, default and words.

    A field may say in its `json_schema_extra` which switch it turns off when the user touches it:
    `{"turns_off": "student"}`. Settings made from some of the fields, as on the command line, follow that by
    themselves unless the switch is among them; a form that always shows all fields uses `touched`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    strength: float = Field(
        default=1.0,
        ge=0.0,
        le=3.0,
        title="Degradation strength",
        description="How much noise is removed: 0 returns the input, 1 the noise estimated in it, more removes more.",
        json_schema_extra={"widget": "FloatSlider", "step": 0.05, "unit": "x noise"},
    )
    best_quality: bool = Field(
        default=False,
        title="Best quality",
        description="Average the eight flips and rotations of each slice; eight times slower.",
        json_schema_extra={"widget": "CheckBox", "draft": False},
    )
    seed: int = Field(
        default=0,
        ge=0,
        le=2**31 - 1,
        title="Seed",
        description="Start of the random numbers, where an engine draws any; the same seed gives the same image.",
        json_schema_extra={"widget": "SpinBox", "advanced": True},
    )

    @model_validator(mode="before")
    @classmethod
    def _turn_off(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        switches = {switched_off_by(cls.model_fields[name]) for name in given if name in cls.model_fields}
        return {**dict.fromkeys(switches - {None}, False), **given}

    def touched(self, **changes: Any) -> Self:
        """These settings after the user touched some fields, with the switches off that those turn off.

        Raises
        ------
        pydantic.ValidationError
            If a value is out of its range.
        """
        switches = {switched_off_by(type(self).model_fields[name]) for name in changes} - {None, *changes}
        return type(self).model_validate(self.model_dump() | dict.fromkeys(switches, False) | changes)


def switched_off_by(field: FieldInfo) -> str | None:
    """The name of the switch that touching this field turns off, if any."""
    extra = field.json_schema_extra
    name = extra.get("turns_off") if isinstance(extra, dict) else None
    return name if isinstance(name, str) else None
