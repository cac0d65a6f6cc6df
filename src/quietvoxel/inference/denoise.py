"""Denoise a volume: estimate the noise, run the engine slice by slice, put everything back where it was."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from quietvoxel.degradation.noise_level import estimate_noise
from quietvoxel.engines.contract import EngineContext
from quietvoxel.engines.registry import engine_info
from quietvoxel.errors import BadInputError, CancelledError
from quietvoxel.inference.devices import choose_device, choose_precision, device_notes
from quietvoxel.inference.ensemble import TRANSFORMS, averaged
from quietvoxel.inference.events import Event, Finished, SliceDone, Started, StepDone
from quietvoxel.inference.loaded import load_engine
from quietvoxel.inference.options import InferenceOptions
from quietvoxel.inference.provenance import provenance
from quietvoxel.inference.slabs import Slices, outwards, slice_axis
from quietvoxel.inference.tiles import TileFitter
from quietvoxel.intensity import intensity_for
from quietvoxel.models import ModelCard, find_model
from quietvoxel.padding import padding_mask
from quietvoxel.volume import Modality, Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from quietvoxel.engines.contract import Engine
    from quietvoxel.engines.settings import EngineSettings


@dataclass(frozen=True)
class DenoiseResult:
    """What came out.

    Attributes
    ----------
    volume : the denoised volume, in the type and place of the input.
    sigma : noise standard deviation that was taken as there, in the volume's units.
    provenance : how it was made; JSON-able, without patient data.
    uncertainty : per-voxel standard deviation in the volume's units, where the engine gives one.
    clipped : voxels clipped to the stored type.
    notes : sentences to say.
    """

    volume: Volume
    sigma: float
    provenance: dict[str, Any]
    uncertainty: NDArray[np.float32] | None = None
    clipped: int = 0
    notes: tuple[str, ...] = field(default=())


def denoise(
    volume: Volume,
    model: ModelCard | str | None = None,
    settings: EngineSettings | None = None,
    options: InferenceOptions | None = None,
    *,
    engine: str = "relativeflow",
    only: Sequence[int] | None = None,
    on_event: Callable[[Event], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
    between_slices: Callable[[], None] = lambda: None,
) -> DenoiseResult:
    """Denoise a volume.

    Parameters
    ----------
    volume : what to denoise.
    model : a card or a model's name; the bundled one for engine and modality when not given.
    settings : the engine's settings; its defaults when not given.
    options : how to run it.
    engine : used where `model` is not a card.
    only : slice numbers to denoise (a preview); the others come back as they were. Each slice is the same as in
        the whole volume.
    on_event : called with each event, in the thread of the caller.
    cancelled : asked before each solver step.
    between_slices : called between two slices; a front-end may run a preview there.

    Raises
    ------
    BadInputError
        If settings, model and volume do not fit together.
    CancelledError
        If `cancelled` said so.
    OutOfMemoryError
        If the memory holds not even a small tile.
    """
    began = time.monotonic()
    options = options or InferenceOptions()
    card = model if isinstance(model, ModelCard) else find_model(model, engine=engine, modality=volume.modality)
    settings = _settings_for(card, settings)
    device = choose_device(options.device)
    dtype = choose_precision(device, options.precision)
    loaded = load_engine(card, device)

    notes: list[str] = [*device_notes(device, options.device), *_model_notes(card, volume)]
    padding = padding_mask(volume)
    intensity = intensity_for(volume.data, volume.modality, padding)
    sigma = options.sigma
    if sigma is None:
        estimate = estimate_noise(
            volume.data, str(volume.modality), mask=padding, spacing_zyx=volume.geometry.spacing_zyx
        )
        sigma = estimate.sigma
        notes += estimate.notes
    axis = slice_axis(volume, options.axis)
    slices = Slices.of(volume, axis, intensity, padding)
    order = [i for i in outwards(len(slices), options.start_slice) if only is None or i in set(only)]

    precision = str(dtype).removeprefix("torch.")
    on_event(Started(len(order), axis, sigma, str(device), precision, tuple(notes)))
    run = _Run(loaded, settings, options, slices, order, device, dtype, sigma / intensity.unit, on_event, cancelled)
    run.fitter.say = notes.append
    result = volume.as_float32().copy() if len(order) < len(slices) else np.empty(volume.shape, np.float32)
    along = np.moveaxis(result, axis, 0)
    uncertainty: NDArray[np.float32] | None = None
    for done, index in enumerate(order):
        pixels, spread = run.slice(index, done)
        along[index] = pixels
        if spread is not None:
            uncertainty = np.zeros(volume.shape, np.float32) if uncertainty is None else uncertainty
            np.moveaxis(uncertainty, axis, 0)[index] = spread
        on_event(SliceDone(index, pixels, done + 1, len(order)))
        between_slices()
    data, clipped = _in_stored_type(result, volume)
    seconds = time.monotonic() - began
    record = provenance(volume, card, settings, options, sigma, str(device), precision)
    on_event(Finished(seconds, clipped, tuple(notes)))
    source = replace(volume.source, derived_by_us=True)
    return DenoiseResult(
        replace(volume, data=data, source=source), sigma, record, uncertainty, clipped, tuple(notes)
    )


class _Run:
    """One volume's way through an engine, slice by slice."""

    def __init__(
        self,
        engine: Engine,
        settings: EngineSettings,
        options: InferenceOptions,
        slices: Slices,
        order: list[int],
        device: torch.device,
        dtype: torch.dtype,
        sigma: float,
        on_event: Callable[[Event], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self.engine, self.settings, self.options, self.slices = engine, settings, options, slices
        self.total, self.device, self.dtype, self.sigma = len(order), device, dtype, sigma
        self.on_event, self.cancelled = on_event, cancelled
        self.fitter = TileFitter(options.tile, lambda text: None)
        self.began = time.monotonic()

    def slice(self, index: int, done: int) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Denoise one slice: (H, W) in the volume's units, and its uncertainty."""
        if self.cancelled():
            msg = "Denoising was cancelled."
            raise CancelledError(msg)
        slices, settings = self.slices, self.settings
        original = slices.original(index)
        slab = slices.slab(index, self.engine.halo(settings))
        context = self._context(index, done)
        # One slice at a time on every device: a batch would let a slice's last bits depend on its companions, and
        # a 512 x 512 slice keeps the processor busy already.
        if settings.best_quality:
            output = averaged(lambda part: self.fitter.run(self.engine, part, settings, context), slab)
        else:
            output = self.fitter.run(self.engine, slab, settings, context)
        centre = slab[0, slab.shape[1] // 2].numpy()
        residual = slices.intensity.restore_residual(output.image[0, 0].numpy() - centre)
        pixels = original + np.float32(self.options.blend) * residual
        if slices.padding is not None:
            outside = slices.padding[index]
            pixels[outside] = original[outside]
        spread = None
        if output.uncertainty is not None:
            spread = slices.intensity.restore_residual(output.uncertainty[0, 0].numpy())
        return pixels, spread

    def _context(self, index: int, done: int) -> EngineContext:
        passes = len(TRANSFORMS) if self.settings.best_quality else 1
        counted = 0

        def progress(step: int, steps: int) -> None:
            nonlocal counted
            counted += 1
            share = (done + min(1.0, counted / max(1, steps * passes))) / self.total
            elapsed = time.monotonic() - self.began
            eta = elapsed / share - elapsed if share > 0 else None
            self.on_event(StepDone(done, self.total, min(counted, steps * passes), steps * passes, eta))

        # Seeded by slice, so that a slice's random numbers do not depend on the order or on what else is run.
        generator = torch.Generator().manual_seed((self.settings.seed * 1_000_003 + index) % 2**63)
        return EngineContext(
            sigma=self.sigma,
            spacing_ratio=self.slices.spacing_ratio,
            device=self.device,
            dtype=self.dtype,
            generators=(generator,),
            progress=progress,
            cancelled=self.cancelled,
        )


def _settings_for(card: ModelCard, settings: EngineSettings | None) -> EngineSettings:
    wanted = engine_info(card.engine).settings
    if settings is None:
        return wanted()
    if not isinstance(settings, wanted):
        msg = f"The settings given are not those of {card.engine}; give {wanted.__name__}."
        raise BadInputError(msg)
    return settings


def _model_notes(card: ModelCard, volume: Volume) -> list[str]:
    if volume.modality == Modality.OTHER:
        return [f"The volume is neither CT nor MR; the model '{card.name}' was trained on {card.modality} only."]
    if card.modality != volume.modality:
        return [f"The model '{card.name}' was trained on {card.modality}, this volume is {volume.modality}."]
    return []


def _in_stored_type(result: NDArray[np.float32], volume: Volume) -> tuple[NDArray[Any], int]:
    """The result in the type of the input's voxels: rounded, and clipped where it left the type's range."""
    dtype = volume.data.dtype
    if not np.issubdtype(dtype, np.integer):
        return result, 0
    limits = np.iinfo(dtype)
    clipped = int(np.count_nonzero((result < limits.min) | (result > limits.max)))
    np.rint(result, out=result)
    return np.clip(result, limits.min, limits.max).astype(dtype), clipped
