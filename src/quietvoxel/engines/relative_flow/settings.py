"""What the user can set in RelativeFlow, and the recipe constants of its training."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from quietvoxel.engines.settings import EngineSettings


class RelativeFlowSettings(EngineSettings):
    """Settings of the RelativeFlow engine."""

    steps: int = Field(
        default=3,
        ge=1,
        le=8,
        title="Euler steps",
        description="Steps in which the noise is removed, the largest first; more steps take longer.",
        json_schema_extra={"widget": "Slider", "unit": "steps", "draft": 1},
    )
    update_rule: Literal["expm1", "identity"] = Field(
        default="expm1",
        title="Update rule",
        description="expm1 is exact for the trained target; identity is the authors' released rule.",
        json_schema_extra={"widget": "ComboBox", "advanced": True},
    )


class RelativeFlowRecipe(BaseModel):
    """How RelativeFlow is trained. Variances and times are those of `quietvoxel.degradation.noise_time`.

    The curriculum starts at one degradation time and widens after each of its epochs by `curriculum_alpha`
    (RelativeFlow, progressive training); here it has reached its limits after `curriculum_share` of the training.
    The loss is taken on the unit noise (ours), on the bare velocity (the paper's), or on the image, which with
    undegraded references is naive training: one evaluation that maps a degraded reference to the reference.
    The logarithm of each image's loss weighs all noise levels alike in dB. Where a reference was degraded first, the
    target is the noise that was drawn last, or what is to be expected of it when all added noise is known: its share
    of the variance, times that noise. Both have the same mean given the degraded image, the second varies less.
    Neighbours enter quietly (`networks.residual_unet`). A share of the MR slabs, `masked_background`, has its air set
    to zero, as scanners and tools that strip the skull leave it; in a share of `interpolated` the noise is that of an
    image whose k-space was filled up with zeros, down to `least_acquired` of it along each axis.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    modality: Literal["CT", "MR"] = "MR"
    halo: int = 2
    widths: tuple[int, ...] = (64, 128, 256)
    blocks: tuple[int, ...] = (3, 2, 2)
    delta_start: float = 0.2
    delta_min: float = 0.01
    delta_max: float = 3.0
    curriculum: bool = True
    curriculum_alpha: float = 0.9
    curriculum_share: float = 0.25
    degrade_references: bool = True
    delta_per_sample: bool = True
    tell_totals: bool = True
    quiet_neighbours: bool = True
    masked_background: float = 0.15
    interpolated: float = 0.0
    least_acquired: float = 0.5
    operator: Literal["modality", "gaussian"] = "modality"
    loss: Literal["log", "noise", "velocity", "image"] = "noise"
    target: Literal["expected", "drawn"] = "drawn"
