"""Volume in, volume out: the whole way through an engine, with progress, cancel and memory looked after."""

from quietvoxel.inference.denoise import DenoiseResult, denoise
from quietvoxel.inference.events import Event, Finished, SliceDone, Started, StepDone
from quietvoxel.inference.options import InferenceOptions

__all__ = [
    "DenoiseResult",
    "Event",
    "Finished",
    "InferenceOptions",
    "SliceDone",
    "Started",
    "StepDone",
    "denoise",
]
