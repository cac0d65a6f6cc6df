"""The card of a model: what it is, what it was trained on, for what it is meant. No patient data ever."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  # pydantic reads annotations at run time
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class ModelCard(BaseModel):
    """Everything a user or a loader has to know about a weight file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        description="how it is chosen, for example with --model", pattern=r"^[a-z0-9][a-z0-9._-]*$"
    )
    title: str = Field(description="name on screens")
    engine: str = Field(description="the engine that runs it")
    modality: str = Field(description="CT or MR")
    description: str
    suits: Literal["", "interpolated"] = Field(
        default="", description="the kind of image that it is meant for, where it is not a general model"
    )
    architecture: dict[str, Any] = Field(description="what the engine needs to build its networks")
    intensity: str = Field(description="the transform from HU or magnitude to network units")
    training_data: list[str] = Field(description="source and licence of each collection")
    training: dict[str, Any] = Field(description="steps, batch, recipe and command")
    noise_range: str = Field(description="noise levels met in training")
    quality: list[str] = Field(default=[], description="measured figures with the command that made them")
    intended_use: str
    licence: str
    sha256: str = Field(description="of the weight file")
    parameters: int
    version: str = Field(description="of QuietVoxel, when it was made")
    origin: Path | None = Field(
        default=None, exclude=True, description="the weight file found beside the card"
    )
