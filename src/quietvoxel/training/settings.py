"""What the user can set in a fine-tuning, and what its plans are: one schema for command line and docks. No torch."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

PlanName = Literal["quick", "standard", "overnight"]

PLAN_SECONDS: dict[str, float] = {"quick": 600.0, "standard": 3600.0, "overnight": 36000.0}
"""How long a plan takes from its start to its model, reading of references included."""

PLAN_PIXELS: dict[str, float] = {"quick": 30e6, "standard": 150e6, "overnight": 1000e6}
"""How many pixels of references a plan uses. The noise of a CT takes about 3 microseconds a pixel to make, once."""

SCRATCH = "scratch"
"""What stands in place of a starting model's name where training starts from random weights."""


class TrainingSettings(BaseModel):
    """Advanced settings of a fine-tuning. 0 lets the program choose where the description says so."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    delta_min: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        title="Δ min",
        description="Least degradation time trained on; 0: that of the starting model.",
        json_schema_extra={"widget": "FloatSpinBox", "step": 0.01, "advanced": True},
    )
    delta_max: float = Field(
        default=0.0,
        ge=0.0,
        le=4.0,
        title="Δ max",
        description="Greatest degradation time trained on; 0: that of the starting model.",
        json_schema_extra={"widget": "FloatSpinBox", "step": 0.1, "advanced": True},
    )
    alpha: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        title="Curriculum α",
        description="Factor by which the range of degradation times widens in each curriculum epoch; 1: the whole "
        "range from the start; 0: 1 for a starting model, 0.9 from scratch. RelativeFlow only.",
        json_schema_extra={"widget": "FloatSpinBox", "step": 0.01, "advanced": True},
    )
    patch: int = Field(
        default=128,
        ge=32,
        le=256,
        multiple_of=16,
        title="Patch",
        description="Side of the training images.",
        json_schema_extra={"widget": "SpinBox", "step": 16, "unit": "pixels", "advanced": True},
    )
    batch: int = Field(
        default=8,
        ge=1,
        le=128,
        title="Batch",
        description="Training images in each step, on each device.",
        json_schema_extra={"widget": "SpinBox", "unit": "images", "advanced": True},
    )
    learning_rate: float = Field(
        default=0.0,
        ge=0.0,
        le=0.01,
        title="Learning rate",
        description="Of AdamW, twenty times that for Muon's matrices; 0: the rate that suits the start.",
        json_schema_extra={"widget": "FloatSpinBox", "step": 0.0001, "advanced": True},
    )
    precision: Literal["auto", "bfloat16", "float32"] = Field(
        default="auto",
        title="Precision",
        description="auto takes bfloat16 where the processor computes in it, else float32.",
        json_schema_extra={"widget": "ComboBox", "advanced": True},
    )
    validation_share: float = Field(
        default=0.2,
        ge=0.05,
        le=0.5,
        title="Validation share",
        description="Share of the volumes that is held out to judge the training; whole volumes, one at least.",
        json_schema_extra={"widget": "FloatSlider", "step": 0.05, "unit": "of the volumes", "advanced": True},
    )
    seed: int = Field(
        default=0,
        ge=0,
        le=2**31 - 1,
        title="Seed",
        description="Start of the random numbers: split, batches and new weights.",
        json_schema_extra={"widget": "SpinBox", "advanced": True},
    )
