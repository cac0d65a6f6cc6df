"""Layers that can be undone exactly: each knows its inverse and the logarithm of its Jacobian's determinant.

They are the linear parts of a normalising flow (Kingma and Dhariwal, "Glow", NeurIPS 2018); the part that learns is
in `coupling`. Every layer maps (B, C, H, W) and computes in its input's precision, float32 or float64, even where
autocast is on: what a flow loses in one direction it cannot find again in the other.
"""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SMALLEST_SPREAD = 1e-3
"""A channel that hardly varies in the first batch (a black background) is not blown up beyond 1 / this."""


class Invertible(Protocol):
    """What all layers have in common; `condition` is None where a layer asks for nothing."""

    def forward(self, x: Tensor, condition: Tensor | None = None, /) -> tuple[Tensor, Tensor]:
        """Give the image of x (B, C, H, W), and (B,) log |det dz/dx|."""
        ...

    def inverse(self, z: Tensor, condition: Tensor | None = None, /) -> Tensor:
        """Give x back."""
        ...


class Squeeze(nn.Module):
    """2 x 2 pixels become four channels: (B, C, H, W) <-> (B, 4C, H/2, W/2), the four of a channel side by side."""

    def forward(self, x: Tensor, _condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Space to channels; the determinant of a permutation is 1."""
        return F.pixel_unshuffle(x, 2), x.new_zeros(len(x))

    def inverse(self, z: Tensor, _condition: Tensor | None = None) -> Tensor:
        """Channels to space."""
        return F.pixel_shuffle(z, 2)


class SoftLimit(nn.Module):
    """The identity within +-limit, logarithmic beyond: z = sign(x) (limit + log(1 + |x| - limit)).

    A flow made for values near one would lose a pixel of a million, for in float32 its neighbours vanish beside it.

    Parameters
    ----------
    limit : no valid image exceeds it.
    """

    def __init__(self, limit: float) -> None:
        super().__init__()
        self.limit = limit

    def forward(self, x: Tensor, _condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Compress what lies beyond; log |det| = -sum(log(1 + |x| - limit)) over it."""
        beyond = torch.log1p((x.abs() - self.limit).clamp(min=0.0))
        return torch.where(beyond > 0, x.sign() * (self.limit + beyond), x), -beyond.sum(dim=(1, 2, 3))

    def inverse(self, z: Tensor, _condition: Tensor | None = None) -> Tensor:
        """Expand it again, to values below 1e38."""
        beyond = (z.abs() - self.limit).clamp(min=0.0)
        wide = z.sign() * (self.limit + torch.expm1(beyond.clamp(max=87.0)))
        return torch.where(beyond > 0, wide, z)


class ActNorm(nn.Module):
    """z = (x - shift) * exp(log_scale) for each channel, set once so that the first batch has unit spread.

    The first batch met in training mode sets it; the flag saying so is saved with the weights, so that no loaded
    model is ever set again. The shift is the median, not Glow's mean: it keeps the commonest tissue near zero, where
    bfloat16 sub-networks see it most precisely (docs/fdn.md).

    Parameters
    ----------
    channels : C.
    """

    initialised: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(channels))
        self.log_scale = nn.Parameter(torch.zeros(channels))
        self.register_buffer("initialised", torch.tensor(False))

    @torch.no_grad()
    def _initialise(self, x: Tensor) -> None:
        values = x.transpose(0, 1).flatten(1)
        self.shift.copy_(values.median(dim=1).values)
        self.log_scale.copy_(-values.std(dim=1).clamp(min=SMALLEST_SPREAD).log())
        self.initialised.fill_(True)

    def forward(self, x: Tensor, _condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Normalise; log |det| = H W sum(log_scale)."""
        if self.training and not self.initialised:
            self._initialise(x)
        z = (x - self.shift[:, None, None]) * self.log_scale.exp()[:, None, None]
        return z, (self.log_scale.sum() * (x.shape[2] * x.shape[3])).expand(len(x))

    def inverse(self, z: Tensor, _condition: Tensor | None = None) -> Tensor:
        """Undo it."""
        # A division: exp(-s) is the inverse of exp(s) only to float32's precision, which may be less than z's.
        return z / self.log_scale.exp()[:, None, None] + self.shift[:, None, None]


class Mixing(nn.Module):
    """An invertible 1 x 1 convolution W = P L (U + diag(s)), with a fixed permutation P (Glow, equation 10).

    The signs of s are fixed and its logarithm is learned, so that W cannot become singular.

    Parameters
    ----------
    start : (C, C) what W is at first; not singular.
    """

    permutation: Tensor
    signs: Tensor

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        permutation, lower, upper = torch.linalg.lu(start.double())
        diagonal = upper.diagonal()
        self.register_buffer("permutation", permutation.float())
        self.register_buffer("signs", diagonal.sign().float())
        self.log_diagonal = nn.Parameter(diagonal.abs().log().float())
        self.lower = nn.Parameter(lower.tril(-1).float())
        self.upper = nn.Parameter(upper.triu(1).float())

    def _factors(self) -> tuple[Tensor, Tensor, Tensor]:
        """P, L and U with their diagonals, in float64 where the device has it."""
        dtype = torch.float32 if self.lower.device.type == "mps" else torch.float64
        lower = self.lower.to(dtype).tril(-1) + torch.eye(
            len(self.lower), dtype=dtype, device=self.lower.device
        )
        diagonal = self.signs.to(dtype) * self.log_diagonal.to(dtype).exp()
        return self.permutation.to(dtype), lower, self.upper.to(dtype).triu(1) + diagonal.diag()

    def forward(self, x: Tensor, _condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Mix the channels; log |det| = H W sum(log |s|)."""
        with torch.autocast(x.device.type, enabled=False):
            permutation, lower, upper = self._factors()
            mixed = _over_channels(x, (permutation @ lower @ upper).to(x.dtype))
        return mixed, (self.log_diagonal.sum() * (x.shape[2] * x.shape[3])).expand(len(x))

    def inverse(self, z: Tensor, _condition: Tensor | None = None) -> Tensor:
        """Solve the two triangular systems."""
        with torch.autocast(z.device.type, enabled=False):
            permutation, lower, upper = self._factors()
            half = torch.linalg.solve_triangular(lower, permutation.T, upper=False, unitriangular=True)
            return _over_channels(z, torch.linalg.solve_triangular(upper, half, upper=True).to(z.dtype))


def _over_channels(x: Tensor, matrix: Tensor) -> Tensor:
    return F.conv2d(x, matrix[:, :, None, None])


def haar_matrix(channels: int) -> Tensor:
    """The orthonormal (channels, channels) Haar transform of each 2 x 2 block that `Squeeze` has made channels of.

    Of each block come its mean, its horizontal, vertical and diagonal difference, in this order; block after block,
    so that the diagonal differences of the finest pixels, which are mostly noise, stay in the last quarter.
    """
    pair = torch.tensor([[1.0, 1.0], [1.0, -1.0]]) / 2**0.5
    return torch.kron(torch.eye(channels // 4), torch.kron(pair, pair))
