"""Drawing anatomy with true partial volume: thin planes with soft edges, whose mean is the voxel.

Shapes are signed distances in mm, negative inside. An edge is a ramp one pixel wide, which is the share of
the pixel that lies inside; along thick slices and coarse pixels several samples are averaged.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, cos, radians, sin
from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.phantoms.texture import SmoothField, centred_positions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    Floats = NDArray[np.floating[Any]]
    Point = tuple[float, float, float]
    Window = tuple[slice, slice]

EVERYWHERE: Window = (slice(None), slice(None))
_SAMPLE_MM = 1.5
_MOST_SAMPLES = 3


class Canvas:
    """One plane: where its pixels lie (mm; x to the left, y to the back) and what is drawn there."""

    def __init__(
        self, z_mm: float, y_mm: FloatArray, x_mm: FloatArray, pixel_mm: float, ground: float
    ) -> None:
        self.z_mm, self.y_mm, self.x_mm = z_mm, y_mm, x_mm
        self.pixel_mm = np.float32(pixel_mm)
        self.image = np.full((len(y_mm), len(x_mm)), ground, dtype=np.float32)
        self.y = np.broadcast_to(y_mm[:, None], self.image.shape)
        self.x = np.broadcast_to(x_mm[None, :], self.image.shape)
        self.z: FloatArray = np.full_like(self.image, z_mm)
        self._fields: dict[int, FloatArray] = {}

    def warp(self, fields: tuple[SmoothField, SmoothField, SmoothField], amplitude_mm: float) -> None:
        """Bend the coordinates that shapes are drawn in, so that no organ is an exact ellipsoid."""
        dz, dy, dx = (self.field(field) * np.float32(amplitude_mm) for field in fields)
        self.z, self.y, self.x = self.z + dz, self.y + dy, self.x + dx

    def field(self, field: SmoothField) -> FloatArray:
        """The smooth field on this plane, shape (y, x)."""
        key = id(field)
        if key not in self._fields:
            self._fields[key] = field.plane(self.z_mm, self.y_mm, self.x_mm)
        return self._fields[key]

    def share(self, distance_mm: Floats) -> FloatArray:
        """Share of each pixel inside a shape, 0 to 1."""
        inside: FloatArray = np.clip(
            np.float32(0.5) - np.asarray(distance_mm, dtype=np.float32) / self.pixel_mm, 0, 1
        )
        return inside

    def paint(
        self,
        value: float | Floats,
        distance_mm: Floats,
        window: Window = EVERYWHERE,
        within: FloatArray | None = None,
        weight: float = 1.0,
    ) -> None:
        """Lay `value` over what is there, as far as the shape (and `within`, a share) covers it."""
        share = self.share(distance_mm) * np.float32(weight)
        if within is not None:
            share = share * within[window]
        part = self.image[window]
        part += share * (np.asarray(value, dtype=np.float32) - part)

    def window(
        self, y_mm: float, x_mm: float, reach_y: float, reach_x: float, margin_mm: float = 0.0
    ) -> Window:
        """The pixels in a rectangle around a point, as slices (possibly empty)."""
        pixels = []
        reaches = (reach_y, reach_x)
        for axis, at, reach in zip((self.y_mm, self.x_mm), (y_mm, x_mm), reaches, strict=True):
            span = reach + margin_mm + float(self.pixel_mm)
            first, last = np.searchsorted(axis, (at - span, at + span))
            pixels.append(slice(int(first), int(last)))
        return pixels[0], pixels[1]


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid (x, y, z in mm), turned by `angle` degrees about the z axis."""

    centre: Point
    radii: Point
    angle: float = 0.0

    def distance(self, canvas: Canvas, warp_mm: float = 12.0) -> tuple[Window, FloatArray] | None:
        """Window and signed distance in it (exact near the surface), or None where out of reach."""
        x0, y0, z0 = self.centre
        if abs(canvas.z_mm - z0) > self.radii[2] + warp_mm:
            return None
        reach = max(self.radii[:2])
        window = canvas.window(y0, x0, reach, reach, warp_mm)
        if not canvas.image[window].size:
            return None
        x, y, z = canvas.x[window] - x0, canvas.y[window] - y0, canvas.z[window] - z0
        if self.angle:
            c, s = cos(radians(self.angle)), sin(radians(self.angle))
            x, y = c * x + s * y, c * y - s * x
        return window, ellipse_distance((x, self.radii[0]), (y, self.radii[1]), (z, self.radii[2]))


def ellipse_distance(*axes: tuple[Floats, float]) -> FloatArray:
    """Signed distance to an ellipse or ellipsoid from (coordinate, radius) pairs, to first order."""
    first = sum((np.square(v * np.float32(1 / r)) for v, r in axes), np.float32(0))
    second = sum((np.square(v * np.float32(1 / r**2)) for v, r in axes), np.float32(0))
    level = np.sqrt(first)
    return np.asarray(level * (level - 1) / np.sqrt(second + np.float32(1e-12)), dtype=np.float32)


def smooth_max(a: Floats, b: Floats, rounding_mm: float) -> FloatArray:
    """Intersection of two shapes with a rounded edge."""
    return np.asarray(
        0.5 * (a + b + np.sqrt(np.square(a - b) + np.float32(rounding_mm**2))), dtype=np.float32
    )


def smooth_min(a: Floats, b: Floats, rounding_mm: float) -> FloatArray:
    """Union of two shapes with a rounded seam."""
    return -smooth_max(-a, -b, rounding_mm)


