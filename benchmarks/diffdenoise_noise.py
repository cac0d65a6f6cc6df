"""The noise types of DiffDenoise's experiments, learned from noisy images alone, and how large the blind spot may be.

Small networks, equal budgets. Every method trains on, or is tuned to, the same noisy stacks; truth is used for scores
only, except by the supervised network. Images are in [0, 1]: cleaned MR training scans and phantoms for training, other
patients for scores.

python benchmarks/diffdenoise_noise.py                                # everything; goes on where it was stopped
python benchmarks/diffdenoise_noise.py --noise gaussian --radii 0 1 2 4
python benchmarks/diffdenoise_noise.py --quick                        # a few steps; nothing is kept

Noise2Void is CAREamics' (`pip install --no-deps careamics==0.3.5 microssim` and `pip install matplotlib zarr tifffile
bioimageio-core`, in an environment of its own), given the seconds that DiffDenoise took; BM4D needs `bm4d`. A method
whose package is missing has no entry. Results: runs/diffdenoise/noise/*.json; writes docs/tables/diffdenoise_noise.md.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from ablations import REFERENCES
from diffdenoise_runs import RESULTS, SAMPLED, blind_spot_alone, denoised, once
from noise_peers import peers
from standard_points import SEED
from truth_images import TruthImage, cleaned_scan, phantom_images
from truth_scores import SIGNAL, psnr
from volumes import add_data_option, indexed_volumes

from quietvoxel.degradation.noise_models import PRESETS
from quietvoxel.engines.diff_denoise.engine import DiffDenoiseEngine, DiffDenoiseNetworks
from quietvoxel.engines.diff_denoise.network import DiffusionNetwork
from quietvoxel.engines.diff_denoise.settings import DiffDenoiseRecipe, DiffDenoiseSettings
from quietvoxel.engines.diff_denoise.student import StudentStage
from quietvoxel.engines.relative_flow.training import network_conditions
from quietvoxel.training.diff_denoise import train_diff_denoise
from quietvoxel.training.distil import taught_stacks
from quietvoxel.training.references import Reference
from quietvoxel.training.trainer import TrainingPlan, train_stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from quietvoxel.engines.contract import Slabs

TABLE = Path(__file__).parent.parent / "docs" / "tables" / "diffdenoise_noise.md"
SMALL: dict[str, Any] = {
    "blind_widths": (32, 64, 128),
    "diffusion_widths": (32, 64, 128),
    "student_widths": (32, 64, 128),
    "student_blocks": (2, 2, 2),
    "features": 16,
}
PLAN: dict[str, Any] = {"max_steps": 1000, "batch": 16, "patch": 64, "ema": 0.99, "checkpoint_every": 500}
NOISES = ("gaussian", "poisson-200", "gamma-100", "correlated-0.5", "correlated-1.2")
RADIUS = {"correlated-0.5": 1, "correlated-1.2": 2}
"""Pixels that the blind spot hides on each side where noise is correlated; elsewhere 0."""

BY_RECORRUPTED = 0.9
"""Share of the stacks that recorrupted images teach; the teacher has the others."""

STACKS, TAUGHT_SIDE = 60, 128
"""How many stacks the teacher denoises, and the side of their slices."""

SIDE = 128
"""Everything is judged on the middle of each slice, no larger than this: BM4D takes two minutes a megavoxel."""


class FixedNoise:
    """Noisy slabs that are the references as they are.

    What was added to them, and its level, stand in place of the noise of a reference.
    """

    def __init__(self, halo: int) -> None:
        self.halo = halo

    def prepare(self, slabs: Slabs, _progress: float, _generator: torch.Generator) -> dict[str, torch.Tensor]:
        """The slabs as they are."""
        assert slabs.noise is not None
        noise = slabs.noise[:, 0, self.halo]
        sigma = slabs.noise[:, 1, self.halo].mean(dim=(1, 2))
        told = network_conditions(sigma, sigma, sigma, slabs.spacing_ratio)
        return {"slab": slabs.image, "noise": noise, "sigma": sigma, "conditions": told}


class Recorrupted(FixedNoise):
    """The noisy slabs made noisier still, and taught by less noisy copies of themselves.

    With m a second draw of the same noise, y + a m is shown and y - m / a asked for: their noises are uncorrelated, so
    that no more can be learned than what was there before either (Pang et al., Recorrupted-to-Recorrupted, CVPR 2021).
    """

    def __init__(self, halo: int, noise: str) -> None:
        super().__init__(halo)
        self.noise = noise

    def prepare(self, slabs: Slabs, progress: float, generator: torch.Generator) -> dict[str, torch.Tensor]:
        """The slabs with a share of 0.3 to 0.6 of the noise drawn anew on top; "added" is what is to go."""
        batch = super().prepare(slabs, progress, generator)
        shown = batch["slab"].clamp(0, 1)
        drawn = PRESETS[self.noise](shown, generator) - shown
        share = (0.3 + 0.3 * torch.rand(len(shown), generator=generator))[:, None, None, None]
        sigma = batch["sigma"] * (1 + share.flatten().square()).sqrt()
        return {
            **batch,
            "slab": batch["slab"] + share * drawn,
            "added": (share + 1 / share) * drawn,
            "sigma": sigma,
            "conditions": network_conditions(sigma, sigma, sigma, slabs.spacing_ratio),
        }


def noisy_image(image: TruthImage, noise: str, seed: int) -> tuple[NDArray[np.float32], float]:
    """A stack with one of the noises, and the standard deviation of what was added where there is signal."""
    generator = torch.Generator().manual_seed(seed)
    clean = torch.from_numpy(image.data).clamp(0, 1)[:, None]
    noisy = PRESETS[noise](clean, generator)[:, 0].numpy()
    mask = image.data > SIGNAL
    return noisy, float((noisy - clean[:, 0].numpy())[mask].std())


def references_with(images: list[TruthImage], noise: str) -> tuple[list[Reference], list[Reference]]:
    """Noisy stacks with what was added, and the same as the supervised network's lessons."""
    own, supervised = [], []
    for number, image in enumerate(images):
        noisy, sigma = noisy_image(image, noise, SEED + number)
        added = noisy - image.data.clip(0, 1)
        level, one = np.full_like(noisy, sigma), np.ones_like(noisy)
        data = noisy.astype(np.float32)
        own.append(Reference(image.name, data, image.spacing_ratio, np.stack([added, level])))
        supervised.append(Reference(image.name, data, image.spacing_ratio, np.stack([added, level, one])))
    return own, supervised


