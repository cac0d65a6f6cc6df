"""What an engine is: settings, a way to denoise a slab of slices, and the stages in which it is trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from quietvoxel.errors import CancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch
    from torch import Tensor, nn

MAX_SPACING_RATIO = 8.0
"""Slices further apart than this many pixels tell nothing about each other; the network is told no more."""


@dataclass(frozen=True)
class EngineContext:
    """What an engine needs to know beside the pixels.

    Attributes
    ----------
    sigma : noise standard deviation in the slab, in network units.
    spacing_ratio : slice spacing over pixel spacing, as the network is told it.
    device, dtype : where and in which precision networks run.
    generators : one random generator per image of the batch, seeded by (seed, slice).
    progress : called with (solver step done, steps) after each step.
    cancelled : asked before each step; True stops the run with CancelledError.
    lowest : MR: no denoised pixel falls below it, in network units. 0 for a magnitude; the least value of the volume
        where that is negative (a phase, or a magnitude that was resampled).
    origin, extent : where the slab lies in its slice when that is cut into tiles, and how large the whole slice is
        (rows, columns): an engine that draws noise draws it for the slice, so that tiles have no seams.
    """

    sigma: float
    spacing_ratio: float
    device: torch.device
    dtype: torch.dtype
    generators: Sequence[torch.Generator] = ()
    progress: Callable[[int, int], None] = field(default=lambda done, total: None)
    cancelled: Callable[[], bool] = field(default=lambda: False)
    lowest: float = 0.0
    origin: tuple[int, int] = (0, 0)
    extent: tuple[int, int] | None = None

    def stop_if_cancelled(self) -> None:
        """Raise CancelledError if `cancelled` says so."""
        if self.cancelled():
            msg = "Denoising was cancelled."
            raise CancelledError(msg)


@dataclass(frozen=True)
class EngineOutput:
    """What an engine gives back.

    Attributes
    ----------
    image : (B, 1, H, W) denoised centre slices.
    uncertainty : (B, 1, H, W) their standard deviation, where the engine can tell.
    unlikeness : (B,) how many standard deviations the input's likelihood lies away from the training images',
        where the engine has a likelihood.
    """

    image: Tensor
    uncertainty: Tensor | None = None
    unlikeness: Tensor | None = None


class Engine(Protocol):
    """A loaded engine: networks in memory, ready for slabs.

    Attributes
    ----------
    name : as on the command line.
    """

    name: str

    def halo(self, settings: Any, /) -> int:
        """Neighbouring slices needed on each side of the slice that is denoised."""
        ...

    def evaluations(self, settings: Any, context: EngineContext, /) -> int:
        """Solver steps that `denoise` will report, for progress and time left."""
        ...

    def denoise(self, noisy: Tensor, settings: Any, context: EngineContext, /) -> EngineOutput:
        """Denoise the centre slices of slabs.

        Parameters
        ----------
        noisy : (B, 2 * halo + 1, H, W) in network units; a missing neighbour is all zeros.

        Raises
        ------
        CancelledError
            If `context.cancelled()` says so; asked before every solver step.
        """
        ...


@dataclass(frozen=True)
class Slabs:
    """Slabs cut from reference volumes.

    Attributes
    ----------
    image : (B, slices, h, w) in network units; a missing neighbour is all zeros.
    spacing_ratio : (B,) slice spacing over pixel spacing.
    noise : (B, realisations, slices, h, w) unit noise images of the CT operator, or None where noise is drawn.
    """

    image: Tensor
    spacing_ratio: Tensor
    noise: Tensor | None = None


class TrainingStage(Protocol):
    """One network's training: RelativeFlow has one stage, other engines several, run one after the other.

    Attributes
    ----------
    name : of the network in the model file.
    halo : neighbouring slices on each side that a slab must have.
    """

    name: str
    halo: int

    def build(self) -> nn.Module:
        """A new network of this stage."""
        ...

    def prepare(self, slabs: Slabs, progress: float, generator: torch.Generator, /) -> Mapping[str, Tensor]:
        """Turn slabs into a batch; `progress` runs from 0 to 1 over the training and drives a curriculum."""
        ...

    def loss(self, network: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
        """The scalar to minimise."""
        ...
