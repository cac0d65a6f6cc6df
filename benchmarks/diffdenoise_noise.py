"""The noise types of DiffDenoise's experiments, learned from noisy images alone, and how large the blind spot may be.

Small networks, equal budgets. Every network trains on the same noisy stacks; truth is used for scores only, except by
the supervised network, and by non-local means, whose settings are those that are best on three of the training images.
Images are in [0, 1]: cleaned MR training scans for training, phantoms and other patients for scores.

python benchmarks/diffdenoise_noise.py                                # everything; goes on where it was stopped
python benchmarks/diffdenoise_noise.py --noise gaussian --radii 0 1 2
python benchmarks/diffdenoise_noise.py --groups "non-local means" BM4D  # some of the methods only
python benchmarks/diffdenoise_noise.py --quick                        # a few steps; nothing is kept

Noise2Void is CAREamics' (`pip install --no-deps careamics==0.3.5 microssim` and `pip install matplotlib zarr tifffile
bioimageio-core`, in an environment of its own), given no less time than DiffDenoise takes; BM4D needs `bm4d`. A method
whose package is missing has no entry. Results: runs/diffdenoise/noise/*.json, kept in diffdenoise_noise.jsonl; writes
docs/tables/diffdenoise_noise.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ablations import REFERENCES
from diffdenoise_runs import RESULTS, SAMPLED, blind_spot_alone, denoised, once
from noise_lessons import FixedNoise, Recorrupted, noisy_image, references_with
from noise_peers import GRIDS, at_slice, noise2void, stabiliser
from noise_table import SIDE, write_table
from standard_points import SEED
from truth_images import TruthImage, cleaned_scan, phantom_images
from truth_scores import SIGNAL, psnr
from tune_peers import searched
from volumes import add_data_option, indexed_volumes

from quietvoxel.degradation.noise_models import PRESETS
from quietvoxel.engines.diff_denoise.engine import DiffDenoiseEngine, DiffDenoiseNetworks
from quietvoxel.engines.diff_denoise.network import DiffusionNetwork
from quietvoxel.engines.diff_denoise.settings import DiffDenoiseRecipe, DiffDenoiseSettings
from quietvoxel.engines.diff_denoise.student import StudentStage
from quietvoxel.training.diff_denoise import train_diff_denoise
from quietvoxel.training.distil import taught_stacks
from quietvoxel.training.trainer import TrainingPlan, train_stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from quietvoxel.training.references import Reference

SMALL: dict[str, Any] = {
    "blind_widths": (32, 64, 128),
    "diffusion_widths": (32, 64, 128),
    "student_widths": (32, 64, 128),
    "student_blocks": (2, 2, 2),
    "features": 16,
}
PLAN: dict[str, Any] = {"max_steps": 1000, "batch": 16, "patch": 64, "ema": 0.99, "checkpoint_every": 500}
SHARES = (0.5, 1.0, 1.0)
"""Of these steps, for the three stages; the supervised network has as many as the student."""

NOISE2VOID_S = {0: 370.0, 1: 370.0, 2: 630.0}
"""Seconds that Noise2Void has, by the radius of DiffDenoise's blind spot: all its stages take no longer."""

TUNED_ON = 3
"""Training images on which the peers are tuned."""

RADIUS = {"correlated-0.5": 1, "correlated-1.2": 2}
"""Pixels that the blind spot hides on each side where noise is correlated; elsewhere 0."""

BY_RECORRUPTED = 0.9
"""Share of the stacks that recorrupted images teach; the teacher has the others."""

STACKS, TAUGHT_SIDE = 60, 128
"""How many stacks the teacher denoises, and the side of their slices."""


def trained(
    own: list[Reference], recipe: DiffDenoiseRecipe, folder: Path, plan: TrainingPlan, stacks: int
) -> tuple[DiffDenoiseEngine, float]:
    """All stages on stacks as they are, and the seconds that took, in as many goes as it may have been."""
    clock = folder / "seconds.json"
    before = json.loads(clock.read_text()) if clock.exists() else 0.0
    began = time.monotonic()
    networks = train_diff_denoise(
        own,
        recipe,
        plan,
        folder,
        shares=SHARES,
        stacks=stacks,
        side=TAUGHT_SIDE,
        images=lambda _, halo: FixedNoise(halo),
    )
    seconds = before + time.monotonic() - began
    clock.write_text(json.dumps(seconds))
    # None of these noises is Rician.
    return DiffDenoiseEngine(DiffDenoiseNetworks.named(networks), recipe, rician_share=0.0), seconds


