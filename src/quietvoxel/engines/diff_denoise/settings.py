"""What the user can set in DiffDenoise, and the recipe constants of its training."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from quietvoxel.engines.settings import EngineSettings


class DiffDenoiseSettings(EngineSettings):
    """Settings of the DiffDenoise engine. Touching one of the sampling leaves the student, the fast way."""

    student: bool = Field(
        default=True,
        title="Fast (student)",
        description="One pass of a network that has learned the sampled result; off: sample it.",
        json_schema_extra={"widget": "CheckBox", "draft": True},
    )
    srds: bool = Field(
        default=True,
        title="SRDS",
        description="Sample with a noise and with its mirror image and average the two; also gives the uncertainty.",
        json_schema_extra={"widget": "CheckBox", "turns_off": "student", "draft": False},
    )
    ddim_steps: int = Field(
        default=20,
        ge=5,
        le=50,
        title="DDIM steps",
        description="Solver steps of each sample; more steps take longer.",
        json_schema_extra={"widget": "Slider", "unit": "steps", "turns_off": "student", "draft": 5},
    )
    pairs: int = Field(
        default=1,
        ge=1,
        le=8,
        title="Pairs",
        description="How many mirrored pairs, or without SRDS how many single samples, are averaged.",
        json_schema_extra={"widget": "Slider", "unit": "pairs", "turns_off": "student", "draft": 1},
    )
    start: Literal["matched", "noise"] = Field(
        default="matched",
        title="Start",
        description="Sampling starts at the input with noise matched to its own, or at pure noise.",
        json_schema_extra={"widget": "ComboBox", "advanced": True, "turns_off": "student"},
    )


class DiffDenoiseRecipe(BaseModel):
    """The architecture of DiffDenoise's three networks and how they are trained.

    Times are those of `quietvoxel.degradation.noise_time`.

    Attributes
    ----------
    halo : neighbouring slices on each side that the blind-spot network and the student see.
    delta_min, delta_max : range of the degradation time, drawn on a log scale.
    radius, dilation, features, open_neighbours, blind_widths, blind_blocks : `networks.blind_spot.BlindSpotShape`.
    blind_loss : the logarithm of each image's mean squared error, or the mean absolute error in units of the noise.
    schedule, times : of the diffusion, `schedule.Schedule`.
    prediction : what the diffusion network predicts.
    diffusion_loss : mean squared or mean absolute error of it.
    diffusion_widths, diffusion_blocks : of its backbone.
    detail : what a blind-spot prediction misses even without noise, RMS in network units; it sets a scale only.
    condition_noise : noise on the condition, in units of the image's noise.
    leak_limit : training ends when this share of the noise comes back out of the condition alone.
    start_power : the weight that the noise-matched start gives to the input is raised to this power times the
        strength. Theory (a Gaussian detail that the blind spot misses) says 1, but what comes back of the input is
        noise first: 2 to 3 measured best at every level (docs/diffdenoise.md).
    student_widths, student_blocks : of the student's backbone.
    strength_min, strength_max : range of the strengths that the student is shown.
    reference_share : of the stacks that the student learns from, this share is taught by the less noisy reference that
        they were made of (Noisier2Noise, Moran et al., CVPR 2020) in place of the teacher. Not for magnitude images,
        whose bias is undone in the result.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    modality: Literal["CT", "MR"] = "MR"
    halo: int = 1
    delta_min: float = 0.04
    delta_max: float = 3.0
    radius: int = 0
    dilation: int = 2
    features: int = 32
    open_neighbours: bool = True
    blind_widths: tuple[int, ...] = (64, 96, 192)
    blind_blocks: tuple[int, ...] = (2, 2, 2)
    blind_loss: Literal["log", "l1"] = "log"
    schedule: Literal["linear", "cosine"] = "linear"
    times: int = 1000
    prediction: Literal["v", "epsilon"] = "v"
    diffusion_loss: Literal["l2", "l1"] = "l2"
    diffusion_widths: tuple[int, ...] = (64, 128, 192)
    diffusion_blocks: tuple[int, ...] = (2, 2, 2)
    detail: float = 0.03
    condition_noise: float = 0.5
    leak_limit: float = 0.3
    start_power: float = 2.5
    student_widths: tuple[int, ...] = (64, 128, 256)
    student_blocks: tuple[int, ...] = (3, 2, 2)
    strength_min: float = 0.1
    strength_max: float = 1.2
    reference_share: float = Field(default=0.0, ge=0.0, lt=1.0)
