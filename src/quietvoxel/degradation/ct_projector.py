"""Forward projection of axial slices, its exact adjoint, and filtered back-projection, in mm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from quietvoxel.degradation.ct_kernel import Kernel, filter_projections

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from quietvoxel.degradation.ct_geometry import BeamGeometry

__all__ = ["CTProjector"]

_FINE = 8


class CTProjector:
    """Line integrals of images of one size and pixel spacing, and the way back.

    Parameters
    ----------
    geometry : `ParallelBeam` or `FanBeam` (flat detector).
    shape : (H, W) of the image in pixels.
    spacing_mm : pixel spacing, one number or (row, column).
    oversampling : samples along a ray for every pixel spacing in `project`. With 2 a disc of water comes back
        within 1 HU in every pixel, with 1 within 3 HU.

    Attributes
    ----------
    pitch_mm : detector pitch at the isocentre.
    cells : number of detector cells D.
    angles : the V view angles in radians.
    """

    def __init__(
        self,
        geometry: BeamGeometry,
        shape: tuple[int, int],
        spacing_mm: float | tuple[float, float],
        oversampling: float = 2.0,
    ) -> None:
        self.geometry = geometry
        self.shape = shape
        self.spacing_mm = (spacing_mm, spacing_mm) if isinstance(spacing_mm, int | float) else spacing_mm
        if min(self.spacing_mm) <= 0 or min(shape) < 2:
            msg = f"An image of {shape} pixels of {self.spacing_mm} mm cannot be projected."
            raise ValueError(msg)
        self.pitch_mm = geometry.pitch_mm or min(self.spacing_mm)
        self.radius_mm = 0.5 * math.hypot(*(n * d for n, d in zip(shape, self.spacing_mm, strict=True)))
        self.cells = geometry.detector_cells(self.radius_mm, self.pitch_mm)
        self.angles = [geometry.arc * k / geometry.views for k in range(geometry.views)]
        self.step_mm = min(self.spacing_mm) / oversampling

    def detector(self, like: Tensor) -> Tensor:
        """Coordinates of the detector cells in mm, (D,), zero in the middle."""
        cells = torch.arange(self.cells, dtype=like.dtype, device=like.device)
        return (cells - 0.5 * (self.cells - 1)) * self.pitch_mm

    def project(self, image: Tensor) -> Tensor:
        """Integrate along the rays, with bilinear interpolation between pixels.

        Parameters
        ----------
        image : (B, 1, H, W) values per mm.

        Returns
        -------
        (B, 1, V, D) line integrals without unit.
        """
        self._check(image, self.shape)
        channels = image.transpose(0, 1)
        grids = self._ray_grids(image)
        return torch.stack([self._view(channels, grid)[0] for grid in grids], dim=1)[:, None]

    def adjoint(self, sinogram: Tensor) -> Tensor:
        """Apply the exact transpose of `project`.

        Parameters
        ----------
        sinogram : (B, 1, V, D).

        Returns
        -------
        (B, 1, H, W), such that <project(x), y> = <x, adjoint(y)>.
        """
        self._check(sinogram, (len(self.angles), self.cells))
        views = sinogram.detach().permute(2, 1, 0, 3)
        total = sinogram.new_zeros(1, len(sinogram), *self.shape)
        with torch.enable_grad():
            probe = torch.zeros_like(total, requires_grad=True)
            for grid, view in zip(self._ray_grids(sinogram), views, strict=True):
                (part,) = torch.autograd.grad(self._view(probe, grid), probe, view)
                total += part
        return total.transpose(0, 1)

    @torch.no_grad()
    def backproject(self, filtered: Tensor) -> Tensor:
        """Smear filtered projections over the image, pixel by pixel.

        Every view is interpolated linearly on the detector to a fine grid and looked up there, within 1/16 of
        a cell: on a processor three times as fast as interpolating at each pixel. It keeps no gradient.

        Parameters
        ----------
        filtered : (B, C, V, D) in 1/mm.

        Returns
        -------
        (B, C, H, W) in 1/mm.
        """
        self._check(filtered, (len(self.angles), self.cells), channels=None)
        batch, channels = filtered.shape[:2]
        views = filtered.permute(2, 0, 1, 3).reshape(len(self.angles), 1, batch * channels, self.cells)
        x, y = self._pixels(filtered)
        pixels = self.shape[0] * self.shape[1]
        total = filtered.new_zeros(pixels, batch * channels)
        looked_up = torch.empty_like(total)
        middle = 0.5 * _FINE * (self.cells - 1) + 0.5
        for angle, view in zip(self.angles, views, strict=True):
            s, weight = self.geometry.shadow(angle, x, y)
            nearest = (s * (_FINE / self.pitch_mm) + middle).to(torch.int32).flatten()
            fine = functional.interpolate(
                view, size=_FINE * (self.cells - 1) + 1, mode="linear", align_corners=True
            )
            torch.index_select(fine[0].t().contiguous(), 0, nearest, out=looked_up)
            if isinstance(weight, float):
                total += looked_up
            else:
                total.addcmul_(looked_up, weight.reshape(-1, 1))
        total *= self.geometry.arc / len(self.angles)
        return total.t().reshape(batch, channels, *self.shape)

    def fbp(self, sinogram: Tensor, kernel: Kernel | Sequence[Kernel] | None = None) -> Tensor:
        """Reconstruct by filtered back-projection.

        Parameters
        ----------
        sinogram : (B, C, V, D) line integrals.
        kernel : one kernel, or one for each of the B; `Kernel()`, a Hann window, when not given.

        Returns
        -------
        (B, C, H, W) values per mm.
        """
        weighted = sinogram * self.geometry.ray_weight(self.detector(sinogram))
        return self.backproject(filter_projections(weighted, self.pitch_mm, kernel or Kernel()))

    def _pixels(self, like: Tensor) -> tuple[Tensor, Tensor]:
        axes = [
            (torch.arange(n, dtype=like.dtype, device=like.device) - 0.5 * (n - 1)) * d
            for n, d in zip(self.shape, self.spacing_mm, strict=True)
        ]
        return axes[1][None, :], axes[0][:, None]

    def _ray_grids(self, like: Tensor) -> Iterator[Tensor]:
        """Yield the sampling positions of each view's rays, (1, D, S, 2) in the units of grid_sample."""
        samples = math.ceil(2 * self.radius_mm / self.step_mm) + 1
        t = torch.arange(samples, dtype=like.dtype, device=like.device)
        t = (t - 0.5 * (samples - 1)) * self.step_mm
        rows, columns = ((n - 1) * d for n, d in zip(self.shape, self.spacing_mm, strict=True))
        scale = like.new_tensor([2.0 / columns, 2.0 / rows])
        s = self.detector(like)
        for angle in self.angles:
            foot, direction = self.geometry.rays(angle, s)
            yield ((foot[:, None] + t[:, None] * direction[:, None]) * scale)[None]

    def _view(self, image: Tensor, grid: Tensor) -> Tensor:
        """One projection of (1, B, H, W) as (1, B, D)."""
        return functional.grid_sample(image, grid, align_corners=True).sum(dim=-1) * self.step_mm

    @staticmethod
    def _check(values: Tensor, shape: tuple[int, int], channels: int | None = 1) -> None:
        if values.ndim != 4 or tuple(values.shape[2:]) != shape or channels not in (None, values.shape[1]):
            wanted = f"(batch, {channels or 'channels'}, {shape[0]}, {shape[1]})"
            msg = f"Expected {wanted}, got {tuple(values.shape)}."
            raise ValueError(msg)
