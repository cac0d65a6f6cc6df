"""What a student learns from: noisy stacks and what is to be removed from them, made once and kept on disk.

What is removed is what the teacher removes, or, for a share of the stacks that the recipe names, the noise that was
added to a reference: the student then learns the mean of the two, and can be better than its teacher.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003  # part of public signatures
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from quietvoxel.engines.contract import EngineContext
from quietvoxel.engines.diff_denoise.engine import DiffDenoiseEngine
from quietvoxel.engines.diff_denoise.schedule import matched_weight
from quietvoxel.engines.diff_denoise.settings import DiffDenoiseSettings
from quietvoxel.engines.diff_denoise.training import noisy_images
from quietvoxel.inference.devices import choose_device, choose_precision
from quietvoxel.training.references import MISSING, Reference, draw_slabs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from quietvoxel.engines.diff_denoise.settings import DiffDenoiseRecipe
    from quietvoxel.engines.diff_denoise.training import ImageSource

DEPTH = 3
"""A stack has so many slices on each side of its middle one: the student sees neighbours with noise of their own."""

SIDE = 192
"""Side of a stack's slices in pixels."""

MOST_BY_REFERENCE = 240
"""No more stacks than this are taught by their references; beyond, they are drawn more often instead."""

TEACHER = DiffDenoiseSettings(student=False, srds=True, ddim_steps=10, pairs=1)
"""How the teacher samples, except for the strength; ten steps are as good as twenty (docs/diffdenoise.md)."""


def taught_stacks(
    engine: DiffDenoiseEngine,
    references: Sequence[Reference],
    count: int,
    folder: Path,
    *,
    seed: int = 0,
    side: int = SIDE,
    teacher: DiffDenoiseSettings = TEACHER,
    images: ImageSource = noisy_images,
    noisier: ImageSource | None = None,
    tell: Callable[[dict[str, Any]], None] = lambda event: None,
    go_on: Callable[[], None] = lambda: None,
) -> list[Reference]:
    """Degrade stacks cut from the references, and let the engine denoise them by sampling.

    Where the recipe has a `reference_share`, further stacks are taught by their references.

    Parameters
    ----------
    engine : the teacher.
    references : volumes, normalised.
    count : number of stacks that the teacher denoises.
    folder : where each stack is kept; those found there are not made again.
    teacher : how it samples; the strength is drawn anew for half of the stacks and 1 for the others.
    images : where noisy slabs come from.
    noisier : where those come from that are taught by their references; `images` when not given.
    tell : called with each progress event.
    go_on : called before each stack that is made; may raise to stop.

    Returns
    -------
    References for `StudentStage`: what was removed, the noise level and the power stand in place of the noise.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # The student learns the mean of noisy images, as its teacher has; the bias in it is undone where either is used.
    engine = DiffDenoiseEngine(engine.networks, engine.recipe, rician_share=0.0)
    share = engine.recipe.reference_share
    wanted = count * share / (1.0 - share)
    by_reference = min(round(wanted), MOST_BY_REFERENCE)
    weight = wanted / max(1, by_reference)
    stacks = []
    for index in range(count + by_reference):
        path = folder / f"stack-{index:04d}.npz"
        if not path.exists():
            go_on()
            rng = np.random.default_rng([seed, index])
            source = images if index < count or noisier is None else noisier
            drawn = _drawn(engine.recipe, references, rng, side, source)
            removed = (
                _by_teacher(engine, drawn, rng, teacher) if index < count else _by_reference(engine, drawn)
            )
            partial = path.with_suffix(".part")
            with partial.open("wb") as stream:
                np.savez(
                    stream,
                    noisy=drawn.noisy.numpy().astype(np.float16),
                    removed=removed.numpy().astype(np.float16),
                    facts=np.array([drawn.sigma, engine.recipe.start_power * drawn.strength, drawn.ratio]),
                )
            partial.replace(path)
            if (index + 1) % 10 == 0 and index < count:
                tell({"event": "taught", "done": index + 1, "total": count})
        with np.load(path) as stored:
            stacks.append(_reference(f"stack-{index}", stored, 1.0 if index < count else weight))
    return stacks


@dataclass(frozen=True)
class _Drawn:
    """A noisy stack: its slices (z, H, W), the noise added to them, its level, a strength and the spacing ratio.

    A source of images may say itself what is to be taken for the noise, as "added" in its batch.
    """

    noisy: Tensor
    added: Tensor
    sigma: float
    strength: float
    ratio: float
    told: bool


def _drawn(
    recipe: DiffDenoiseRecipe,
    references: Sequence[Reference],
    rng: np.random.Generator,
    side: int,
    images: ImageSource,
) -> _Drawn:
    slabs = draw_slabs(references, 1, side, DEPTH, rng)
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    batch = images(recipe, DEPTH).prepare(slabs, 1.0, generator)
    low, high = np.log(recipe.strength_min), np.log(recipe.strength_max)
    strength = float(np.exp(rng.uniform(low, high))) if rng.random() < 0.5 else 1.0
    there = batch["slab"][0].abs().amax(dim=(1, 2)) > 0
    noisy = batch["slab"][0][there]
    added = batch["added"][0][there] if "added" in batch else noisy - slabs.image[0][there]
    return _Drawn(noisy, added, float(batch["sigma"]), strength, float(slabs.spacing_ratio), "added" in batch)


def _by_reference(engine: DiffDenoiseEngine, drawn: _Drawn) -> Tensor:
    """The noise that was added, or as much of it as the teacher would remove at this strength."""
    if engine.recipe.modality == "MR" and not drawn.told:
        msg = "What noise adds to a magnitude image is not the noise alone: reference_share is for CT."
        raise ValueError(msg)
    variance = engine.networks.diffusion.residual_variance(drawn.sigma)

    def removed(strength: float) -> float:
        return 1.0 - matched_weight(drawn.sigma, variance, engine.recipe.start_power * strength)

    return drawn.added * (removed(drawn.strength) / removed(1.0))


def _by_teacher(
    engine: DiffDenoiseEngine, drawn: _Drawn, rng: np.random.Generator, teacher: DiffDenoiseSettings
) -> Tensor:
    """What sampling removes, slice by slice."""
    noisy, device = drawn.noisy, choose_device()
    removed = torch.empty_like(noisy)
    halo = engine.halo(teacher)
    settings = teacher.touched(strength=drawn.strength)
    lowest = min(0.0, float(noisy.amin()))
    for z in range(len(noisy)):
        slab = torch.full((1, 2 * halo + 1, *noisy.shape[1:]), MISSING)
        for place, k in enumerate(range(z - halo, z + halo + 1)):
            if 0 <= k < len(noisy):
                slab[0, place] = noisy[k]
        own = torch.Generator().manual_seed(int(rng.integers(2**62)))
        context = EngineContext(
            drawn.sigma, drawn.ratio, device, choose_precision(device), generators=(own,), lowest=lowest
        )
        removed[z] = noisy[z] - engine.denoise(slab, settings, context).image[0, 0]
    return removed


def _reference(name: str, stored: Any, weight: float) -> Reference:
    noisy, removed = stored["noisy"], stored["removed"]
    sigma, power, ratio = stored["facts"]
    facts = [np.full(noisy.shape, value, np.float16) for value in (sigma, power)]
    return Reference(name, noisy, float(ratio), np.stack([removed, *facts]), weight)
