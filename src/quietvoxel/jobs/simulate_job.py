"""Make a lower-dose CT or a noisier MR in the inference thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quietvoxel.inference.simulate import Simulated
    from quietvoxel.jobs.job import JobContext
    from quietvoxel.volume import Volume


@dataclass(frozen=True, eq=False)
class SimulateJob:
    """A volume to degrade; exactly one of the measures is given, as in `quietvoxel.inference.simulate`.

    Attributes
    ----------
    volume : the reference.
    dose, snr, delta, sigma : dose fraction, signal-to-noise ratio, degradation time, SD of the added noise.
    seed : of the noise.
    purpose : what the front-end started it for.
    """

    volume: Volume
    dose: float | None = None
    snr: float | None = None
    delta: float | None = None
    sigma: float | None = None
    seed: int = 0
    purpose: str = ""

    def run(self, context: JobContext) -> Simulated:
        """Simulate; see `quietvoxel.inference.simulate.simulate` for what is raised."""
        from quietvoxel.errors import CancelledError
        from quietvoxel.inference.simulate import simulate

        made = simulate(
            self.volume, dose=self.dose, snr=self.snr, delta=self.delta, sigma=self.sigma, seed=self.seed
        )
        if context.cancelled():
            msg = "Simulation was cancelled."
            raise CancelledError(msg)
        return made
