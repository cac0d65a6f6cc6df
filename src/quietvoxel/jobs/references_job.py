"""Looking at references before a training: what fits, how noisy it is, and what is left out and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quietvoxel.errors import CancelledError

if TYPE_CHECKING:
    from pathlib import Path

    from quietvoxel.jobs.job import JobContext


@dataclass(frozen=True)
class ReferenceFound:
    """One file or series that was looked at.

    Attributes
    ----------
    number : by which the training's events call it.
    path : the file or folder.
    modality, slices : of the volume; "" and 0 where it does not fit.
    noise : estimated standard deviation, in HU or as a share of the 99.5th percentile; 0 where unknown.
    sentence : why it is left out, with the file's name; "" where it fits.
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
    """

    modality: str
    volumes: int
    slices: int
    noise: tuple[float, float]
    unit: str


@dataclass(frozen=True)
class ReferencesJob:
    """Look at files and folders; tells a `ReferenceFound` for each and ends with a `ReferencesSummary`.

    Attributes
    ----------
    paths : as the user named them.
    modality : "CT" or "MR", where it is known; otherwise that of the first volume.
    """

    paths: tuple[Path, ...]
    modality: str | None = None

    def run(self, context: JobContext) -> ReferencesSummary:
        """Look at one after the other.

        Raises
        ------
        BadInputError
            If there is nothing to look at.
        CancelledError
            If that was asked for.
        """
        from quietvoxel.training.candidates import find_candidates  # they import torch
        from quietvoxel.training.reading import LeftOut, read_reference

        candidates = find_candidates(self.paths)
        modality = self.modality
        noises: list[float] = []
        slices = volumes = 0
        for done, candidate in enumerate(candidates, 1):
            if context.cancelled():
                msg = "Looking at the references was cancelled."
                raise CancelledError(msg)
            found = read_reference(candidate, modality, stated=self.modality is not None)
            if isinstance(found, LeftOut):
                told = ("", 0, 0.0, found.sentence)
            else:
                modality = found.modality
                noise = found.sigma * (1000.0 if modality == "CT" else 1.0)
                volumes, slices = volumes + 1, slices + len(found.data)
                noises += [noise] if noise > 0 else []
                told = (modality, len(found.data), noise, "")
            del found  # the next volume needs its memory
            context.tell(ReferenceFound(candidate.number, candidate.path, *told, done, len(candidates)))
        unit = "HU" if modality == "CT" else "of the 99.5th percentile"
        noises = noises or [0.0]
        return ReferencesSummary(
            modality or "" if volumes else "", volumes, slices, (min(noises), max(noises)), unit
        )
