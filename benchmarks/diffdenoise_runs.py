"""What the DiffDenoise benchmarks share: one engine in several ways, and results that stay."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch
from truth_scores import slab_of
from volumes import RUNS

from quietvoxel.engines.contract import EngineContext, EngineOutput
from quietvoxel.engines.diff_denoise.settings import DiffDenoiseSettings
from quietvoxel.engines.magnitude import without_rician_bias
from quietvoxel.engines.relative_flow.training import network_conditions
from quietvoxel.inference.devices import choose_device, choose_precision
from quietvoxel.inference.loaded import load_engine
from quietvoxel.models import find_model
from quietvoxel.training.references import MAX_SPACING_RATIO

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np

    from quietvoxel.engines.contract import Engine
    from quietvoxel.engines.diff_denoise.engine import DiffDenoiseEngine

RESULTS = RUNS / "diffdenoise"
SAMPLED = DiffDenoiseSettings(student=False)
DEVICE = choose_device()


def bundled(modality: str) -> DiffDenoiseEngine:
    """The installed model for a modality."""
    engine: Any = load_engine(find_model(engine="diffdenoise", modality=modality), DEVICE)
    return engine


def context(sigma: float, ratio: float, seed: int = 0) -> EngineContext:
    """A context on this machine, with one generator of this seed."""
    own = torch.Generator().manual_seed(seed)
    precision = choose_precision(DEVICE)
    return EngineContext(sigma, min(ratio, MAX_SPACING_RATIO), DEVICE, precision, generators=(own,))


def denoised(
    engine: Engine, stack: np.ndarray, z: int, sigma: float, ratio: float, settings: Any, seed: int = 0
) -> EngineOutput:
    """One slice of a normalised stack, denoised."""
    return engine.denoise(slab_of(stack, z, engine.halo(settings)), settings, context(sigma, ratio, seed))


@torch.inference_mode()
def blind_spot_alone(
    engine: DiffDenoiseEngine, stack: np.ndarray, z: int, sigma: float, ratio: float
) -> np.ndarray:
    """The first network's prediction of one slice, the bias of Rician noise undone as in the engine's result."""
    level = torch.full((1,), sigma, device=DEVICE)
    told = network_conditions(level, level, level, torch.full_like(level, min(ratio, MAX_SPACING_RATIO)))
    slab = slab_of(stack, z, engine.recipe.halo).to(DEVICE)
    found = engine.networks.blind_spot(slab, told).float()
    if engine.recipe.modality == "MR":
        found = without_rician_bias(found, engine.rician_share * sigma)
    return found[0, 0].cpu().numpy()


def once(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The result in this file, made and kept if it is not there yet."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        result = make()
        partial = path.with_suffix(".part")
        partial.write_text(json.dumps(result, indent=1))
        partial.replace(path)
    found: dict[str, Any] = json.loads(path.read_text())
    return found