def trained(
    own: list[Reference], recipe: DiffDenoiseRecipe, folder: Path, plan: TrainingPlan, stacks: int
) -> tuple[DiffDenoiseEngine, float]:
    """All stages on stacks as they are, and the seconds that took, in as many goes as it may have been."""
    clock = folder / "seconds.json"
    before = json.loads(clock.read_text()) if clock.exists() else 0.0
    began = time.monotonic()
    networks = train_diff_denoise(
        own, recipe, plan, folder, stacks=stacks, side=TAUGHT_SIDE, images=lambda _, halo: FixedNoise(halo)
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


def supervised_engine(
    lessons: list[Reference], recipe: DiffDenoiseRecipe, plan: TrainingPlan, folder: Path
) -> DiffDenoiseEngine:
    """A network of the student's size that was shown the truth."""
    stage = StudentStage(recipe)
    network = train_stage(stage, lessons, plan, folder).averaged
    # Nothing is sampled: the other two networks are there because there have to be.
    networks = DiffDenoiseNetworks(network, DiffusionNetwork(recipe), network)
    return DiffDenoiseEngine(networks, recipe, rician_share=0.0)


def recorrupted(
    noise: str, radius: int, train: list[TruthImage], judged: list[TruthImage], folder: Path
) -> dict[str, float]:
    """PSNR of a student that recorrupted images teach beside its teacher; the other networks as they are."""
    own, _ = references_with(train, noise)
    recipe = recipe_for(radius, reference_share=BY_RECORRUPTED)
    plan = TrainingPlan(**PLAN)
    engine, _ = trained(own, recipe_for(radius), folder / "ours", plan, STACKS)
    engine = DiffDenoiseEngine(engine.networks, recipe, rician_share=0.0)
    # Those that the teacher denoised are there already.
    for stack in (folder / "ours" / "stacks").glob("*.npz"):
        (folder / "recorrupted").mkdir(exist_ok=True)
        (folder / "recorrupted" / stack.name).unlink(missing_ok=True)
        (folder / "recorrupted" / stack.name).hardlink_to(stack)
    stacks = taught_stacks(
        engine,
        own,
        STACKS,
        folder / "recorrupted",
        seed=plan.seed,
        side=TAUGHT_SIDE,
        images=lambda _, halo: FixedNoise(halo),
        noisier=lambda _, halo: Recorrupted(halo, noise),
    )
    student = train_stage(StudentStage(recipe), stacks, plan, folder / "recorrupted-student").averaged
    networks = replace(engine.networks, student=student)
    engine = DiffDenoiseEngine(networks, recipe, rician_share=0.0)
    return scored(judged, noise, lambda *at: denoised(engine, *at, DiffDenoiseSettings()).image[0, 0].numpy())


def recipe_for(radius: int, **more: Any) -> DiffDenoiseRecipe:
    """The small networks with a blind spot."""
    return DiffDenoiseRecipe.model_validate({**SMALL, "radius": radius, "dilation": 2 * (radius + 1), **more})


def measure(
    noise: str, radius: int, train: list[TruthImage], judged: list[TruthImage], *, quick: bool, folder: Path
) -> dict[str, Any]:
    """Train and score everything for one noise and one radius."""
    recipe = recipe_for(radius)
    plan = TrainingPlan(**(PLAN | ({"max_steps": 4, "batch": 2} if quick else {})))
    own, lessons = references_with(train, noise)
    engine, seconds = trained(own, recipe, folder / "ours", plan, 2 if quick else STACKS)
    ways: dict[str, Callable[..., NDArray[Any]]] = {
        "blind-spot network": lambda *at: blind_spot_alone(engine, *at),
        **{
            name: lambda *at, s=settings: denoised(engine, *at, s).image[0, 0].numpy()
            for name, settings in (
                ("DiffDenoise", DiffDenoiseSettings()),
                ("DiffDenoise, sampled", SAMPLED),
                ("DiffDenoise, sampled from pure noise", SAMPLED.touched(start="noise")),
            )
        },
    }
    if radius == RADIUS.get(noise, 0):
        shown = supervised_engine(lessons, recipe, plan, folder / "supervised")
        ways["supervised"] = lambda *at: denoised(shown, *at, DiffDenoiseSettings()).image[0, 0].numpy()
        ways |= peers(noise, 0.0 if quick else seconds, [reference.data for reference in own])
    return {
        "noise": noise,
        "radius": radius,
        "seconds": round(seconds),
        "psnr": {name: scored(judged, noise, run) for name, run in ways.items()},
    }


def table(results: list[dict[str, Any]]) -> list[str]:
    """A row for each image and a mean for each noise."""
    ways = list(dict.fromkeys(["noisy", *(way for one in results for way in one["psnr"])]))
    lines = ["| noise | blind spot | image | " + " | ".join(ways) + " |", "|---" * (3 + len(ways)) + "|"]
    for one in results:
        found = one["psnr"]
        head = f"| {one['noise']} | radius {one['radius']} "
        for image in next(iter(found.values())):
            cells = [f"{found[way][image]:.2f}" if way in found else "–" for way in ways]
            lines.append(f"{head}| {image} | " + " | ".join(cells) + " |")
        means = [f"**{np.mean(list(found[way].values())):.2f}**" if way in found else "–" for way in ways]
        lines.append(f"{head}| **mean** | " + " | ".join(means) + " |")
    return lines


def write_table() -> None:
    """Write all results there are."""
    results = []
    for path in sorted((RESULTS / "noise").glob("*.json")):
        results.append(json.loads(path.read_text()))
        extra = RESULTS / "recorrupted" / path.name
        if extra.exists():
            results[-1]["psnr"]["DiffDenoise, recorrupted"] = json.loads(extra.read_text())
    seconds = [one["seconds"] for one in results]
    minutes = f"{min(seconds) / 60:.0f} to {max(seconds) / 60:.0f} minutes"
    said = (
        "Made by `python benchmarks/diffdenoise_noise.py` and `... --noise gaussian --radii 1`. PSNR in dB against"
        f" the truth, range 1, where it is brighter than {SIGNAL}; the middle {SIDE} x {SIDE} pixels of the middle"
        " slice. Every method learns from the same noisy images but the supervised network, which is"
        f" shown the truth. Small networks, {PLAN['max_steps']} steps of diffusion; all stages took {minutes} of one"
        " core, Noise2Void as long. The recorrupted student is told the law of the noise and has 1 000 steps where the"
        " other student has 600, two to three minutes more; non-local means is not tuned."
    )
    lines = ["# DiffDenoise and the noises of its experiments", "", said, "", *table(results), ""]
    TABLE.write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_data_option(parser)
    parser.add_argument("--noise", nargs="+", choices=tuple(PRESETS), default=NOISES)
    parser.add_argument("--radii", nargs="+", type=int, help="blind spots to try; default: the noise's own")
    parser.add_argument("--quick", action="store_true", help="a few steps; nothing is kept")
    options = parser.parse_args()
    train = [*phantom_images("MR")]
    judged = train[:1]
    if not options.quick:
        train = [cleaned_scan(v) for v in indexed_volumes(options.data, "train/mr") if v.name in REFERENCES]
        judged = [*phantom_images("MR"), *[cleaned_scan(v) for v in indexed_volumes(options.data, "val/mr")]]
        judged = [middle_of(image) for image in judged]
    for noise in options.noise:
        for radius in options.radii or (RADIUS.get(noise, 0),):
            with tempfile.TemporaryDirectory() as scratch:
                name = f"{noise}-radius-{radius}"
                if options.quick:
                    folder = Path(scratch)
                    print(measure(noise, radius, train, judged, quick=True, folder=folder), flush=True)
                    continue
                work = RESULTS / "noise" / f"work-{name}"
                result = once(
                    RESULTS / "noise" / f"{name}.json",
                    lambda noise=noise, radius=radius, work=work: measure(
                        noise, radius, train, judged, quick=False, folder=work
                    ),
                )
            if radius == RADIUS.get(noise, 0):
                extra = once(
                    RESULTS / "recorrupted" / f"{name}.json",
                    lambda noise=noise, radius=radius, work=work: recorrupted(
                        noise, radius, train, judged, work
                    ),
                )
                result["psnr"]["DiffDenoise, recorrupted"] = extra
            means = {n: round(float(np.mean(list(v.values()))), 2) for n, v in result["psnr"].items()}
            print(noise, radius, means, flush=True)
            write_table()


if __name__ == "__main__":
    main()
