"""What every engine lets the user set: one schema for command line, napari, Slicer and provenance. No torch here."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class EngineSettings(BaseModel):
    """What every engine lets the user set. The only place for a setting's name, range, default and words."""

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
        json_schema_extra={"widget": "CheckBox"},
    )
    seed: int = Field(
        default=0,
        ge=0,
        le=2**31 - 1,
        title="Seed",
        description="Start of the random numbers, where an engine draws any; the same seed gives the same image.",
        json_schema_extra={"widget": "SpinBox", "advanced": True},
    )
