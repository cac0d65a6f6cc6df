"""How a volume is run, apart from what the engine does with it: the same for every engine, no torch here."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class InferenceOptions(BaseModel):
    """Options of a run that belong to no engine."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    blend: float = Field(
        default=1.0,
        ge=0.0,
        le=1.0,
        title="Blend with original",
        description="1 shows the denoised image, 0 the original, between them a mixture.",
        json_schema_extra={"widget": "FloatSlider", "step": 0.01},
    )
    sigma: float | None = Field(
        default=None,
        ge=0.0,
        title="Noise",
        description="Noise standard deviation in the volume's units (HU for CT); estimated when not given.",
    )
    device: str = Field(
        default="auto",
        title="Device",
        description="auto, cpu, cuda, cuda:1 or mps; auto takes a GPU where there is one.",
        json_schema_extra={"advanced": True},
    )
    precision: Literal["auto", "bfloat16", "float32"] = Field(
        default="auto",
        title="Precision",
        description="auto takes bfloat16 where the processor computes in it, else float32.",
        json_schema_extra={"widget": "ComboBox", "advanced": True},
    )
    axis: Literal["auto", "0", "1", "2"] = Field(
        default="auto",
        title="Slice axis",
        description="Array axis (z, y, x) along which slices lie; auto takes that of the thickest slices.",
        json_schema_extra={"widget": "ComboBox", "advanced": True},
    )
    start_slice: int | None = Field(
        default=None,
        ge=0,
        title="First slice",
        description="Slice denoised first; the others follow outwards.",
    )
    tile: int = Field(
        default=0,
        ge=0,
        le=8192,
        title="Tile",
        description="Side of the tiles of a slice in pixels, 192 or more; 0 cuts only if memory runs out.",
        json_schema_extra={"widget": "SpinBox", "advanced": True},
    )
