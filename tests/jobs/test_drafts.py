"""The draft of a live preview is quick for every engine, whatever its settings are, and differs only where it must."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import pytest
import torch
from short_training import tiny_diff_denoise, tiny_fdn

from quietvoxel.engines.contract import EngineContext
from quietvoxel.engines.diff_denoise.engine import DiffDenoiseEngine, DiffDenoiseNetworks, build_networks
from quietvoxel.engines.fdn.engine import FDNEngine
from quietvoxel.engines.fdn.network import build_fdn
from quietvoxel.engines.fdn.settings import FDNSettings
from quietvoxel.engines.registry import ENGINES
from quietvoxel.engines.relative_flow.engine import RelativeFlowEngine
from quietvoxel.engines.relative_flow.settings import RelativeFlowRecipe
from quietvoxel.engines.relative_flow.training import unet_shape
from quietvoxel.jobs.preview_job import draft_settings
from quietvoxel.networks.residual_unet import build_unet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from quietvoxel.engines.contract import Engine
    from quietvoxel.engines.settings import EngineSettings

QUICK = 2
"""Evaluations of a draft: a step, or there and back through a flow."""


def relative_flow() -> RelativeFlowEngine:
    recipe = RelativeFlowRecipe(widths=(8, 16), blocks=(1, 1))
    return RelativeFlowEngine(build_unet(unet_shape(recipe)), recipe)


def diff_denoise() -> DiffDenoiseEngine:
    recipe = tiny_diff_denoise()
    return DiffDenoiseEngine(DiffDenoiseNetworks.named(build_networks(recipe)), recipe)


TINY: dict[str, Callable[[], Engine]] = {
    "relativeflow": relative_flow,
    "diffdenoise": diff_denoise,
    "fdn": lambda: FDNEngine(build_fdn(tiny_fdn()), tiny_fdn()),
}
SETTINGS = {name: info.settings for name, info in ENGINES.items()} | {"fdn": FDNSettings}


def choices(annotation: Any, field: Any) -> tuple[Any, ...]:
    """Values that make an engine slow or quick: of a number the largest."""
    if annotation is bool:
        return (False, True)
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    if annotation is int:
        return (max((bound.le for bound in field.metadata if hasattr(bound, "le")), default=field.default),)
    return (field.default,)


def all_settings(kind: type[EngineSettings]) -> Iterator[EngineSettings]:
    fields = kind.model_fields
    for values in product(*(choices(field.annotation, field) for field in fields.values())):
        yield kind.model_validate(dict(zip(fields, values, strict=True)))


@pytest.mark.parametrize("name", SETTINGS)
def test_the_draft_of_every_engine_is_quick(name: str) -> None:
    assert name in TINY, f"say here how a small engine {name} is built"
    engine = TINY[name]()
    context = EngineContext(0.05, 1.0, torch.device("cpu"), torch.float32)
    slow = list(all_settings(SETTINGS[name]))
    assert max(engine.evaluations(settings, context) for settings in slow) > 2 * QUICK
    for settings in slow:
        draft = draft_settings(settings)
        assert engine.evaluations(draft, context) <= QUICK, settings
        assert not draft.best_quality
        assert SETTINGS[name].model_validate(draft.model_dump()) == draft


@pytest.mark.parametrize("name", SETTINGS)
def test_a_draft_keeps_what_is_not_about_speed(name: str) -> None:
    chosen = SETTINGS[name].model_validate({"strength": 0.35, "seed": 7})
    draft = draft_settings(chosen)
    assert (draft.strength, draft.seed) == (0.35, 7)
    assert draft_settings(draft) == draft
