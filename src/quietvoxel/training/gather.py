"""From the files that a user names to references on the disk: what fits, what is left out and why, who is held out."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from quietvoxel.errors import BadInputError, QuietVoxelError
from quietvoxel.inference.slabs import slice_axis
from quietvoxel.inference.statistics import measure
from quietvoxel.training.prepare import unit_noise
from quietvoxel.training.stacks import Stack, keep_arrays, keep_index, noise_weight
from quietvoxel.volume import Modality

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from quietvoxel.training.candidates import Candidate
    from quietvoxel.volume import Volume

BLOCK = 16
"""Slices that are kept together where a volume is too large to be kept whole."""

LEAST_BLOCK = 8

JUDGED = 6
"""Slabs that the training is judged by."""

ENOUGH_TO_SPLIT = 6
"""A single volume with fewer slices is judged by the slices that it is trained on."""

SPARE = 500_000_000
"""Bytes that the references leave free on the disk."""


@dataclass(frozen=True)
class LeftOut:
    """A candidate that is not trained on.

    Attributes
    ----------
    number : of the candidate.
    reason : a clause without any name in it: "it is MR, not CT".
    sentence : for the user's eyes only: it may name the file.
    """

    number: int
    reason: str
    sentence: str


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


@dataclass(frozen=True)
class _Read:
    """A volume that fits, as slices along their axis in network units."""

    number: int
    modality: str
    data: NDArray[np.float16]
    spacing_yx: tuple[float, float]
    ratio: float
    sigma: float
    ours: bool


def gather(
    candidates: Sequence[Candidate],
    folder: Path,
    *,
    modality: str | None = None,
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
    folder : of the cache.
    modality : "CT" or "MR"; that of the first readable volume when not given.
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
    cache = _Cache(folder, halo, seed, judged=-(-JUDGED // -(-len(order) // every)), room=pixels)
    left_out: list[LeftOut] = []
    first: _Read | None = None
    sigmas: list[float] = []
    slices = ours = 0
    notes: list[str] = []
    for done, candidate in enumerate(order):
        go_on(done, len(order))
        if cache.room <= 0:
            notes.append(
                f"{len(sigmas)} of {len(order)} volumes are used, as many as this plan has time for; "
                "a longer plan uses more."
            )
            break
        found = _read(candidate, modality)
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
            cache.judge(found)
        else:
            cache.train_on(found, waiting=len(order) - done)
    if first is None or modality is None:
        raise BadInputError(_nothing(left_out, modality))
    alone = len(sigmas) == 1
    if alone:
        notes.append(_split(cache, first, share))
    else:
        cache.judge(first)
    stacks = _weighed(cache.stacks)
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


def _read(candidate: Candidate, modality: str | None) -> _Read | LeftOut:
    try:
        volume = candidate.read()
        if volume.modality == Modality.OTHER and not volume.source.metadata.get("modality_tag"):
            volume = candidate.read(modality or "MR")
        if modality is not None and str(volume.modality) != modality:
            reason = f"it is {volume.modality}, not {modality}"
        elif volume.modality == Modality.OTHER:
            reason = "it is neither CT nor MR"
        else:
            return _normalised(volume, candidate.number)
    except BadInputError as error:
        return LeftOut(candidate.number, "it is empty, damaged or no image that can be used", str(error))
    return LeftOut(candidate.number, reason, f"{candidate.path} is left out because {reason}.")


def _normalised(volume: Volume, number: int) -> _Read:
    known = measure(volume)
    axis = slice_axis(volume)
    spacing = volume.geometry.spacing_zyx
    y, x = (s for a, s in enumerate(spacing) if a != axis)
    values = known.intensity.normalise(volume.as_float32())
    if known.padding is not None:
        values[known.padding] = known.intensity.outside / known.intensity.unit
    data = np.ascontiguousarray(np.moveaxis(values, axis, 0)).astype(np.float16)
    ratio = spacing[axis] / (0.5 * (y + x))
    sigma, ours = known.sigma / known.intensity.unit, volume.source.derived_by_us
    return _Read(number, str(volume.modality), data, (y, x), ratio, sigma, ours)


def _blocks(shape: tuple[int, ...], room: float) -> list[slice]:
    """Evenly spaced blocks of slices that fill the room, or the whole volume where it has room for it."""
    depth, area = shape[0], shape[1] * shape[2]
    wanted = int(room / area)
    if depth <= max(wanted, LEAST_BLOCK):
        return [slice(0, depth)]
    size = BLOCK if wanted >= BLOCK else LEAST_BLOCK
    count = max(1, min(wanted // size, depth // size))
    starts = (
        np.linspace(0, depth - size, count + 2)[1:-1] if count < 3 else np.linspace(0, depth - size, count)
    )
    return [slice(start, start + size) for start in starts.round().astype(int).tolist()]


def _judged_slabs(depth: int, count: int, halo: int) -> list[slice]:
    """Slabs around evenly spaced slices; the ends of the stack are left out where there is enough between them."""
    margin = depth // 8
    middles = np.unique(np.linspace(margin, depth - 1 - margin, min(count, depth)).round().astype(int))
    return [slice(max(0, z - halo), min(depth, z + halo + 1)) for z in middles.tolist()]


@dataclass
class _Cache:
    """Writes the parts of volumes that are trained on or judged by, as long as there is room."""

    folder: Path
    halo: int
    seed: int
    judged: int
    room: float
    stacks: list[Stack] = field(default_factory=list)

    def judge(self, found: _Read) -> None:
        """Hold a volume out."""
        self.keep(found, _judged_slabs(len(found.data), self.judged, self.halo), held_out=True)

    def train_on(self, found: _Read, waiting: int) -> None:
        """Keep a volume's share of the room; so many volumes, this one among them, are still waiting for theirs."""
        self.room -= self.keep(found, _blocks(found.data.shape, self.room / waiting), held_out=False)

    def keep(self, found: _Read, parts: Sequence[slice], *, held_out: bool) -> float:
        """Write parts of a volume; returns how many pixels they have."""
        total, ct = 0, found.modality == "CT"
        for part, where in enumerate(parts):
            data = found.data[where]
            _check_room(self.folder, data.nbytes * (3 if ct else 1))
            name = f"{found.number:03d}-{part}" + ("-judged" if held_out else "")
            keep_arrays(
                self.folder, name, data, unit_noise(data, found.spacing_yx, seed=self.seed) if ct else None
            )
            depth, rows, columns = data.shape
            self.stacks.append(
                Stack(
                    file=name,
                    number=found.number,
                    shape=(depth, rows, columns),
                    spacing_ratio=found.ratio,
                    sigma=found.sigma,
                    # A large stack is drawn more often than a small one, but not in proportion: variety counts more
                    # than bulk.
                    weight=float(np.sqrt(data.size) / 1000.0),
                    held_out=held_out,
                    noise=ct,
                )
            )
            total += data.size
        return total


def _check_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size + SPARE:
        msg = (
            f"The disk of {folder} has {free / 1e9:.1f} GB left, too little to keep the references there; "
            "free some space or choose a shorter plan."
        )
        raise QuietVoxelError(msg)


def _split(cache: _Cache, only: _Read, share: float) -> str:
    """Hold out the last slices of the only volume; returns the sentence to say."""
    depth = len(only.data)
    rest = depth - max(1, round(share * depth))
    if depth < ENOUGH_TO_SPLIT:
        cache.keep(only, _judged_slabs(depth, JUDGED, cache.halo), held_out=True)
        cache.train_on(only, 1)
        return (
            "There are too few slices to hold any out: the figures are those of slices that were trained on."
        )
    judged = _judged_slabs(depth - rest, JUDGED, cache.halo)
    cache.keep(only, [slice(rest + part.start, rest + part.stop) for part in judged], held_out=True)
    cache.train_on(replace(only, data=only.data[:rest]), 1)
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
