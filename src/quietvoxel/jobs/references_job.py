"""Looking at references before a training: what fits, how noisy it is, and what is left out and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quietvoxel.errors import CancelledError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from quietvoxel.jobs.job import JobContext
    from quietvoxel.volume import Volume


@dataclass(frozen=True)
class ReferenceFound:
    """One file or series that was looked at.

    Attributes
    ----------
    number : by which the training's events call it.
    path : the file or folder; of a volume of a viewer, its name.
    modality, slices : of the volume; "" and 0 where it cannot be used.
    noise : estimated standard deviation, in HU or as a share of the 99.5th percentile; 0 where unknown.
    sentence : why it cannot be used, with the file's name; "" where it can.
    done, total : how many were looked at.
    """

    number: int
    path: Path
    modality: str
    slices: int
    noise: float
    sentence: str
    done: int
    total: int


@dataclass(frozen=True)
class ReferencesSummary:
    """All references in one line.

    Attributes
    ----------
    modality : of those that fit; "" where none does.
    volumes, slices : how many.
    noise : least and greatest.
    unit : of the noise.
    left_out : a sentence for each that does not fit.
    """

    modality: str
    volumes: int
    slices: int
    noise: tuple[float, float]
    unit: str
    left_out: tuple[str, ...] = ()


def summary_of(found: Sequence[ReferenceFound], modality: str | None = None) -> ReferencesSummary:
    """Put references together; those of another modality do not fit.

    Parameters
    ----------
    found : in the order in which they are given to the training.
    modality : "CT" or "MR", where it is known; otherwise that of the first volume.
    """
    usable = [one for one in found if not one.sentence]
    wanted = modality or next((one.modality for one in usable), "")
    fitting = [one for one in usable if one.modality == wanted]
    left_out = [
        one.sentence or f"{one.path} is left out because it is {one.modality}, not {wanted}."
        for one in found
        if one not in fitting
    ]
    noises = [one.noise for one in fitting if one.noise > 0] or [0.0]
    return ReferencesSummary(
        wanted if fitting else "",
        len(fitting),
        sum(one.slices for one in fitting),
        (min(noises), max(noises)),
        "HU" if wanted == "CT" else "of the 99.5th percentile",
        tuple(left_out),
    )


@dataclass(frozen=True, eq=False)
class ReferencesJob:
    """Look at files and folders; tells a `ReferenceFound` for each and ends with a `ReferencesSummary`.

    Attributes
    ----------
    paths : as the user named them.
    modality : "CT" or "MR", for files that do not say theirs.
    volumes : what a viewer shows, and its name; looked at before the files.
    """

    paths: tuple[Path, ...] = ()
    modality: str | None = None
    volumes: tuple[tuple[str, Volume], ...] = ()

    def run(self, context: JobContext) -> ReferencesSummary:
        """Look at one after the other.

        Raises
        ------
        BadInputError
            If there is nothing to look at.
        CancelledError
            If that was asked for.
        """
        from quietvoxel.training.candidates import ShownVolume, find_candidates  # they import torch
        from quietvoxel.training.reading import LeftOut, read_reference

        shown = [ShownVolume(number, name, one) for number, (name, one) in enumerate(self.volumes, 1)]
        candidates = [*shown, *(find_candidates(self.paths) if self.paths or not shown else ())]
        told: list[ReferenceFound] = []
        for done, candidate in enumerate(candidates, 1):
            if context.cancelled():
                msg = "Looking at the references was cancelled."
                raise CancelledError(msg)
            found = read_reference(candidate, self.modality, stated=self.modality is not None)
            facts: tuple[str, int, float, str]
            if isinstance(found, LeftOut):
                facts = ("", 0, 0.0, found.sentence)
            else:
                noise = found.sigma * (1000.0 if found.modality == "CT" else 1.0)
                facts = (found.modality, len(found.data), noise, "")
            del found  # the next volume needs its memory
            told.append(ReferenceFound(candidate.number, candidate.path, *facts, done, len(candidates)))
            context.tell(told[-1])
            context.give_way()
        return summary_of(told, self.modality)