@dataclass(frozen=True)
class Tubes:
    """Many tapering tubes, such as a tree of vessels: ends (n, 3) in mm as x, y, z and radii (n,) in mm."""

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    start_radius: NDArray[np.float64]
    end_radius: NDArray[np.float64]

    @staticmethod
    def chain(points: list[Point], radii: list[float]) -> Tubes:
        """One tube through all points."""
        p, r = np.asarray(points, dtype=float), np.asarray(radii, dtype=float)
        return Tubes(p[:-1], p[1:], r[:-1], r[1:])

    @staticmethod
    def joined(trees: Iterable[Tubes]) -> Tubes:
        """Several trees as one."""
        parts = [(t.start, t.end, t.start_radius, t.end_radius) for t in trees]
        start, end, r0, r1 = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Tubes(start, end, r0, r1)

    def paint(
        self,
        canvas: Canvas,
        value: float,
        *,
        within: FloatArray | None = None,
        wall_mm: float = 0.0,
        warped: bool = False,
    ) -> None:
        """Draw the tubes, widened by `wall_mm`; warped ones follow the bent coordinates of the organs."""
        margin = 12.0 if warped else 0.0
        radius = np.maximum(self.start_radius, self.end_radius) + wall_mm
        low = np.minimum(self.start[:, 2], self.end[:, 2]) - radius - margin
        high = np.maximum(self.start[:, 2], self.end[:, 2]) + radius + margin
        for i in np.flatnonzero((low <= canvas.z_mm) & (canvas.z_mm <= high)):
            a, b = self.start[i], self.end[i]
            centre, half = (a + b) / 2, np.abs(b - a) / 2 + radius[i]
            window = canvas.window(centre[1], centre[0], half[1], half[0], margin)
            if not canvas.image[window].size:
                continue
            if warped:
                x, y, z = canvas.x[window] - a[0], canvas.y[window] - a[1], canvas.z[window] - a[2]
            else:
                x = canvas.x_mm[None, window[1]] - np.float32(a[0])
                y = canvas.y_mm[window[0], None] - np.float32(a[1])
                z = np.float32(canvas.z_mm - a[2])
            step = (b - a).astype(np.float32)
            along = np.clip(
                (x * step[0] + y * step[1] + z * step[2]) / (step @ step + np.float32(1e-9)), 0, 1
            )
            off = np.sqrt(
                (x - along * step[0]) ** 2 + (y - along * step[1]) ** 2 + (z - along * step[2]) ** 2
            )
            r0, r1 = self.start_radius[i] + wall_mm, self.end_radius[i] + wall_mm
            # A tube thinner than a pixel fills only the square of its share of it.
            visible = max(r0, r1, float(canvas.pixel_mm) / 2)
            weight = min(1.0, (max(r0, r1) / visible) ** 2)
            taper = (visible - max(r0, r1)) + r0 + np.float32(r1 - r0) * along
            canvas.paint(value, off - taper, window, within, weight)


def grow_tree(
    rng: np.random.Generator,
    root: Point,
    towards: Point,
    *,
    length_mm: float,
    radius_mm: float,
    generations: int,
    spread: float = 0.6,
) -> Tubes:
    """A tree of vessels: each branch bends a little, then splits in two thinner ones by Murray's cube law."""
    at, way = np.asarray([root], dtype=float), _unit(np.asarray([towards], dtype=float))
    length, radius = np.array([length_mm]), np.array([radius_mm])
    parts = []
    for _ in range(generations):
        for piece in range(2):
            way = _unit(way + rng.normal(0, 0.18, way.shape))
            tip = at + way * length[:, None] / 2
            parts.append((at, tip, radius * (1 - 0.06 * piece), radius * (0.94 - 0.06 * piece)))
            at = tip
        share = rng.uniform(0.35, 0.65, len(at))
        share = np.concatenate([share, 1 - share])
        aside = _unit(np.cross(way, rng.standard_normal(way.shape)))
        turn = spread * (1.5 - share)[:, None] * np.concatenate([aside, -aside])
        way = _unit(np.concatenate([way, way]) + turn)
        at = np.concatenate([at, at])
        length = np.concatenate([length, length]) * rng.uniform(0.72, 1.0, len(at))
        radius = 0.9 * np.concatenate([radius, radius]) * share ** (1 / 3)
    start, end, r0, r1 = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Tubes(start, end, r0, r1)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def render(
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
    draw: Callable[[Canvas], None],
    *,
    centre_z_mm: float,
    scale: float,
    ground: float,
) -> FloatArray:
    """Draw every plane and average the planes and pixels that make up one voxel.

    Parameters
    ----------
    shape, spacing_mm : the voxel grid (z, y, x), its middle at x = y = 0 of the anatomy.
    draw : draws the anatomy on one canvas.
    centre_z_mm : height in the anatomy of the middle of the grid.
    scale : size of the drawn anatomy relative to life; coordinates of the canvas are life-size.
    ground : value of the empty canvas.
    """
    life = [mm / scale for mm in spacing_mm]
    kz, ky, kx = (min(_MOST_SAMPLES, max(1, ceil(mm / _SAMPLE_MM - 0.05))) for mm in life)
    z = centred_positions(shape[0] * kz, life[0] / kz) + centre_z_mm
    y = centred_positions(shape[1] * ky, life[1] / ky)
    x = centred_positions(shape[2] * kx, life[2] / kx)
    pixel_mm = (life[1] / ky + life[2] / kx) / 2
    out = np.zeros(shape, dtype=np.float32)
    for index, at in enumerate(z):
        canvas = Canvas(float(at), y, x, pixel_mm, ground)
        draw(canvas)
        blocks = canvas.image.reshape(shape[1], ky, shape[2], kx)
        out[index // kz] += blocks.mean(axis=(1, 3)) / kz
    return out
