"""Denoise a volume: estimate the noise, run the engine slice by slice, put everything back where it was."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.engines.registry import engine_info
from quietvoxel.errors import BadInputError
from quietvoxel.inference.devices import choose_device, choose_precision, device_notes
from quietvoxel.inference.events import Event, Finished, SliceDone, Started
from quietvoxel.inference.likeness import likeness_notes
from quietvoxel.inference.loaded import load_engine
from quietvoxel.inference.options import InferenceOptions
from quietvoxel.inference.provenance import provenance
from quietvoxel.inference.slabs import Slices, outwards, slice_axis
from quietvoxel.inference.slice_runner import SliceRunner
from quietvoxel.inference.statistics import VolumeStatistics, measure
from quietvoxel.inference.stored_type import in_type, result_type
from quietvoxel.inference.tiles import TileFitter
from quietvoxel.models import ModelCard, find_model, list_models
from quietvoxel.volume import Modality, Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

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
    only: Collection[int] | None = None,
    statistics: VolumeStatistics | None = None,
    on_event: Callable[[Event], None] = lambda _: None,
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
    only : slice numbers to denoise (a preview); the others come back as they were. Each slice is the same as
        in the whole volume.
    statistics : of the volume, from `measure`, where they are known: a preview need not find them again.
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
    card = model
    if not isinstance(card, ModelCard):
        card = find_model(card, engine=engine, modality=volume.modality)
    settings = _settings_for(card, settings)
    device = choose_device(options.device)
    dtype = choose_precision(device, options.precision)
    precision = str(dtype).removeprefix("torch.")
    axis = slice_axis(volume, options.axis)
    order = _order(volume.shape[axis], options.start_slice, only)
    loaded = load_engine(card, device)
    known = statistics or measure(volume, options.sigma)
    sigma = known.sigma if options.sigma is None else options.sigma

    notes = [*device_notes(device, options.device), *_model_notes(card, volume, known), *known.notes]
    on_event(Started(len(order), axis, sigma, str(device), precision, tuple(notes)))
    slices = Slices.of(volume, axis, known, sigma)
    runner = SliceRunner(
        engine=loaded,
        settings=settings,
        slices=slices,
        total=len(order),
        device=device,
        dtype=dtype,
        blend=options.blend,
        lowest=known.lowest,
        fitter=TileFitter(options.tile, notes.append),
        on_event=on_event,
        cancelled=cancelled,
    )
    # In the type of the input from the start: a float32 copy of an int16 volume would double the memory.
    kind = result_type(volume.data)
    result = volume.data.astype(kind) if len(order) < len(slices) else np.empty(volume.shape, kind)
    uncertainty: NDArray[np.float32] | None = None
    clipped = 0
    for done, index in enumerate(order):
        pixels, spread = runner.run(index, done)
        np.moveaxis(result, axis, 0)[index], beyond = in_type(pixels, kind)
        clipped += beyond
        if spread is not None:
            uncertainty = np.zeros(volume.shape, np.float32) if uncertainty is None else uncertainty
            np.moveaxis(uncertainty, axis, 0)[index] = spread
        on_event(SliceDone(index, pixels, done + 1, len(order)))
        between_slices()
    notes += likeness_notes(runner.unlikeness.values())
    record = provenance(volume, card, settings, options, axis, sigma, str(device), precision)
    denoised = replace(volume, data=result, source=replace(volume.source, derived_by_us=True))
    on_event(Finished(time.monotonic() - began, clipped, tuple(notes)))
    return DenoiseResult(denoised, sigma, record, uncertainty, clipped, tuple(notes))


def _order(count: int, start: int | None, only: Collection[int] | None) -> list[int]:
    """The slices to denoise, the first one first."""
    beyond = [index for index in only or () if not 0 <= index < count]
    if beyond:
        msg = f"There is no slice {beyond[0]}; along this axis the volume has slices 0 to {count - 1}."
        raise BadInputError(msg)
    return [index for index in outwards(count, start) if only is None or index in only]


def _settings_for(card: ModelCard, settings: EngineSettings | None) -> EngineSettings:
    wanted = engine_info(card.engine).settings
    if settings is None:
        return wanted()
    if not isinstance(settings, wanted):
        msg = f"The settings given are not those of {card.engine}; give {wanted.__name__}."
        raise BadInputError(msg)
    return settings


def _model_notes(card: ModelCard, volume: Volume, known: VolumeStatistics) -> list[str]:
    if volume.modality == Modality.OTHER:
        return [f"The volume is neither CT nor MR; the model '{card.name}' knows {card.modality} only."]
    if card.modality != volume.modality:
        return [f"The model '{card.name}' was trained on {card.modality}, this volume is {volume.modality}."]
    if known.interpolated and not card.suits:
        return [
            f"The model '{other.name}' is made for interpolated images and removes more of their noise."
            for other in list_models()
            if (other.engine, other.modality, other.suits) == (card.engine, card.modality, "interpolated")
        ]
    return []
