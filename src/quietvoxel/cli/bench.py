"""`quietvoxel bench`: how fast this machine denoises, against what its convolutions reach in the same run."""

import time
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

At16 = Number(gte=16, lte=4096)
AtLeast1 = Number(gte=1)


def bench(
    *,
    size: Annotated[int, Parameter(help="Side of the slices in pixels.", validator=At16)] = 512,
    slices: Annotated[int, Parameter(help="Slices denoised.", validator=AtLeast1)] = 6,
    steps: Annotated[int, Parameter(help="Euler steps.", validator=Number(gte=1, lte=8))] = 3,
    device: Annotated[str, Parameter(help="auto, cpu, cuda or mps.")] = "auto",
    precision: Annotated[str, Parameter(help="auto, bfloat16 or float32.")] = "auto",
) -> int:
    """Measure the speed of RelativeFlow on this machine."""
    from quietvoxel.inference.speed import convolution_rate, network_speed

    began = time.monotonic()
    speed = network_speed(size=size, slices=slices, steps=steps, device=device, precision=precision)
    peak = convolution_rate(speed.device, speed.dtype)
    rate, share = speed.flop_per_second / 1e9, speed.flop_per_second / peak
    whole = speed.seconds / slices * 96
    print(f"Device {speed.device}, {str(speed.dtype).removeprefix('torch.')}, {speed.threads} threads.")
    print(f"One {size} x {size} slice and one network evaluation: {speed.seconds_per_evaluation:.3f} s.")
    print(f"{slices} slices of {steps} steps: {speed.seconds:.2f} s; 96 slices would take {whole:.0f} s.")
    print(f"{rate:.0f} GFLOP/s, {share:.0%} of the {peak / 1e9:.0f} GFLOP/s of a bare convolution.")
    print(f"Measured in {time.monotonic() - began:.0f} s.")
    return 0
