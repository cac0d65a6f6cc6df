"""What a run tells while it runs. Front-ends draw from these and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Started:
    """The run begins.

    Attributes
    ----------
    slices : how many slices will be denoised.
    axis : array axis they lie along.
    sigma : noise standard deviation that will be removed at strength 1, in the volume's units.
    device, precision : where and how it runs.
    notes : sentences to say (a CPU fallback, doubts about the noise estimate, ...).
    """

    slices: int
    axis: int
    sigma: float
    device: str
    precision: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class StepDone:
    """One solver step is done.

    Attributes
    ----------
    done, total : slices finished, and in all.
    step, steps : of the current slice.
    eta_s : seconds left for the whole run, or None while unknown.
    """

    done: int
    total: int
    step: int
    steps: int
    eta_s: float | None


@dataclass(frozen=True)
class SliceDone:
    """A slice is finished.

    Attributes
    ----------
    index : along the slice axis.
    pixels : float32 in the volume's units, blended; `np.moveaxis(result, axis, 0)[index]`.
    done, total : slices finished, and in all.
    """

    index: int
    pixels: NDArray[np.float32]
    done: int
    total: int


@dataclass(frozen=True)
class Finished:
    """All slices are done.

    Attributes
    ----------
    seconds : wall-clock time of the run.
    clipped : voxels that had to be clipped to the stored type.
    notes : sentences to say.
    """

    seconds: float
    clipped: int
    notes: tuple[str, ...] = ()


Event = Started | StepDone | SliceDone | Finished
