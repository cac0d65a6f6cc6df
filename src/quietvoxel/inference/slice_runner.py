"""One slice's way: cut its slab, run the engine on it, put the residual on the original, count the steps."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from quietvoxel.engines.contract import EngineContext
from quietvoxel.errors import QuietVoxelError
from quietvoxel.inference.ensemble import averaged
from quietvoxel.inference.events import StepDone

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from quietvoxel.engines.contract import Engine, EngineOutput
    from quietvoxel.engines.settings import EngineSettings
    from quietvoxel.inference.events import Event
    from quietvoxel.inference.slabs import Slices
    from quietvoxel.inference.tiles import TileFitter


@dataclass
class SliceRunner:
    """Denoises slices of one volume, in any order.

    Attributes
    ----------
    engine, settings : what is run.
    slices : where slices come from.
    total : slices in this run, for progress.
    blend : 1 for the denoised image, 0 for the original.
    lowest : no voxel falls below it, in the volume's units; None for no limit.
    fitter : keeps to the memory.
    unlikeness : of each slice that was run, where the engine has a likelihood.
    """

    engine: Engine
    settings: EngineSettings
    slices: Slices
    total: int
    device: torch.device
    dtype: torch.dtype
    blend: float
    lowest: float | None
    fitter: TileFitter
    on_event: Callable[[Event], None]
    cancelled: Callable[[], bool]
    began: float = field(default_factory=time.monotonic)
    unlikeness: dict[int, float] = field(default_factory=dict)

    def run(self, index: int, done: int) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Denoise slice `index`, the one after `done` others.

        Returns
        -------
        (H, W) in the volume's units, and its standard deviation where the engine gives one.

        Raises
        ------
        CancelledError
            If `cancelled` said so.
        QuietVoxelError
            If the network gave numbers that are not finite.
        """
        slices, settings, context = self.slices, self.settings, self._context(index, done)
        context.stop_if_cancelled()
        original = slices.original(index)
        slab = slices.slab(index, self.engine.halo(settings))

        # One slice at a time on every device: a batch would let a slice's last bits depend on its companions,
        # and a 512 x 512 slice keeps the processor busy already.
        def run(part: torch.Tensor, own: EngineContext) -> EngineOutput:
            return self.fitter.run(self.engine, part, settings, own)

        output = averaged(run, slab, context) if settings.best_quality else run(slab, context)
        residual = output.image[0, 0].numpy() - slab[0, slab.shape[1] // 2].numpy()
        if not np.isfinite(residual).all():
            precision = str(self.dtype).removeprefix("torch.")
            msg = f"The network overflowed in slice {index} ({precision}); try --precision float32."
            raise QuietVoxelError(msg)
        if output.unlikeness is not None:
            self.unlikeness[index] = float(output.unlikeness[0])
        pixels = original + np.float32(self.blend) * slices.intensity.restore_residual(residual)
        if self.lowest is not None:
            np.maximum(pixels, np.float32(self.lowest), out=pixels)
        spread = None
        if output.uncertainty is not None:
            spread = slices.intensity.restore_residual(output.uncertainty[0, 0].numpy())
        if slices.padding is not None:
            outside = slices.padding[index]
            pixels[outside] = original[outside]
            if spread is not None:
                spread[outside] = 0.0
        return pixels, spread

    def _context(self, index: int, done: int) -> EngineContext:
        def progress(step: int, steps: int) -> None:
            elapsed = time.monotonic() - self.began
            left = self.total / (done + step / steps) - 1.0
            self.on_event(StepDone(done, self.total, step, steps, elapsed * left))

        # Seeded by slice, so that a slice's random numbers do not depend on the order or on what else is run.
        generator = torch.Generator().manual_seed((self.settings.seed * 1_000_003 + index) % 2**63)
        return EngineContext(
            sigma=self.slices.sigma,
            spacing_ratio=self.slices.spacing_ratio,
            device=self.device,
            dtype=self.dtype,
            generators=(generator,),
            progress=progress,
            cancelled=self.cancelled,
            lowest=0.0 if self.lowest is None else self.lowest / self.slices.intensity.unit,
        )
