"""From the files that a user names to references on the disk: what fits, what is left out and why, who is held out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from quietvoxel.errors import BadInputError
from quietvoxel.training.keeping import Keeper, judged_parts
from quietvoxel.training.reading import FittingVolume, LeftOut, read_reference
from quietvoxel.training.stacks import Stack, keep_index, noise_weight

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from quietvoxel.training.candidates import Candidate

JUDGED = 6
"""Slabs that the training is judged by."""

ENOUGH_TO_SPLIT = 6
"""A single volume with fewer slices is judged by the slices that it is trained on."""


@dataclass(frozen=True)
class Summary:
    """What is trained on, in numbers.

    Attributes
    ----------
    modality : "CT" or "MR".
    volumes, slices : how many are used.
    noise : least and greatest estimated noise, in HU or as a share of the 99.5th percentile.
    unit : of it.
    training, validation : numbers of the references.
    left_out : those that are not used.
    notes : sentences to say.
    """

    modality: str
    volumes: int
    slices: int
    noise: tuple[float, float]
    unit: str
    training: tuple[int, ...] = ()
    validation: tuple[int, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()


def gather(
    candidates: Sequence[Candidate],
    folder: Path,
    *,
    modality: str | None = None,
    stated: bool = False,
    pixels: float = 150e6,
    share: float = 0.2,
    halo: int = 2,
    seed: int = 0,
    go_on: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Summary, list[Stack]]:
    """Read the candidates one after the other, and keep what is trained on in a folder.

    Parameters
    ----------
    candidates : in the order of their numbers.
    folder : where they are kept.
    modality : "CT" or "MR"; that of the first readable volume when not given.
    stated : the user says that files that do not say their modality are of that one.
    pixels : how many are kept at most; large volumes give some blocks of slices, and where there are too many for a
        block each, some are not used.
    share : of the volumes that is held out.
    halo : neighbours that a judged slice needs on each side.
    seed : decides which volumes are held out.
    go_on : called with (candidates looked at, all) before each; may raise to stop.

    Raises
    ------
    BadInputError
        If nothing fits.
    QuietVoxelError
        If the disk has no room.
    """
    folder.mkdir(parents=True, exist_ok=True)
    order = [candidates[k] for k in np.random.default_rng(seed).permutation(len(candidates))]
    every = max(2, round(1.0 / share))
    keeper = Keeper(folder, halo, seed, judged=-(-JUDGED // -(-len(order) // every)), room=pixels)
    left_out: list[LeftOut] = []
    first: FittingVolume | None = None
    sigmas: list[float] = []
    slices = ours = 0
    notes: list[str] = []
    for done, candidate in enumerate(order):
        go_on(done, len(order))
        if keeper.room <= 0:
            notes.append(
                f"{len(sigmas)} of {len(order)} volumes are used, as many as this plan has time for; "
                "a longer plan uses more."
            )
            break
        found = read_reference(candidate, modality, stated=stated)
        if isinstance(found, LeftOut):
            left_out.append(found)
            continue
        modality = found.modality
        place = len(sigmas)
        sigmas.append(found.sigma)
        slices += len(found.data)
        ours += found.ours
        if place == 0:
            # Held out, unless it turns out to be the only one.
            first = found
        elif place % every == 0:
            keeper.judge(found)
        else:
            keeper.train_on(found, waiting=len(order) - done)
    if first is None or modality is None:
        raise BadInputError(_nothing(left_out, modality))
    alone = len(sigmas) == 1
    if alone:
        notes.append(_split(keeper, first, share))
    else:
        keeper.judge(first)
    stacks = _weighed(keeper.stacks)
    keep_index(folder, stacks)
    if any(sigma <= 0 for sigma in sigmas):
        notes.append("The noise of some references cannot be estimated; they count as typical ones.")
    if ours:
        notes.append(
            f"{ours} of the references were written by QuietVoxel; a denoised image is a poor reference."
        )
    known = [sigma for sigma in sigmas if sigma > 0] or [0.0]
    scale, unit = (1000.0, "HU") if modality == "CT" else (1.0, "of the 99.5th percentile")
    summary = Summary(
        modality=modality,
        volumes=len(sigmas),
        slices=slices,
        noise=(round(scale * min(known), 4), round(scale * max(known), 4)),
        unit=unit,
        training=tuple(sorted({s.number for s in stacks if not s.held_out})),
        validation=() if alone else tuple(sorted({s.number for s in stacks if s.held_out})),
        left_out=tuple(sorted(left_out, key=lambda one: one.number)),
        notes=tuple(notes),
    )
    return summary, stacks


def _split(keeper: Keeper, only: FittingVolume, share: float) -> str:
    """Hold out the last slices of the only volume; returns the sentence to say."""
    depth = len(only.data)
    rest = depth - max(1, round(share * depth))
    if depth < ENOUGH_TO_SPLIT:
        keeper.keep(only, judged_parts(depth, JUDGED, keeper.halo), held_out=True)
        keeper.train_on(only, 1)
        return (
            "There are too few slices to hold any out: the figures are those of slices that were trained on."
        )
    judged = judged_parts(depth - rest, JUDGED, keeper.halo)
    keeper.keep(only, [slice(rest + part.start, rest + part.stop) for part in judged], held_out=True)
    keeper.train_on(replace(only, data=only.data[:rest]), 1)
    return (
        f"There is one volume only, so that its last {depth - rest} slices are held out: "
        "the figures are kinder than those of another patient would be."
    )


def _weighed(stacks: list[Stack]) -> list[Stack]:
    """Weights by noise; an unknown noise is taken as the typical one."""
    known = [stack.sigma for stack in stacks if stack.sigma > 0 and not stack.held_out]
    typical = float(np.median(known)) if known else 0.0
    return [replace(s, weight=s.weight * noise_weight(s.sigma, typical)) for s in stacks]


def _nothing(left_out: list[LeftOut], modality: str | None) -> str:
    first = left_out[0].sentence.rstrip(".") if left_out else "nothing was read"
    which = f"{modality} " if modality else ""
    more = f", and {len(left_out) - 1} more are no better" if len(left_out) > 1 else ""
    return f"None of the references is a {which}volume that can be trained on ({first}){more}; give other references."
