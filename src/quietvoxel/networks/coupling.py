"""Affine couplings, the part of a flow that learns: one half of the image tells how the other half is changed.

Dinh et al., "Density estimation using Real NVP" (ICLR 2017). The half that tells is left as it is, so that the change
can be undone. The sub-networks may run in bfloat16; the arithmetic of the coupling is that of its input, float32 or,
for wild values (`flow.Flow`), float64.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from quietvoxel.networks.weights import silence, zero_bias

SEEN = 16.0
"""A sub-network is shown values within +-16 spreads, so that no input, however wild, makes the flow explode."""

STEP = 1 / 1024
"""What a sub-network is shown of a float64 input is rounded to this: on the way back the last bits differ, and what it
says has to be the same to the bit."""


class CouplingNet(nn.Module):
    """Three 3 x 3 convolutions; the last starts at zero, so that a new coupling changes nothing.

    Parameters
    ----------
    inputs, outputs : channels of the half that tells, and of what is said about the other.
    condition : channels of the condition, the last `quiet` of which start without weight (neighbouring slices).
    width : channels between the convolutions.
    fold : the convolutions work on blocks of this many pixels a side, on the grid of the condition: longer channel
        vectors and fewer pixels are what processors with matrix units are fast at.
    """

    def __init__(
        self, inputs: int, outputs: int, condition: int, width: int, *, quiet: int = 0, fold: int = 1
    ) -> None:
        super().__init__()
        self.fold = fold
        self.first = nn.Conv2d(inputs * fold**2 + condition, width, 3, padding=1)
        self.middle = nn.Conv2d(width, width, 3, padding=1)
        self.last = nn.Conv2d(width, outputs * fold**2, 3, padding=1)
        for convolution in (self.first, self.middle):
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            zero_bias(convolution)
        silence(self.last)
        if quiet:
            with torch.no_grad():
                self.first.weight[:, -quiet:] = 0.0

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Map (B, inputs, H, W) and (B, condition, H / fold, W / fold) to (B, outputs, H, W) of x's type."""
        kind = x.dtype
        x = x.clamp(-SEEN, SEEN)
        if kind == torch.float64:
            x = (x / STEP).round() * STEP
        x = F.pixel_unshuffle(x, self.fold).to(condition.dtype)
        x = torch.cat([x.contiguous(memory_format=torch.channels_last), condition], dim=1)
        x = F.relu(self.middle(F.relu(self.first(x))))
        out: Tensor = self.last(x)
        return F.pixel_shuffle(out.to(kind), self.fold)


class Coupling(nn.Module):
    """One part of an image tells a scale and a shift for the rest: z = x * exp(s) + t, with |s| below `clamp`.

    s = clamp * tanh(h / clamp): an unbounded exponent makes stacked couplings explode (docs/fdn.md).

    Parameters
    ----------
    channels : of the image.
    condition, width, quiet, fold : of the sub-network, see `CouplingNet`.
    flip : whether the parts change places.
    clamp : bound of the log-scale.
    """

    parts: int
    """How many parts the channels are split into."""

    def __init__(
        self,
        channels: int,
        condition: int,
        width: int,
        *,
        quiet: int = 0,
        fold: int = 1,
        flip: bool,
        clamp: float,
    ) -> None:
        super().__init__()
        self.flip, self.clamp = flip, clamp
        self.size = channels // self.parts
        self.net = CouplingNet(self.size, 2 * self.size, condition, width, quiet=quiet, fold=fold)

    def told(self, telling: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """The log-scale and the shift, each (B, size, H, W) as `telling` is."""
        out = self.net(telling, condition)
        return bounded(out[:, : self.size], self.clamp), out[:, self.size :]


class AffineCoupling(Coupling):
    """One half of the channels tells, the other half is changed; flipped, the second half tells."""

    parts = 2

    def _halves(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first, second = x[:, : self.size], x[:, self.size :]
        return (second, first) if self.flip else (first, second)

    def _joined(self, telling: Tensor, changed: Tensor) -> Tensor:
        return torch.cat([changed, telling] if self.flip else [telling, changed], dim=1)

    def forward(self, x: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Change one half; log |det| = sum(s)."""
        telling, changed = self._halves(x)
        log_scale, shift = self.told(telling, condition)
        return self._joined(telling, changed * log_scale.exp() + shift), log_scale.sum(dim=(1, 2, 3))

    def inverse(self, z: Tensor, condition: Tensor) -> Tensor:
        """Undo it: the half that tells is the same in both directions."""
        telling, changed = self._halves(z)
        log_scale, shift = self.told(telling, condition)
        return self._joined(telling, (changed - shift) * (-log_scale).exp())


class CheckerboardCoupling(Coupling):
    """The same at full resolution: the pixels of one colour of a checkerboard tell, those of the other are changed.

    What a flow without any squeeze has to work with; it is there for comparison (docs/fdn.md).
    """

    parts = 1

    def _terms(self, x: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        rows = torch.arange(x.shape[-2], device=x.device)[:, None]
        columns = torch.arange(x.shape[-1], device=x.device)
        changed = ((rows + columns) % 2 == int(self.flip)).to(x.dtype)
        log_scale, shift = self.told(x * (1 - changed), condition)
        return changed * log_scale, changed * shift

    def forward(self, x: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Change the pixels of one colour; log |det| = sum(s)."""
        log_scale, shift = self._terms(x, condition)
        return x * log_scale.exp() + shift, log_scale.sum(dim=(1, 2, 3))

    def inverse(self, z: Tensor, condition: Tensor) -> Tensor:
        """Undo it."""
        log_scale, shift = self._terms(z, condition)
        return (z - shift) * (-log_scale).exp()


def bounded(x: Tensor, limit: float) -> Tensor:
    """Within +-limit, with slope 1 at zero."""
    return limit * torch.tanh(x / limit)
