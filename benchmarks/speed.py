"""How fast a CT is denoised, against what this machine's convolutions reach and against BM4D.

python benchmarks/speed.py                     # 512 x 512 x 96, 3 Euler steps; BM4D on 12 of these slices
python benchmarks/speed.py --size 64 --slices 4 --bm4d-slices 0

Everything is measured in one run on one machine, end to end: noise estimate, padding, transforms and engine. BM4D
is optional (pip install 'quietvoxel[benchmark]'), and too slow for the whole volume: its time on a few slices is
scaled to all of them, which the table says.
"""

from __future__ import annotations

import argparse
import importlib.util
import time

import numpy as np
import torch
from machine import facts_of_the_machine

from quietvoxel.inference.speed import Speed, convolution_rate, network_speed, noise_volume

SIGMA = 30.0


def bm4d_seconds(slices: int, size: int) -> float | None:
    """Seconds BM4D takes for (slices, size, size), told the noise; None where it is not installed."""
    if slices == 0 or importlib.util.find_spec("bm4d") is None:
        return None
    from bm4d import bm4d

    image = np.asarray(noise_volume(slices, size, SIGMA).data, dtype=np.float64)
    began = time.perf_counter()
    bm4d(image, SIGMA)
    return time.perf_counter() - began


def rows(
    speed: Speed, peak: float, arguments: argparse.Namespace, bm4d: float | None
) -> list[tuple[str, str]]:
    """The table: what was measured, and the figure."""
    size, slices = arguments.size, arguments.slices
    table = [
        (f"{size} x {size} x {slices} CT, {arguments.steps} Euler steps", f"{speed.seconds:.1f} s"),
        ("one slice, one network evaluation", f"{speed.seconds_per_evaluation:.3f} s"),
        ("arithmetic of the network over the whole time", f"{speed.flop_per_second / 1e9:.0f} GFLOP/s"),
        ("bare 3 x 3 convolution in the same run", f"{peak / 1e9:.0f} GFLOP/s"),
        ("share of the convolution rate", f"{speed.flop_per_second / peak:.0%}"),
    ]
    if bm4d is not None:
        part = arguments.bm4d_slices
        scaled = bm4d * slices / part
        table.append((f"BM4D on {size} x {size} x {part}", f"{bm4d:.1f} s"))
        table.append((f"BM4D scaled to {slices} slices", f"{scaled:.0f} s"))
        table.append(("RelativeFlow is faster than BM4D by", f"{scaled / speed.seconds:.1f} times"))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--slices", type=int, default=96)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--bm4d-slices", type=int, default=12, help="8 or more; 0 leaves BM4D out")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    arguments = parser.parse_args()

    run = {"device": arguments.device, "precision": arguments.precision}
    before = network_speed(
        size=arguments.size, slices=1, steps=1, **run
    )  # warms up, and finds device and type
    peaks = [convolution_rate(before.device, before.dtype)]
    speed = network_speed(
        size=arguments.size, slices=arguments.slices, steps=arguments.steps, sigma=None, **run
    )
    peaks.append(convolution_rate(before.device, before.dtype))
    bm4d = bm4d_seconds(arguments.bm4d_slices, arguments.size)

    kind = str(speed.dtype).removeprefix("torch.")
    print(
        f"{facts_of_the_machine()}; torch {torch.__version__}, {speed.threads} threads, {speed.device}, {kind}\n"
    )
    print("| measured | result |\n|---|---|")
    for what, figure in rows(speed, max(peaks), arguments, bm4d):
        print(f"| {what} | {figure} |")


if __name__ == "__main__":
    main()
