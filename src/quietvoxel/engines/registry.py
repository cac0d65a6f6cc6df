"""The engines that exist: their names, words and settings, known without importing torch."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from quietvoxel.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor

    from quietvoxel.engines.contract import Engine
    from quietvoxel.engines.settings import EngineSettings


@dataclass(frozen=True)
class EngineInfo:
    """What a front-end shows of an engine before loading it.

    Attributes
    ----------
    name : on the command line and in model cards.
    title : on screens.
    summary : one line: when to pick it.
    settings_at, engine_at : "module:name" of the settings model and of the engine's loader.
    """

    name: str
    title: str
    summary: str
    settings_at: str
    engine_at: str

    @property
    def settings(self) -> type[EngineSettings]:
        """The settings model; importing it does not import torch."""
        found: type[EngineSettings] = _import(self.settings_at)
        return found

    def load(
        self, architecture: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device
    ) -> Engine:
        """Build the engine from a model file's architecture and tensors."""
        engine: Engine = _import(self.engine_at)(architecture, tensors, device)
        return engine


ENGINES: dict[str, EngineInfo] = {
    info.name: info
    for info in (
        EngineInfo(
            "relativeflow",
            "RelativeFlow",
            "The all-rounder: removes just the noise that was measured, in a few steps.",
            "quietvoxel.engines.relative_flow.settings:RelativeFlowSettings",
            "quietvoxel.engines.relative_flow.engine:load_relative_flow",
        ),
        EngineInfo(
            "diffdenoise",
            "DiffDenoise",
            "Learned from noisy scans alone; sampled, it also shows where it is unsure.",
            "quietvoxel.engines.diff_denoise.settings:DiffDenoiseSettings",
            "quietvoxel.engines.diff_denoise.engine:load_diff_denoise",
        ),
        EngineInfo(
            "fdn",
            "FDN",
            "Separates noise from content exactly, and says how typical the input is.",
            "quietvoxel.engines.fdn.settings:FDNSettings",
            "quietvoxel.engines.fdn.engine:load_fdn",
        ),
    )
}


def engine_info(name: str) -> EngineInfo:
    """Look an engine up by name.

    Raises
    ------
    BadInputError
        If there is none of that name.
    """
    if name not in ENGINES:
        msg = f"There is no engine '{name}'; choose one of: {', '.join(ENGINES)}."
        raise BadInputError(msg)
    return ENGINES[name]


def _import(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)
