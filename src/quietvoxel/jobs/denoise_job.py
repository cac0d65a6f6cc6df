"""Denoise a volume: the order as it was when the user pressed the button, whatever changes on screen afterwards."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from quietvoxel.inference.events import Event, Finished, SliceDone
from quietvoxel.inference.options import InferenceOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from quietvoxel.engines.settings import EngineSettings
    from quietvoxel.inference.statistics import VolumeStatistics
    from quietvoxel.jobs.job import JobContext
    from quietvoxel.models import ModelCard
    from quietvoxel.volume import Volume


@dataclass(frozen=True)
class Prepared:
    """The result as it is before the first slice: a copy of the input in the result's type, for a viewer to fill.

    Attributes
    ----------
    data : (z, y, x).
    axis : array axis along which slices will come.
    """

    data: NDArray[Any]
    axis: int


@dataclass(frozen=True)
class DenoiseSummary:
    """What is known at the end, beside the slices that were told on the way.

    Attributes
    ----------
    provenance : how the result was made; JSON-able, without patient data.
    sigma : noise taken as there, in the volume's units.
    uncertainty : (z, y, x) standard deviation in the volume's units, where the engine gives one.
    clipped : voxels clipped to the stored type.
    notes : sentences to say.
    seconds : wall-clock time.
    """

    provenance: dict[str, Any]
    sigma: float
    uncertainty: NDArray[np.float32] | None
    clipped: int
    notes: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, eq=False)
class DenoiseJob:
    """A volume to denoise.

    Tells `Prepared`, then the events of `quietvoxel.inference`; the pixels of `SliceDone` are in the result's type.
    `options.blend` is taken as 1: front-ends blend themselves, so that blending needs no second run.

    Attributes
    ----------
    volume, card, settings, options : as `quietvoxel.denoise` takes them.
    statistics : of the volume, where they are known.
    purpose : what the front-end started it for (a layer's identifier, say); never looked at here.
    """

    volume: Volume
    card: ModelCard
    settings: EngineSettings
    options: InferenceOptions = field(default_factory=InferenceOptions)
    statistics: VolumeStatistics | None = None
    purpose: str = ""

    def run(self, context: JobContext) -> DenoiseSummary:
        """Denoise; see `quietvoxel.denoise` for what is raised."""
        from quietvoxel.inference import denoise
        from quietvoxel.inference.devices import choose_device, release_memory
        from quietvoxel.inference.slabs import slice_axis
        from quietvoxel.inference.statistics import measure
        from quietvoxel.inference.stored_type import in_type, result_type

        began = time.monotonic()
        options = self.options.model_copy(update={"blend": 1.0})
        device = choose_device(options.device)
        statistics = self.statistics or measure(self.volume, options.sigma)
        kind = result_type(self.volume.data)
        context.tell(Prepared(self.volume.data.astype(kind), slice_axis(self.volume, options.axis)))

        def tell(event: Event) -> None:
            if isinstance(event, SliceDone):
                event = replace(event, pixels=in_type(event.pixels, kind)[0])
            if not isinstance(event, Finished):  # what it says comes with the summary
                context.tell(event)

        try:
            result = denoise(
                self.volume,
                self.card,
                self.settings,
                options,
                statistics=statistics,
                on_event=tell,
                cancelled=context.cancelled,
                between_slices=context.give_way,
            )
        finally:
            release_memory(device)
        return DenoiseSummary(
            provenance=result.provenance,
            sigma=result.sigma,
            uncertainty=result.uncertainty,
            clipped=result.clipped,
            notes=result.notes,
            seconds=time.monotonic() - began,
        )
