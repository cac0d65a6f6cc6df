"""How much memory `denoise` takes at its peak, above the loaded program.

python benchmarks/memory.py                              # 512 x 512 x 96, float32
python benchmarks/memory.py --size 64 --slices 8 --dtype int16

A process of its own denoises one small volume first, so that the program, the model and torch's own buffers are
loaded, and then the large one, while a thread reads the resident memory every 5 ms. Counted are the input, the
result and everything between; the aim is three times the float32 volume plus 400 MB for the work on one slice.
"""

from __future__ import annotations

import argparse
import gc
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np
import psutil
from machine import facts_of_the_machine

from quietvoxel.engines.relative_flow.settings import RelativeFlowSettings
from quietvoxel.inference import InferenceOptions, denoise
from quietvoxel.inference.speed import noise_volume

if TYPE_CHECKING:
    from types import TracebackType

MB = 1e6
WORKING_SET_MB = 400


class PeakMemory:
    """Watches the resident memory of this process: `with PeakMemory() as memory: …`, then `memory.peak`, in bytes."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.005):
            self.peak = max(self.peak, self._process.memory_info().rss)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--slices", type=int, default=96)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--dtype", choices=("float32", "int16"), default="float32")
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()

    settings = RelativeFlowSettings(steps=arguments.steps)
    options = InferenceOptions(device=arguments.device)
    denoise(noise_volume(1, 64), settings=settings, options=options)
    gc.collect()
    loaded = psutil.Process().memory_info().rss
    with PeakMemory() as memory:
        made = noise_volume(arguments.slices, arguments.size)
        volume = replace(made, data=np.rint(made.data).astype(arguments.dtype))
        del made
        gc.collect()
        memory.peak = 0  # what it took to make the volume does not count
        denoise(volume, settings=settings, options=options)
    taken = memory.peak - loaded
    whole = 4 * volume.data.size
    allowed = 3 * whole + WORKING_SET_MB * MB

    print(f"{facts_of_the_machine()}\n")
    print("| measured | result |\n|---|---|")
    shape = f"{arguments.size} x {arguments.size} x {arguments.slices} {arguments.dtype}"
    print(f"| the volume ({shape}) as float32 | {whole / MB:.0f} MB |")
    print(f"| peak above the loaded program | {taken / MB:.0f} MB |")
    print(f"| of which beyond three float32 volumes | {max(0.0, (taken - 3 * whole) / MB):.0f} MB |")
    print(f"| allowed | {allowed / MB:.0f} MB |")
    print(f"| kept | {'yes' if taken <= allowed else 'no'} |")


if __name__ == "__main__":
    main()
