"""Reconstruction kernels: the ramp filter, its windows, and the noise correlation that each one leaves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["BODY_KERNEL", "Kernel", "Window", "filter_projections", "random_kernel"]

Window = Literal["ram-lak", "shepp-logan", "cosine", "hamming", "hann"]


@dataclass(frozen=True)
class Kernel:
    """A window on the ramp filter.

    Attributes
    ----------
    window : shape of the window.
    cutoff : frequency where the window ends, in units of the detector's Nyquist frequency. Below 1 the image
        is softer; above 1 the window is still open at the Nyquist frequency and the image is sharper.
    """

    window: Window = "hann"
    cutoff: float = 1.0

    def __post_init__(self) -> None:
        """Refuse windows and cutoffs that mean nothing."""
        if self.window not in get_args(Window):
            msg = f"The window {self.window!r} is not one of {', '.join(get_args(Window))}."
            raise ValueError(msg)
        if not self.cutoff > 0:
            msg = f"The cutoff {self.cutoff} must be positive."
            raise ValueError(msg)

    def response(self, f: Tensor) -> Tensor:
        """Transmission at frequencies `f`, in units of the detector's Nyquist frequency (1 = Nyquist)."""
        g = f.abs() / self.cutoff
        if self.window == "shepp-logan":
            w = torch.sinc(g / 2)
        elif self.window == "cosine":
            w = torch.cos(0.5 * math.pi * g)
        elif self.window == "hamming":
            w = 0.54 + 0.46 * torch.cos(math.pi * g)
        elif self.window == "hann":
            w = 0.5 + 0.5 * torch.cos(math.pi * g)
        else:
            w = torch.ones_like(g)
        return torch.where(g <= 1, w, torch.zeros_like(w))

    def correlation(self, lag: float = 1.0) -> float:
        """Autocorrelation of the reconstructed noise at `lag` detector pitches.

        White projection noise leaves FBP with the power spectrum |f| W(f)^2 sinc(f)^4 (the last factor is the
        linear interpolation of the back-projection), hence r(d) ~ integral of f^2 W^2 sinc^4 J0(2 pi f d) df.
        At one pitch, cutoff 1: Ram-Lak 0.12, Shepp-Logan 0.21, cosine 0.47, Hann 0.62; real body kernels lie
        between 0.25 and 0.55.
        """
        # Linear interpolation repeats the periodic spectrum above Nyquist, damped by sinc^4.
        f = torch.linspace(0.0, 4.0, 401, dtype=torch.float64)
        folded = (f + 1) % 2 - 1
        ramp = folded.abs() * self.response(folded)
        power = ramp * ramp * torch.sinc(f / 2) ** 4
        return float((power * torch.special.bessel_j0(math.pi * f * lag)).sum() / power.sum())


BODY_KERNEL = Kernel("hann", 1.4)
"""A kernel whose noise correlates by 0.4 at one pixel, in the middle of real body kernels (0.25 to 0.55)."""


def _ramp(cells: int, pitch_mm: float, like: Tensor) -> tuple[Tensor, int]:
    """Give the band-limited ramp in 1/mm (Kak and Slaney, eq. 3.61; not 0 at frequency 0) and its length."""
    size = 1 << (2 * cells - 1).bit_length()
    n = torch.arange(size, dtype=torch.float64, device="cpu")
    n = torch.minimum(n, size - n)
    h = torch.where(n % 2 == 1, -1.0 / (math.pi * n.clamp(min=1) * pitch_mm) ** 2, torch.zeros_like(n))
    h[0] = 0.25 / pitch_mm**2
    spectrum = torch.fft.rfft(h).real * pitch_mm
    return spectrum.to(like.dtype).to(like.device), size


def filter_projections(sinogram: Tensor, pitch_mm: float, kernel: Kernel | Sequence[Kernel]) -> Tensor:
    """Ramp-filter projections along the detector.

    Parameters
    ----------
    sinogram : (B, C, V, D) line integrals.
    pitch_mm : detector pitch in mm.
    kernel : one kernel for all, or one for each of the B.

    Returns
    -------
    (B, C, V, D) filtered projections, in 1/mm.
    """
    cells = sinogram.shape[-1]
    ramp, size = _ramp(cells, pitch_mm, sinogram)
    f = torch.linspace(0, 1, size // 2 + 1, dtype=sinogram.dtype, device=sinogram.device)
    kernels = [kernel] if isinstance(kernel, Kernel) else list(kernel)
    if len(kernels) not in (1, len(sinogram)):
        msg = f"{len(kernels)} kernels do not fit a batch of {len(sinogram)}."
        raise ValueError(msg)
    response = torch.stack([k.response(f) for k in kernels])[:, None, None] * ramp
    filtered: Tensor = torch.fft.irfft(torch.fft.rfft(sinogram, n=size) * response, n=size)
    return filtered[..., :cells]


def random_kernel(generator: torch.Generator, low: float = 0.2, high: float = 0.7) -> Kernel:
    """Draw a kernel whose noise has a uniformly distributed correlation at one pixel.

    Parameters
    ----------
    generator : source of randomness.
    low, high : range of the correlation at one detector pitch. Body kernels of real series lie between 0.25 and
        0.55, a Hann window without any cutoff at 0.62; the range goes a little beyond both.

    Returns
    -------
    A Shepp-Logan, cosine or Hann window with the cutoff that gives the drawn correlation.
    """
    windows: tuple[Window, ...] = ("shepp-logan", "cosine", "hann")
    draw = torch.rand(2, generator=generator, device=generator.device)
    window = windows[min(int(draw[0] * len(windows)), len(windows) - 1)]
    target = low + (high - low) * float(draw[1])
    soft, sharp = 0.2, 4.0
    for _ in range(12):
        middle = 0.5 * (soft + sharp)
        if Kernel(window, middle).correlation() > target:
            soft = middle
        else:
            sharp = middle
    return Kernel(window, 0.5 * (soft + sharp))
