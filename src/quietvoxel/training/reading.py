"""Reading one candidate: a volume that can be trained on, in network units, or the reason why it cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from quietvoxel.errors import BadInputError
from quietvoxel.inference.slabs import slice_axis
from quietvoxel.inference.statistics import measure
from quietvoxel.volume import Modality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quietvoxel.training.candidates import Candidate, ShownVolume
    from quietvoxel.volume import Volume


GUESSES = ("No modality in the file", "The layer states no modality")
"""So begins what `quietvoxel.io.read`, or a viewer, says of a guess."""


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
class FittingVolume:
    """A volume that can be trained on.

    Attributes
    ----------
    number : of the candidate.
    modality : "CT" or "MR".
    data : (slices, rows, columns) along the axis of the slices, network units.
    spacing_yx : of the pixels, mm.
    ratio : slice spacing over pixel spacing.
    sigma : estimated noise, network units; 0 where it cannot be known.
    ours : QuietVoxel wrote the file.
    """

    number: int
    modality: str
    data: NDArray[np.float16]
    spacing_yx: tuple[float, float]
    ratio: float
    sigma: float
    ours: bool


def read_reference(
    candidate: Candidate | ShownVolume, modality: str | None = None, *, stated: bool = False
) -> FittingVolume | LeftOut:
    """Read a candidate and estimate its noise.

    Parameters
    ----------
    candidate : what to read.
    modality : "CT" or "MR"; a volume of another one does not fit.
    stated : the user says that files that do not say their modality are of that one.
    """
    try:
        volume = candidate.read()
        guessed = any(note.startswith(GUESSES) for note in volume.source.notes)
        if guessed and stated and modality not in (None, str(volume.modality)):
            volume = candidate.read(modality)
        if modality is not None and str(volume.modality) != modality:
            reason = f"it {'looks like' if guessed else 'is'} {volume.modality}, not {modality}"
        elif volume.modality == Modality.OTHER:
            reason = "it is neither CT nor MR"
        else:
            return _normalised(volume, candidate.number)
    except BadInputError as error:
        return LeftOut(candidate.number, "it is empty, damaged or no image that can be used", str(error))
    return LeftOut(candidate.number, reason, f"{candidate.path} is left out because {reason}.")


def _normalised(volume: Volume, number: int) -> FittingVolume:
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
    return FittingVolume(number, str(volume.modality), data, (y, x), ratio, sigma, ours)
