"""What DiffDenoise is compared with where noise is of a known kind: non-local means, BM4D and CAREamics' Noise2Void."""

from __future__ import annotations

import importlib.util
import math
import sys
import tempfile
import types
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from peers import PEERS, Told
from scipy.special import polygamma, psi

from quietvoxel.degradation.noise_models import PRESETS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from peers import Settings

GRID = 8
"""Noise2Void is shown images whose sides are multiples of this; its network asks for 4."""

DRAWS = 64
"""Of the noise, from which BM4D is told its spectrum."""

REACH = 4
"""Slices on each side that a peer is shown in 3-D: enough for the four that each block of BM4D spans."""

DARKEST = 0.01
"""What is darker counts as this bright where a logarithm is taken."""

GRIDS: dict[str, dict[str, list[Any]]] = {
    "non-local means": {
        "h": [0.8, 0.5, 0.6, 0.7, 0.9, 1.0, 1.2],
        "sigma": [1.0, 0.5, 0.0],
        "patch_size": [5, 3],
        "patch_distance": [5, 3],
    },
    "BM4D": {"strength": [1.0]},
}
"""What is tuned; in 2-D and in 3-D for non-local means, and with the noise made alike everywhere where it is not."""


@dataclass(frozen=True)
class Stabiliser:
    """A change of the scale of values after which noise is equally strong everywhere, and its unbiased inverse."""

    forward: Callable[[NDArray[Any]], NDArray[Any]]
    inverse: Callable[[NDArray[Any]], NDArray[Any]]
    sigma: float


def stabiliser(noise: str) -> Stabiliser | None:
    """That of Poisson or Gamma noise; None for noise that needs none.

    Anscombe's transform with the closed inverse of Mäkitalo and Foi (IEEE TIP 20:2697, 2011) for Poisson noise, the
    logarithm, whose mean and variance under Gamma noise are known, for Gamma noise.
    """
    kind, _, parameter = noise.partition("-")
    if kind == "poisson":
        photons = float(parameter)

        def counts(image: NDArray[Any]) -> NDArray[Any]:
            d = np.maximum(image, 2 * math.sqrt(3 / 8))
            root = math.sqrt(3 / 2)
            mean = d**2 / 4 + root / (4 * d) - 11 / (8 * d**2) + 5 * root / (8 * d**3) - 1 / 8
            return np.maximum(mean, 0.0) / photons

        return Stabiliser(lambda image: 2 * np.sqrt(photons * np.maximum(image, 0) + 3 / 8), counts, 1.0)
    if kind == "gamma":
        shape = float(parameter)
        mean, sigma = psi(shape) - math.log(shape), math.sqrt(polygamma(1, shape))
        return Stabiliser(
            lambda image: np.log(np.maximum(image, DARKEST)), lambda image: np.exp(image - mean), sigma
        )
    return None


def at_slice(peer: str, noise: str, settings: Settings) -> Callable[..., NDArray[np.float32]]:
    """A peer as a function of (noisy stack, slice, sigma, ratio); it is told the noise's level, or its spectrum."""

    def denoise(noisy: NDArray[Any], z: int, sigma: float, _ratio: float) -> NDArray[np.float32]:
        first = z if settings.get("dims") == 2 else max(0, z - REACH)
        near = noisy[first : z + 1 if settings.get("dims") == 2 else z + REACH + 1]
        spectrum, stable = None, stabiliser(noise) if settings["stabilise"] else None
        if noise.startswith("correlated"):
            flat = torch.full((DRAWS, 1, *near.shape[1:]), 0.5)
            drawn = PRESETS[noise](flat, torch.Generator().manual_seed(0))[:, 0].numpy() - 0.5
            spectrum = np.square(np.abs(np.fft.fft2(drawn))).mean(axis=0)
        if stable is not None:
            near, sigma = stable.forward(near), stable.sigma
        # Not "MR": the peers' own way with Rician noise is not wanted here.
        told = Told(near.astype(np.float32), sigma, "OTHER", (1.0, 1.0, 1.0), spectrum)
        image = PEERS[peer](told, {**settings, "stabilise": False})[z - first]
        return np.asarray(image if stable is None else stable.inverse(image), dtype=np.float32)

    return denoise


def import_careamics() -> Any:
    """CAREamics wants torchvision for networks that Noise2Void has not; where there is none, empty modules serve."""
    import lightning.pytorch  # asks for torchvision too, and does without

    if "torchvision" not in sys.modules and importlib.util.find_spec("torchvision") is None:
        parts = ["torchvision", "torchvision.transforms", "torchvision.transforms.functional"]
        modules: list[Any] = [types.ModuleType(name) for name in parts]
        modules[0].__version__ = "none"
        modules[1].functional = modules[2]
        sys.modules |= dict(zip(parts, modules, strict=True))
    import careamics

    return careamics, lightning.pytorch.callbacks.Timer


def noise2void(seconds: float, stacks: list[NDArray[np.float32]]) -> Callable[..., NDArray[Any]]:
    """CAREamics' Noise2Void, trained on the same noisy slices until as many seconds are over."""
    careamics, timer = import_careamics()
    configuration = careamics.config.create_n2v_config(
        experiment_name="n2v",
        data_type="array",
        axes="SYX",
        patch_size=[64, 64],
        batch_size=16,
        num_epochs=1000,
    )
    side = min(min(stack.shape[1:]) for stack in stacks)
    slices = np.concatenate([stack[:, :side, :side] for stack in stacks])
    folder = Path(tempfile.mkdtemp())
    careamist = careamics.CAREamist(
        configuration,
        work_dir=folder,
        callbacks=[timer(duration={"seconds": seconds})],
        enable_progress_bar=False,
    )
    careamist.train(train_data=slices)
    # CAREamics keeps every tenth epoch only, and would predict with the last one that it kept.
    reached = folder / "reached.ckpt"
    careamist.trainer.save_checkpoint(reached)
    print(f"Noise2Void: {careamist.trainer.global_step} steps in {seconds:.0f} s", flush=True)

    def denoise(noisy: NDArray[Any], z: int, *_: Any) -> NDArray[Any]:
        image = noisy[z]
        height, width = image.shape
        even = np.pad(image, ((0, -height % GRID), (0, -width % GRID)), mode="reflect")
        images, _names = careamist.predict(even[None], axes="SYX", checkpoint=reached)
        return np.asarray(images[0]).reshape(even.shape)[:height, :width]

    return denoise
