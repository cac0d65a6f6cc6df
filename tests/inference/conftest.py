"""Engines that do something simple, so that what `denoise` does around them can be told exactly."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from quietvoxel.inference import DenoiseResult, InferenceOptions, whole_volume
from quietvoxel.models import find_model
from quietvoxel.volume import Geometry, Modality, Volume

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch

    from quietvoxel.engines.contract import EngineContext, EngineOutput
    from quietvoxel.engines.relative_flow.settings import RelativeFlowSettings


@dataclass
class PlainEngine:
    """Applies a function to the centre of each slab in a number of steps, and writes down what it was asked."""

    act: Callable[[torch.Tensor], torch.Tensor]
    steps: int = 2
    neighbours: int = 1
    limit: int | None = None
    error: BaseException | None = None
    spread: float | None = None
    name: str = "plain"
    slabs: list[tuple[int, ...]] = field(default_factory=list)
    steps_done: int = 0
    contexts: list[EngineContext] = field(default_factory=list)

    def halo(self, _settings: Any) -> int:
        return self.neighbours

    def evaluations(self, _settings: Any, _context: EngineContext) -> int:
        return self.steps

    def denoise(self, noisy: torch.Tensor, _settings: Any, context: EngineContext) -> EngineOutput:
        import torch

        from quietvoxel.engines.contract import EngineOutput
        from quietvoxel.errors import CancelledError

        self.slabs.append(tuple(noisy.shape))
        self.contexts.append(context)
        for step in range(self.steps):
            if context.cancelled():
                raise CancelledError
            if self.limit is not None and self.error is not None and max(noisy.shape[-2:]) > self.limit:
                raise self.error
            self.steps_done += 1
            context.progress(step + 1, self.steps)
        centre = noisy[:, self.neighbours : self.neighbours + 1]
        spread = None if self.spread is None else torch.full_like(centre, self.spread)
        return EngineOutput(self.act(centre), spread)


def noisy_volume(
    shape: tuple[int, int, int] = (5, 32, 40),
    modality: Modality = Modality.CT,
    dtype: str = "float32",
    spacing: tuple[float, float, float] = (1.0, 1.0, 3.0),
    seed: int = 0,
) -> Volume:
    """Water with a bone in it (CT), or a bright square (MR), and noise."""
    rng = np.random.default_rng(seed)
    bright, noise = (400.0, 20.0) if modality == Modality.CT else (900.0, 30.0)
    data = np.full(shape, 40.0 if modality == Modality.CT else 300.0)
    data[:, shape[1] // 3 : shape[1] // 2, shape[2] // 3 : shape[2] // 2] = bright
    data += rng.normal(0.0, noise, shape)
    data = np.rint(data) if np.dtype(dtype).kind in "iu" else data
    return Volume(data.astype(dtype), Geometry(spacing), modality)


@pytest.fixture
def run(model_home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., DenoiseResult]:
    """Denoise with an engine of one's own, or with the small random model; float32, a known noise level."""

    def denoise(
        volume: Volume,
        engine: PlainEngine | None = None,
        *,
        settings: RelativeFlowSettings | None = None,
        options: dict[str, Any] | None = None,
        **more: Any,
    ) -> DenoiseResult:
        if engine is not None:
            monkeypatch.setattr(whole_volume, "load_engine", lambda card, device: engine)
        # The processor also where there is a GPU: slices are promised to be identical there.
        wanted = {"device": "cpu", "precision": "float32", "sigma": 20.0} | (options or {})
        card = find_model(modality=volume.modality)
        return whole_volume.denoise(volume, card, settings, InferenceOptions.model_validate(wanted), **more)

    return denoise


@pytest.fixture
def plain() -> type[PlainEngine]:
    """Give the class of simple engines."""
    return PlainEngine


@pytest.fixture
def volume_of() -> Callable[..., Volume]:
    """Give the maker of noisy volumes."""
    return noisy_volume
