"""Matched filters for what a denoiser might erase: spots of 3 to 8 mm and pieces of 3 mm vessels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft, ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from quietvoxel.quality.noise_whitening import Whitener

SPOTS_MM = (3.0, 5.0, 8.0)
VESSEL_MM = (3.0, 12.0)
DIRECTIONS = 8
REACH_MM = 8.0
#: Blur of the shapes, as a scanner's resolution gives it.
BLUR_MM = 0.4
_OVERSAMPLING = 5


@dataclass(frozen=True)
class Shape:
    """One shape to look for: its kind in words, and its picture with the centre in the middle."""

    kind: str
    picture: NDArray[np.float32]


def shapes(spacing_yx: tuple[float, float]) -> list[Shape]:
    """All shapes at a pixel spacing in mm: the spots first, then the pieces of vessel."""
    found = []
    for diameter in SPOTS_MM:
        y, x = _fine_grid(spacing_yx)
        found.append(Shape("spot", _picture(np.hypot(y, x) <= diameter / 2, spacing_yx)))
    width, length = VESSEL_MM
    for angle in np.arange(DIRECTIONS) * np.pi / DIRECTIONS:
        y, x = _fine_grid(spacing_yx)
        along, off = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        inside = (np.abs(along) <= length / 2) & (np.abs(off) <= width / 2)
        found.append(Shape("line", _picture(inside, spacing_yx)))
    return found


def margin(spacing_yx: tuple[float, float]) -> int:
    """Pixels that a shape reaches over the rim."""
    return int(np.ceil(REACH_MM / min(spacing_yx)))


def matched_filters(found: list[Shape], whitener: Whitener) -> list[NDArray[np.complex64]]:
    """Transfer functions whose output, on noise that the whitener makes white, has SD 1.

    The best linear detector of a known shape in noise of a known power: North's matched filter after
    whitening (Barrett and Myers, Foundations of Image Science, 2004, section 13.2.12).
    """
    filters = []
    for shape in found:
        side = len(shape.picture)
        plane = np.zeros(whitener.padded, np.float32)
        plane[:side, :side] = shape.picture
        plane = np.roll(plane, (-(side // 2), -(side // 2)), (0, 1))
        transform = np.conj(fft.rfft2(plane)) * whitener.gain
        length = np.sqrt(np.square(fft.irfft2(transform, whitener.padded)).sum())
        filters.append((transform * whitener.gain / length).astype(np.complex64))
    return filters


def _fine_grid(spacing_yx: tuple[float, float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Columns of y and rows of x in mm about the centre, five to a pixel."""
    side = 2 * margin(spacing_yx) + 1
    fine = (np.arange(side * _OVERSAMPLING) + 0.5) / _OVERSAMPLING - 0.5 - side // 2
    return (fine * spacing_yx[0])[:, None], (fine * spacing_yx[1])[None, :]


def _picture(inside: NDArray[np.bool_], spacing_yx: tuple[float, float]) -> NDArray[np.float32]:
    """Share of each pixel that lies inside, blurred as a scanner would."""
    side = len(inside) // _OVERSAMPLING
    share = inside.reshape(side, _OVERSAMPLING, side, _OVERSAMPLING).mean(axis=(1, 3))
    blur = tuple(BLUR_MM / mm for mm in spacing_yx)
    return np.asarray(ndimage.gaussian_filter(share, blur), dtype=np.float32)