def scored(images: list[TruthImage], noise: str, run: Callable[..., NDArray[Any]]) -> dict[str, float]:
    """PSNR of the middle slice of each image."""
    found = {}
    for number, image in enumerate(images):
        noisy, sigma = noisy_image(image, noise, SEED + 100 + number)
        z = len(noisy) // 2
        truth = image.data[z].clip(0, 1)
        found[image.name] = psnr(run(noisy, z, sigma, image.spacing_ratio), truth, image.data[z] > SIGNAL)
    return found


def middle_of(image: TruthImage) -> TruthImage:
    """The middle of each slice, no larger than `SIDE`."""
    rows, columns = (
        slice(max(0, (length - SIDE) // 2), max(0, (length - SIDE) // 2) + SIDE)
        for length in image.data.shape[1:]
    )
    return replace(image, data=np.ascontiguousarray(image.data[:, rows, columns]))


def recipe_for(radius: int, **more: Any) -> DiffDenoiseRecipe:
    """The small networks with a blind spot."""
    return DiffDenoiseRecipe.model_validate({**SMALL, "radius": radius, "dilation": 2 * (radius + 1), **more})


@dataclass(frozen=True)
class Experiment:
    """One noise and one blind spot: the images, and where networks and checkpoints lie."""

    noise: str
    radius: int
    train: list[TruthImage]
    judged: list[TruthImage]
    folder: Path
    quick: bool = False

    @property
    def plan(self) -> TrainingPlan:
        """Of every network."""
        return TrainingPlan(**(PLAN | ({"max_steps": 4, "batch": 2} if self.quick else {})))

    @property
    def stacks(self) -> int:
        """How many the teacher denoises."""
        return 2 if self.quick else STACKS

    def scored(self, ways: dict[str, Callable[..., NDArray[Any]]]) -> dict[str, dict[str, float]]:
        """PSNR of every way on the images that are judged."""
        return {name: scored(self.judged, self.noise, run) for name, run in ways.items()}


def by(engine: DiffDenoiseEngine, settings: DiffDenoiseSettings | None = None) -> Callable[..., NDArray[Any]]:
    """An engine as a function of (noisy stack, slice, sigma, ratio)."""
    wanted = settings or DiffDenoiseSettings()
    return lambda *at: denoised(engine, *at, wanted).image[0, 0].numpy()


def ours(one: Experiment) -> dict[str, Any]:
    """The three stages, the student taught by its teacher alone."""
    own, _ = references_with(one.train, one.noise)
    engine, seconds = trained(own, recipe_for(one.radius), one.folder / "ours", one.plan, one.stacks)
    ways = {
        "blind-spot network": lambda *at: blind_spot_alone(engine, *at),
        "DiffDenoise": by(engine),
        "DiffDenoise, sampled": by(engine, SAMPLED),
        "DiffDenoise, sampled from pure noise": by(engine, SAMPLED.touched(start="noise")),
    }
    return {"seconds": round(seconds), "student_steps": one.plan.max_steps, "psnr": one.scored(ways)}


def recorrupted(one: Experiment) -> dict[str, Any]:
    """A student that recorrupted images teach beside its teacher; the other networks are those of `ours`."""
    own, _ = references_with(one.train, one.noise)
    recipe, folder = recipe_for(one.radius, reference_share=BY_RECORRUPTED), one.folder / "recorrupted"
    engine, _ = trained(own, recipe_for(one.radius), one.folder / "ours", one.plan, one.stacks)
    engine = DiffDenoiseEngine(engine.networks, recipe, rician_share=0.0)
    # Those that the teacher denoised are there already.
    folder.mkdir(parents=True, exist_ok=True)
    for stack in (one.folder / "ours" / "stacks").glob("*.npz"):
        (folder / stack.name).unlink(missing_ok=True)
        (folder / stack.name).hardlink_to(stack)
    stacks = taught_stacks(
        engine,
        own,
        one.stacks,
        folder,
        seed=one.plan.seed,
        side=TAUGHT_SIDE,
        images=lambda _, halo: FixedNoise(halo),
        noisier=lambda _, halo: Recorrupted(halo, one.noise),
    )
    student = train_stage(StudentStage(recipe), stacks, one.plan, one.folder / "recorrupted-student").averaged
    engine = DiffDenoiseEngine(replace(engine.networks, student=student), recipe, rician_share=0.0)
    return {"psnr": one.scored({"DiffDenoise, recorrupted": by(engine)})}


def supervised(one: Experiment) -> dict[str, Any]:
    """A network of the student's size that was shown the truth."""
    _, lessons = references_with(one.train, one.noise)
    recipe = recipe_for(one.radius)
    network = train_stage(StudentStage(recipe), lessons, one.plan, one.folder / "supervised").averaged
    # Nothing is sampled: the other two networks are there because there have to be.
    networks = DiffDenoiseNetworks(network, DiffusionNetwork(recipe), network)
    engine = DiffDenoiseEngine(networks, recipe, rician_share=0.0)
    return {"psnr": one.scored({"supervised": by(engine)})}


def tuned(one: Experiment, peer: str) -> dict[str, Any]:
    """A peer with the settings that are best on some of the training images."""
    grid = {**GRIDS[peer], "stabilise": [False] if stabiliser(one.noise) is None else [True, False]}
    if one.quick:
        grid = {name: values[:1] for name, values in grid.items()}
    images = [middle_of(image) for image in one.train[:TUNED_ON]]

    def quality(settings: dict[str, Any]) -> float:
        return float(np.mean(list(scored(images, one.noise, at_slice(peer, one.noise, settings)).values())))

    starts: list[dict[str, Any]] = [{"dims": 2}, {"dims": 3}] if peer == "non-local means" else [{}]
    settings, _ = searched(starts, grid, quality)
    return {"settings": settings, "psnr": one.scored({peer: at_slice(peer, one.noise, settings)})}


def noisy(one: Experiment) -> dict[str, Any]:
    """The image as it is."""
    return {"psnr": one.scored({"noisy": lambda noisy, z, *_: noisy[z]})}


def by_bm4d(one: Experiment) -> dict[str, Any]:
    """BM4D, where it is installed."""
    return {"psnr": {}} if importlib.util.find_spec("bm4d") is None else tuned(one, "BM4D")


def by_noise2void(one: Experiment) -> dict[str, Any]:
    """CAREamics' network, trained on the same noisy stacks."""
    if importlib.util.find_spec("careamics") is None or one.quick:
        return {"psnr": {}}
    own, _ = references_with(one.train, one.noise)
    seconds = NOISE2VOID_S[one.radius]
    run = noise2void(seconds, [reference.data for reference in own])
    return {"seconds": seconds, "psnr": one.scored({"Noise2Void (CAREamics)": run})}


GROUPS: dict[str, Callable[[Experiment], dict[str, Any]]] = {
    "ours": ours,
    "recorrupted": recorrupted,
    "supervised": supervised,
    "noisy": noisy,
    "non-local means": lambda one: tuned(one, "non-local means"),
    "BM4D": by_bm4d,
    "Noise2Void": by_noise2void,
}
OF_RADIUS = ("ours", "recorrupted")
"""What depends on the blind spot; everything else is measured at the noise's own radius only."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_option(parser)
    parser.add_argument("--noise", nargs="+", choices=tuple(PRESETS), default=tuple(PRESETS))
    parser.add_argument("--radii", nargs="+", type=int, help="blind spots to try; default: the noise's own")
    parser.add_argument("--groups", nargs="+", choices=tuple(GROUPS), default=tuple(GROUPS))
    parser.add_argument("--quick", action="store_true", help="a few steps; nothing is kept")
    options = parser.parse_args()
    train = [*phantom_images("MR")]
    judged = train[:1]
    if not options.quick:
        train = [cleaned_scan(v) for v in indexed_volumes(options.data, "train/mr") if v.name in REFERENCES]
        judged = [*phantom_images("MR"), *[cleaned_scan(v) for v in indexed_volumes(options.data, "val/mr")]]
    judged = [middle_of(image) for image in judged]
    for noise in options.noise:
        own = RADIUS.get(noise, 0)
        for radius in options.radii or (own,):
            for group in options.groups:
                if radius != own and group not in OF_RADIUS:
                    continue
                key = {"noise": noise, "radius": radius, "group": group}
                if options.quick:
                    with tempfile.TemporaryDirectory() as scratch:
                        one = Experiment(noise, radius, train, judged, Path(scratch), quick=True)
                        print({**key, **GROUPS[group](one)}, flush=True)
                    continue
                name = f"{noise}-radius-{radius}"
                one = Experiment(noise, radius, train, judged, RESULTS / "noise" / f"work-{name}")
                make = GROUPS[group]
                result = once(
                    RESULTS / "noise" / f"{name}--{group.replace(' ', '-')}.json",
                    lambda make=make, one=one, key=key: {**key, **make(one)},
                )
                means = {n: round(float(np.mean(list(v.values()))), 2) for n, v in result["psnr"].items()}
                print(noise, radius, group, means, flush=True)
                write_table(PLAN["max_steps"])


if __name__ == "__main__":
    main()
