"""How fast the engines are beside one another: the same volume, in turns, in one run on one machine.

python benchmarks/engine_speed.py                          # MR, 512 x 512, 6 slices, three rounds
python benchmarks/engine_speed.py --modality CT --slices 2 --rounds 1
QUIETVOXEL_MODELS=runs/models python benchmarks/engine_speed.py   # and the plain network, where it was trained

Counted are end-to-end seconds of `denoise` told the noise, the network's parameters, and its arithmetic.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from machine import facts_of_the_machine
from torch.utils.flop_counter import FlopCounterMode

from quietvoxel.engines.registry import engine_info
from quietvoxel.inference import InferenceOptions, denoise
from quietvoxel.inference.speed import noise_volume
from quietvoxel.models import find_model, load_tensors
from quietvoxel.models.store import list_models
from quietvoxel.volume import Geometry, Modality, Volume


@dataclass(frozen=True, eq=False)
class Contender:
    """An engine with settings; `networks` are those that it evaluates, by the names in its model file."""

    name: str
    engine: str
    networks: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    model: str = ""


CONTENDERS = (
    Contender("RelativeFlow, 3 steps", "relativeflow", ("velocity",)),
    Contender("plain network", "relativeflow", ("velocity",), {"steps": 1}, "plain-{}"),
    Contender("DiffDenoise, student", "diffdenoise", ("student",)),
    Contender("DiffDenoise, 20 steps, SRDS", "diffdenoise", ("blind_spot", "diffusion"), {"student": False}),
    Contender("FDN", "fdn", ("fdn",)),
)


def volume_for(modality: str, slices: int, size: int) -> tuple[Volume, float]:
    """Noise in the modality's units, and its standard deviation."""
    made, sigma = noise_volume(slices, size), 30.0
    if modality == "MR":
        made = replace(
            made, data=np.abs(made.data + 500.0), modality=Modality.MR, geometry=Geometry((0.7,) * 3)
        )
    return made, sigma


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--modality", choices=("MR", "CT"), default="MR")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--slices", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    volume, sigma = volume_for(arguments.modality, arguments.slices, arguments.size)
    options = InferenceOptions(sigma=sigma, axis="0", device=arguments.device)
    there = {(card.engine, card.modality, card.name) for card in list_models()}
    cards = {}
    for one in CONTENDERS:
        name = one.model.format(arguments.modality.lower())
        if any(e == one.engine and m == arguments.modality and name in ("", n) for e, m, n in there):
            cards[one] = find_model(name or None, engine=one.engine, modality=arguments.modality)
    lines: dict[str, list[float]] = {one.name: [] for one in cards}
    flop = {}
    for number in range(arguments.rounds + 1):
        for one, card in cards.items():
            settings = engine_info(one.engine).settings(**one.settings)
            if number == 0:  # warms up, and counts on one slice
                with FlopCounterMode(display=False) as counter:
                    denoise(volume, card, settings, options, only=[0])
                flop[one.name] = counter.get_total_flops()
                continue
            began = time.perf_counter()
            denoise(volume, card, settings, options)
            lines[one.name].append((time.perf_counter() - began) / arguments.slices)
    print(f"{facts_of_the_machine()}; torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"{arguments.modality}, {arguments.size} x {arguments.size} x {arguments.slices}\n")
    print(
        "| engine | parameters, million | GFLOP a slice | ms a slice (median; least to most) |\n|---|---|---|---|"
    )
    for one, card in cards.items():
        tensors = load_tensors(card)
        count = sum(t.numel() for n, t in tensors.items() if n.partition(".")[0] in one.networks) / 1e6
        times = 1000 * np.array(lines[one.name])
        print(
            f"| {one.name} | {count:.2f} | {flop[one.name] / 1e9:.0f} "
            f"| {np.median(times):.0f} ({times.min():.0f} to {times.max():.0f}) |"
        )


if __name__ == "__main__":
    main()
