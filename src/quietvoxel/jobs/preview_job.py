"""Denoise one slice for a live preview: as it will be in the volume, or as a quick draft of that."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.inference.events import Event, SliceDone, StepDone
from quietvoxel.jobs.measure_job import halved
from quietvoxel.volume import Geometry, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quietvoxel.engines.settings import EngineSettings
    from quietvoxel.inference.options import InferenceOptions
    from quietvoxel.jobs.job import JobContext
    from quietvoxel.jobs.measure_job import Measured
    from quietvoxel.models import ModelCard


class Quality(StrEnum):
    """How a preview is made: the way the volume will be, in the fewest steps, or those at half resolution."""

    FINAL = "final"
    FEWEST_STEPS = "fewest steps"
    HALF_RESOLUTION = "half resolution"


@dataclass(frozen=True, eq=False)
class PreviewRequest:
    """What the user wants to see.

    Attributes
    ----------
    volume, card, settings, options : as `quietvoxel.denoise` takes them.
    measured : of the volume.
    axis : array axis along which the slice is taken; the one that `options` lead to.
    index : number of the slice along the slice axis.
    purpose : what the front-end asks it for (a layer's identifier, say).
    """

    volume: Volume
    card: ModelCard
    settings: EngineSettings
    options: InferenceOptions
    measured: Measured
    axis: int
    index: int
    purpose: str = ""

    @property
    def scene(self) -> tuple[str, int, int, str]:
        """What a picture must share with a newer request to be worth finishing: volume, slice and model."""
        return (self.purpose, self.axis, self.index, self.card.sha256)


@dataclass(frozen=True)
class PreviewPicture:
    """A slice to show.

    Attributes
    ----------
    request : which it answers.
    pixels : (H, W) float32 in the volume's units, not blended.
    quality : draft or final.
    seconds : it took.
    seconds_a_step : of them for one solver step at full resolution; None for a draft at half resolution.
    """

    request: PreviewRequest
    pixels: NDArray[np.float32]
    quality: Quality
    seconds: float
    seconds_a_step: float | None = None


@dataclass(frozen=True)
class PreviewJob:
    """One request at one quality."""

    request: PreviewRequest
    quality: Quality = Quality.FINAL

    def run(self, context: JobContext) -> PreviewPicture:
        """Denoise the slice; see `quietvoxel.denoise` for what is raised."""
        began = time.monotonic()
        request = self.request
        if self.quality is Quality.HALF_RESOLUTION:
            pixels, steps = _at_half_resolution(request, context)
            return PreviewPicture(request, pixels, self.quality, time.monotonic() - began)
        settings = request.settings
        if self.quality is Quality.FEWEST_STEPS:
            settings = draft_settings(settings)
        pixels, steps = _slice(
            request.volume, request, settings, request.options, request.measured, request.index, context
        )
        seconds = time.monotonic() - began
        return PreviewPicture(request, pixels, self.quality, seconds, seconds / max(steps, 1))


def draft_settings(settings: EngineSettings) -> EngineSettings:
    """The quickest settings that still show what the others will do.

    A field says in its schema (`json_schema_extra`, "draft") what it is in a draft; every other stays as it is.
    """
    quick: dict[str, Any] = {}
    for name, field in type(settings).model_fields.items():
        hint = field.json_schema_extra
        if isinstance(hint, dict) and "draft" in hint:
            quick[name] = hint["draft"]
    return settings.model_copy(update=quick)


def _slice(
    volume: Volume,
    request: PreviewRequest,
    settings: EngineSettings,
    options: InferenceOptions,
    measured: Measured,
    index: int,
    context: JobContext,
) -> tuple[NDArray[np.float32], int]:
    """One denoised slice, and in how many solver steps."""
    from quietvoxel.inference import denoise

    found: list[NDArray[np.float32]] = []
    steps = 0

    def take(event: Event) -> None:
        nonlocal steps
        steps += isinstance(event, StepDone)
        if isinstance(event, SliceDone):
            found.append(event.pixels)

    denoise(
        volume,
        request.card,
        settings,
        options.model_copy(update={"blend": 1.0}),
        only=[index],
        statistics=measured.statistics,
        on_event=take,
        cancelled=context.cancelled,
    )
    return found[0], steps


def _at_half_resolution(request: PreviewRequest, context: JobContext) -> tuple[NDArray[np.float32], int]:
    """A slice denoised in the fewest steps from 2 x 2 means of it and its neighbours, and enlarged again."""
    from quietvoxel.inference.devices import choose_device
    from quietvoxel.inference.loaded import load_engine

    volume, options, measured = request.volume, request.options, request.measured
    settings = draft_settings(request.settings)
    axis = request.axis
    halo = load_engine(request.card, choose_device(options.device)).halo(settings)
    first = max(0, request.index - halo)
    near = slice(first, request.index + halo + 1)
    data = np.moveaxis(volume.data, axis, 0)[near]
    padding = measured.statistics.padding
    if padding is not None:
        padding = halved(np.moveaxis(padding, axis, 0)[near]) == 1.0
    spacing = volume.geometry.spacing_zyx
    rows, columns = (2 * spacing[a] for a in range(3) if a != axis)
    small = Volume(halved(data), Geometry((columns, rows, spacing[axis])), volume.modality)
    sigma = measured.statistics.sigma if options.sigma is None else options.sigma
    statistics = replace(measured.statistics, padding=padding, sigma=sigma * measured.halved_noise, notes=())
    pixels, steps = _slice(
        small,
        request,
        settings,
        options.model_copy(update={"axis": "0", "sigma": None, "start_slice": None}),
        replace(measured, statistics=statistics),
        request.index - first,
        context,
    )
    return _enlarged(pixels, (data.shape[1], data.shape[2])), steps


def _enlarged(pixels: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Twice as many pixels in each direction, bilinear; a last odd row or column is repeated."""
    import torch
    from torch.nn import functional as F

    image = torch.from_numpy(pixels)[None, None]
    large = F.interpolate(image, scale_factor=2, mode="bilinear", align_corners=False)[0, 0].numpy()
    missing = [(0, length - have) for length, have in zip(shape, large.shape, strict=True)]
    return np.pad(large, missing, mode="edge")
