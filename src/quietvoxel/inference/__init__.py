"""Volume in, volume out: the whole way through an engine, with progress, cancel and memory looked after."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from quietvoxel.inference.events import Event, Finished, SliceDone, Started, StepDone
from quietvoxel.inference.options import InferenceOptions

if TYPE_CHECKING:
    from quietvoxel.inference.statistics import VolumeStatistics, measure
    from quietvoxel.inference.whole_volume import DenoiseResult, denoise

__all__ = [
    "DenoiseResult",
    "Event",
    "Finished",
    "InferenceOptions",
    "SliceDone",
    "Started",
    "StepDone",
    "VolumeStatistics",
    "denoise",
    "measure",
]


_HOMES = {
    "DenoiseResult": "quietvoxel.inference.whole_volume",
    "VolumeStatistics": "quietvoxel.inference.statistics",
    "denoise": "quietvoxel.inference.whole_volume",
    "measure": "quietvoxel.inference.statistics",
}


def __getattr__(name: str) -> object:
    """Import torch, by way of these, only when something is denoised."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
