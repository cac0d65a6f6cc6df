"""Measure how fast a device runs the network, and how fast it could."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from quietvoxel.engines.relative_flow.settings import RelativeFlowSettings
from quietvoxel.inference import denoise
from quietvoxel.inference.devices import choose_device, choose_precision
from quietvoxel.inference.events import Event, StepDone
from quietvoxel.inference.loaded import load_engine
from quietvoxel.inference.options import InferenceOptions
from quietvoxel.models import find_model
from quietvoxel.volume import Geometry, Modality, Volume

if TYPE_CHECKING:
    from quietvoxel.networks.residual_unet import ResidualUNet


@dataclass(frozen=True)
class Speed:
    """A measured run: seconds for all slices, for one evaluation, and the arithmetic done in a second."""

    seconds: float
    seconds_per_evaluation: float
    flop_per_second: float
    device: torch.device
    dtype: torch.dtype
    threads: int


def noise_volume(slices: int, size: int, sigma: float = 30.0) -> Volume:
    """A CT of soft tissue and noise, (slices, size, size): speed does not depend on what an image shows."""
    rng = np.random.default_rng(0)
    data = rng.normal(40.0, sigma, (slices, size, size)).astype(np.float32)
    return Volume(data, Geometry((0.7, 0.7, 2.5)), Modality.CT)


def network_speed(
    *,
    size: int = 512,
    slices: int = 6,
    steps: int = 3,
    device: str = "auto",
    precision: str = "auto",
    sigma: float | None = 30.0,
) -> Speed:
    """Denoise a noise volume (slices, size, size) as CT, one slice to warm up and then all against the clock.

    Parameters
    ----------
    size, slices : of the volume.
    steps : Euler steps asked for.
    device, precision : as in `InferenceOptions`.
    sigma : noise level that the engine is told; None has it estimated, within the time measured.
    """
    where = choose_device(device)
    dtype = choose_precision(where, precision)
    volume = noise_volume(slices, size)
    settings = RelativeFlowSettings(steps=steps)
    options = InferenceOptions.model_validate({"device": device, "precision": precision, "sigma": sigma})
    evaluations = 0

    def count(event: Event) -> None:
        nonlocal evaluations
        evaluations += isinstance(event, StepDone)

    denoise(volume, settings=settings, options=options, only=[0])
    began = time.perf_counter()
    denoise(volume, settings=settings, options=options, on_event=count)
    seconds = time.perf_counter() - began
    rate = flop_per_evaluation(where, size) * evaluations / seconds
    return Speed(seconds, seconds / evaluations, rate, where, dtype, torch.get_num_threads())


def flop_per_evaluation(device: torch.device, size: int) -> float:
    """Floating-point operations of one network evaluation on one slice, a multiplication and an addition each."""
    from torch.utils.flop_counter import FlopCounterMode

    engine = load_engine(find_model(engine="relativeflow", modality="CT"), device)
    network: ResidualUNet = engine.network  # type: ignore[attr-defined]  # this engine's own
    shape = network.shape
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        slab = torch.zeros(1, shape.slices, size, size, device=device)
        network(slab, torch.zeros(1, shape.conditions, device=device))
    return float(counter.get_total_flops())


def convolution_rate(device: torch.device, dtype: torch.dtype, width: int = 128, size: int = 128) -> float:
    """FLOP a second of one 3 x 3 convolution that fits the caches: the best this machine does in practice."""
    layer = nn.Conv2d(width, width, 3, padding=1, bias=False).to(device, dtype)
    layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
    x = torch.randn(1, width, size, size, device=device, dtype=dtype)
    x = x.contiguous(memory_format=torch.channels_last)
    best = float("inf")
    with torch.inference_mode():
        for _ in range(20):
            began = time.perf_counter()
            for _ in range(10):
                layer(x)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            best = min(best, (time.perf_counter() - began) / 10)
    return 2.0 * width * width * 9 * size * size / best
