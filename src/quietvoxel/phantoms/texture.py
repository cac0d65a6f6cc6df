"""Smooth random fields that are functions of millimetres, so that any voxel grid samples the same field.

`SmoothField` is broad-band (organ outlines, parenchyma, bias fields), `WaveField` has one wavelength (folded
cortex). Both are separable and evaluated plane by plane: 512 x 512 pixels take about 2 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]

_LATTICE = 48
_WAVE_LATTICE = 96
_NODES_PER_WAVE = 6.0
# White noise through a cubic B-spline keeps 0.479 of its variance along each of three axes.
_SPLINE_DEVIATION = np.float32(0.479**1.5)


class SmoothField:
    """White noise on a lattice of `pitch_mm`, interpolated by cubic B-splines; mean 0, variance about 1.

    The lattice repeats after 48 nodes: far outside a patient for outlines, out of sight for fine texture.

    Parameters
    ----------
    rng : generator that the lattice is drawn from.
    pitch_mm : distance of the nodes, one number or (z, y, x); structures are about twice as large.
    """

    def __init__(self, rng: np.random.Generator, pitch_mm: float | tuple[float, float, float]) -> None:
        self.pitch_mm = (pitch_mm,) * 3 if isinstance(pitch_mm, int | float) else pitch_mm
        lattice = rng.standard_normal((_LATTICE,) * 3, dtype=np.float32)
        self.lattice = (lattice - lattice.mean()) / _SPLINE_DEVIATION

    def plane(self, z_mm: float, y_mm: FloatArray, x_mm: FloatArray) -> FloatArray:
        """Values at one z for every pair of y and x, shape (len(y), len(x))."""
        count = len(self.lattice)
        nodes = np.zeros(self.lattice.shape[1:], dtype=np.float32)
        for node, weight in zip(
            *_spline_taps(np.array([z_mm], dtype=np.float32), self.pitch_mm[0], count), strict=True
        ):
            nodes += self.lattice[node[0]] * weight[0]
        rows = np.zeros((len(nodes), len(x_mm)), dtype=np.float32)
        for node, weight in zip(*_spline_taps(x_mm, self.pitch_mm[2], count), strict=True):
            rows += nodes[:, node] * weight
        values = np.zeros((len(y_mm), len(x_mm)), dtype=np.float32)
        for node, weight in zip(*_spline_taps(y_mm, self.pitch_mm[1], count), strict=True):
            values += rows[node] * weight[:, None]
        return values


class WaveField:
    """Noise of one wavelength in every direction, variance 1; where it is 0 lies a labyrinth of sheets.

    It repeats after 16 wavelengths or so: 6 lattice nodes make a wave, and the lattice has 96.
    """

    def __init__(self, rng: np.random.Generator, wavelength_mm: float) -> None:
        self._field = SmoothField(rng, wavelength_mm / _NODES_PER_WAVE)
        count = _WAVE_LATTICE
        spectrum = np.fft.rfftn(rng.standard_normal((count,) * 3, dtype=np.float32))
        along = np.fft.fftfreq(count)
        squared = along[:, None, None] ** 2 + along[:, None] ** 2 + np.fft.rfftfreq(count) ** 2
        relative = np.log(np.sqrt(np.maximum(squared, 1e-12)) * _NODES_PER_WAVE)
        waves = np.fft.irfftn(
            spectrum * np.exp(-0.5 * (relative / 0.16) ** 2), s=(count,) * 3, axes=(0, 1, 2)
        )
        self._field.lattice = (waves / waves.std()).astype(np.float32)

    def plane_and_slope(
        self, z_mm: float, y_mm: FloatArray, x_mm: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Values at one z and the length of their gradient per mm, both (len(y), len(x))."""
        step = np.float32(0.25)
        values = self._field.plane(z_mm, y_mm, x_mm)
        squared = np.square((self._field.plane(z_mm + float(step), y_mm, x_mm) - values) / step)
        for axis, positions in enumerate((y_mm, x_mm)):
            if len(positions) > 1:
                squared += np.square(np.gradient(values, positions, axis=axis))
        return values, np.sqrt(squared)


def smooth_texture(
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
    scale_mm: float,
    seed: int = 0,
) -> FloatArray:
    """Smooth random texture of mean about 0 and variance about 1.

    Parameters
    ----------
    shape : voxels (z, y, x).
    spacing_mm : mm between voxel centres (z, y, x).
    scale_mm : pitch of the underlying lattice; blobs are about twice as large.
    seed : the same seed and scale give the same field on any grid.
    """
    field = SmoothField(np.random.default_rng(seed), scale_mm)
    z, y, x = (centred_positions(n, mm) for n, mm in zip(shape, spacing_mm, strict=True))
    return np.stack([field.plane(float(at), y, x) for at in z])


def centred_positions(count: int, spacing_mm: float) -> FloatArray:
    """Positions in mm of `count` voxel centres around 0."""
    return ((np.arange(count) - (count - 1) / 2) * spacing_mm).astype(np.float32)


def _spline_taps(
    positions_mm: FloatArray, pitch_mm: float, count: int
) -> tuple[NDArray[np.intp], FloatArray]:
    """Four lattice nodes around each position and their cubic B-spline weights, both (4, positions)."""
    at = positions_mm / np.float32(pitch_mm)
    node = np.floor(at)
    t = at - node
    weights = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]) / 6
    nodes = (node.astype(np.intp) + np.arange(-1, 3)[:, None]) % count
    return nodes, weights.astype(np.float32)
