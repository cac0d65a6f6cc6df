"""Volume in, volume out: the whole way through an engine, with progress, cancel and memory looked after."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from quietvoxel.inference.events import Event, Finished, SliceDone, Started, StepDone
from quietvoxel.inference.options import InferenceOptions

if TYPE_CHECKING:
    from quietvoxel.inference.denoise import DenoiseResult, denoise
    from quietvoxel.inference.statistics import VolumeStatistics, measure

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


def __getattr__(name: str) -> object:
    """Import torch, by way of `denoise`, only when something is denoised."""
    if name in {"denoise", "DenoiseResult"}:
        # The function has its module's name; both are set here so that the function wins.
        module = import_module("quietvoxel.inference.denoise")
        globals().update(denoise=module.denoise, DenoiseResult=module.DenoiseResult)
        return globals()[name]
    if name in {"measure", "VolumeStatistics"}:
        return getattr(import_module("quietvoxel.inference.statistics"), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
