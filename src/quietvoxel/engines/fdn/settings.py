"""What the user can set in FDN, and the recipe constants of its training."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from quietvoxel.engines.settings import EngineSettings


class FDNSettings(EngineSettings):
    """Settings of the FDN engine."""

    strength: float = Field(
        default=1.0,
        ge=0.0,
        le=1.0,
        title="Degradation strength",
        description="How much of the noise latent is removed: 0 returns the input, 1 removes all of it.",
        json_schema_extra={"widget": "FloatSlider", "step": 0.05, "unit": "x noise"},
    )
    noise_latent: Literal["zero", "sampled", "predicted"] = Field(
        default="zero",
        title="Noise latent",
        description="What replaces it: zero, samples (also gives the uncertainty), or what the content predicts.",
        json_schema_extra={"widget": "ComboBox"},
    )
    shifts: int = Field(
        default=2,
        ge=1,
        le=4,
        title="Shifts",
        description="Runs averaged, each with the image moved against the 4 x 4 grid that FDN works on.",
        json_schema_extra={"widget": "Slider", "unit": "runs", "advanced": True, "draft": 1},
    )
    samples: int = Field(
        default=8,
        ge=1,
        le=32,
        title="Samples",
        description="Images averaged where the noise latent is sampled; their spread is the uncertainty.",
        json_schema_extra={
            "widget": "Slider",
            "unit": "samples",
            "draft": 1,
            "used_with": {"noise_latent": "sampled"},
        },
    )


class FDNRecipe(BaseModel):
    """The architecture of FDN and how it is trained. Times are those of `quietvoxel.degradation.noise_time`.

    Attributes
    ----------
    halo : neighbouring slices on each side that condition the couplings; never inverted themselves.
    blocks, steps, widths, grid, content, clamp, masks : see `quietvoxel.networks.flow.FlowShape`.
    latent_widths, latent_blocks : of the network that reads z_C, see `quietvoxel.engines.fdn.latent_net`.
    shrink_content : that network also takes the noise out of z_C; without, it only predicts z_N.
    delta_min, delta_max : range of the degradation time, drawn on a log scale.
    noisier_references : first degrade half of the references, as RelativeFlow does; for tuning on noisy scans.
    reconstruction : error of the restored image in units of the noise: absolute, squared, or the logarithm of each
        image's mean square, which is its PSNR.
    predicted_share : share of a batch restored with the predicted z_N instead of zero.
    weight_likelihood : of the negative log-likelihood per pixel, in nats.
    weight_noise_latent : of mean(z_N^2), or of mean((z_N - noise)^2), as `noise_latent_target` says.
    weight_consistency : of |z_C(noisy) - z_C(reference)|; costs another pass through the flow.
    weight_ssim : of 1 - SSIM of the restored image.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    modality: Literal["CT", "MR"] = "MR"
    halo: int = 1
    blocks: int = 2
    steps: int = 8
    widths: tuple[int, ...] = (48,)
    grid: int = 4
    content: float = 0.75
    clamp: float = 0.5
    masks: Literal["channels", "checkerboard"] = "channels"
    latent_widths: tuple[int, ...] = (96, 192)
    latent_blocks: tuple[int, ...] = (2, 2)
    shrink_content: bool = True
    delta_min: float = 0.04
    delta_max: float = 3.0
    noisier_references: bool = False
    reconstruction: Literal["l1", "l2", "log"] = "log"
    predicted_share: float = 0.5
    weight_likelihood: float = 0.01
    weight_noise_latent: float = 0.0
    noise_latent_target: Literal["prior", "noise"] = "prior"
    weight_consistency: float = 0.0
    weight_ssim: float = 0.0
