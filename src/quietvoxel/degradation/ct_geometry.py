"""Scanner geometries for one axial slice: where the rays run and where a pixel lands on the detector.

The isocentre is the middle of the image, x runs along the columns and y down the rows, in mm. For a view at
angle t the detector axis is u = (cos t, sin t) and the central ray runs along v = (-sin t, cos t).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, Self

import torch

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["BeamGeometry", "FanBeam", "ParallelBeam"]


class BeamGeometry(Protocol):
    """What the projector has to know about a scanner."""

    @property
    def views(self) -> int:
        """Number of views over `arc`."""

    @property
    def arc(self) -> float:
        """Angular range of the views in radians."""

    @property
    def pitch_mm(self) -> float | None:
        """Detector pitch at the isocentre in mm; None stands for the pixel spacing."""

    def detector_cells(self, radius_mm: float, pitch_mm: float) -> int:
        """Cells that a detector needs to see a disc of this radius around the isocentre."""

    def rays(self, angle: float, s: Tensor) -> tuple[Tensor, Tensor]:
        """Give each ray's point nearest to the isocentre and its unit direction, both (D, 2) as (x, y)."""

    def shadow(self, angle: float, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor | float]:
        """Detector coordinate in mm of the points (x, y), and their weight in the back-projection."""

    def ray_weight(self, s: Tensor) -> Tensor:
        """Weight of a projection before it is filtered, (D,)."""

    def wrapped(self, first: Tensor) -> Tensor:
        """Give the view that follows the last one, made from the first, (..., D)."""

    def thinned(self, every: int, pitch_mm: float) -> Self:
        """Keep only every n-th view, with detector cells of this pitch."""


def _axes(angle: float, like: Tensor) -> tuple[Tensor, Tensor]:
    u = like.new_tensor([math.cos(angle), math.sin(angle)])
    v = like.new_tensor([-math.sin(angle), math.cos(angle)])
    return u, v


@dataclass(frozen=True)
class ParallelBeam:
    """Parallel rays over 180 degrees.

    Attributes
    ----------
    views : number of equally spaced views.
    pitch_mm : detector pitch, or None for the pixel spacing.
    """

    views: int = 600
    pitch_mm: float | None = None

    @property
    def arc(self) -> float:
        """Pi: opposite parallel views measure the same rays."""
        return math.pi

    def detector_cells(self, radius_mm: float, pitch_mm: float) -> int:
        """Cells that cover a disc of this radius, one more on each side."""
        return 2 * math.ceil(radius_mm / pitch_mm) + 3

    def rays(self, angle: float, s: Tensor) -> tuple[Tensor, Tensor]:
        """Give the foot and the direction of the ray of each detector coordinate `s` in mm."""
        u, v = _axes(angle, s)
        return s[:, None] * u, v.expand(len(s), 2)

    def shadow(self, angle: float, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor | float]:
        """Project points along the rays; every point weighs the same."""
        return x * math.cos(angle) + y * math.sin(angle), 1.0

    def ray_weight(self, s: Tensor) -> Tensor:
        """Weigh every ray the same."""
        return torch.ones_like(s)

    def wrapped(self, first: Tensor) -> Tensor:
        """Mirror the first view: the one at 180 degrees sees the same rays from the other side."""
        return first.flip(-1)

    def thinned(self, every: int, pitch_mm: float) -> Self:
        """Keep only every n-th view, with detector cells of this pitch."""
        return replace(self, views=self.views // every, pitch_mm=pitch_mm)


@dataclass(frozen=True)
class FanBeam:
    """A point source on a full circle and a flat, equidistant detector.

    Detector coordinates are those on the parallel line through the isocentre (the virtual detector of Kak and
    Slaney, Principles of Computerized Tomographic Imaging, section 3.4.2).

    Attributes
    ----------
    views : number of equally spaced source positions over 360 degrees.
    pitch_mm : detector pitch at the isocentre, or None for the pixel spacing.
    source_radius_mm : distance from the source to the isocentre.
    """

    views: int = 1200
    pitch_mm: float | None = None
    source_radius_mm: float = 595.0

    @property
    def arc(self) -> float:
        """Two pi: a full turn."""
        return 2 * math.pi

    def detector_cells(self, radius_mm: float, pitch_mm: float) -> int:
        """Cells that cover the shadow of a disc of this radius, one more on each side."""
        r = self.source_radius_mm
        if radius_mm >= r:
            msg = f"The source at {r:g} mm lies inside the image, which reaches out to {radius_mm:g} mm."
            raise ValueError(msg)
        return 2 * math.ceil(r * radius_mm / math.sqrt(r * r - radius_mm * radius_mm) / pitch_mm) + 3

    def rays(self, angle: float, s: Tensor) -> tuple[Tensor, Tensor]:
        """Give the foot and the direction of the ray through each virtual detector coordinate `s` in mm."""
        u, v = _axes(angle, s)
        r = self.source_radius_mm
        length = torch.sqrt(s * s + r * r)
        direction = (r * v + s[:, None] * u) / length[:, None]
        return -r * v + (r * r / length)[:, None] * direction, direction

    def shadow(self, angle: float, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor | float]:
        """Project points from the source; the weight is the squared magnification (R / L)^2."""
        magnification = self.source_radius_mm / (
            self.source_radius_mm - x * math.sin(angle) + y * math.cos(angle)
        )
        s = (x * math.cos(angle) + y * math.sin(angle)) * magnification
        return s, magnification * magnification

    def ray_weight(self, s: Tensor) -> Tensor:
        """Obliquity R / sqrt(R^2 + s^2), halved because a full turn sees every ray twice."""
        r = self.source_radius_mm
        return 0.5 * r / torch.sqrt(s * s + r * r)

    def wrapped(self, first: Tensor) -> Tensor:
        """Repeat the first view, where the source is back after a full turn."""
        return first

    def thinned(self, every: int, pitch_mm: float) -> Self:
        """Keep only every n-th view, with detector cells of this pitch."""
        return replace(self, views=self.views // every, pitch_mm=pitch_mm)
