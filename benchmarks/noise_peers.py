"""What DiffDenoise is compared with where noise is of a known kind: non-local means, BM4D and CAREamics' Noise2Void."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import types
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from peers import Told, bm4d_filter
from skimage.restoration import denoise_nl_means

from quietvoxel.degradation.noise_models import PRESETS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

GRID = 8
"""Noise2Void is shown images whose sides are multiples of this; its network asks for 4."""

DRAWS = 64
"""Of the noise, from which BM4D is told its spectrum."""

BM4D_REACH = 4
"""Slices on each side that BM4D is shown: enough for the four that each of its blocks spans."""


def three_dimensional(
    noise: str, noisy: NDArray[Any], z: int, sigma: float, _ratio: float
) -> NDArray[np.float32]:
    """BM4D of a slice and its neighbours, told the noise's level, or its spectrum where it is correlated."""
    first = max(0, z - BM4D_REACH)
    near = noisy[first : z + BM4D_REACH + 1]
    spectrum = None
    if noise.startswith("correlated"):
        flat = torch.full((DRAWS, 1, *near.shape[1:]), 0.5)
        drawn = PRESETS[noise](flat, torch.Generator().manual_seed(0))[:, 0].numpy() - 0.5
        spectrum = np.square(np.abs(np.fft.fft2(drawn))).mean(axis=0)
    told = Told(near, sigma, "OTHER", (1.0, 1.0, 1.0), spectrum)
    return bm4d_filter(told, {"strength": 1.0})[z - first]


def peers(
    noise: str, seconds: float, stacks: list[NDArray[np.float32]]
) -> dict[str, Callable[..., NDArray[Any]]]:
    """The other denoisers as functions of (noisy stack, slice, sigma, ratio)."""

    def non_local_means(noisy: NDArray[Any], z: int, sigma: float, _ratio: float) -> NDArray[Any]:
        return denoise_nl_means(noisy[z], patch_size=5, patch_distance=6, h=0.7 * sigma, sigma=sigma)

    found: dict[str, Callable[..., NDArray[Any]]] = {
        "noisy": lambda noisy, z, *_: noisy[z],
        "non-local means": non_local_means,
    }
    if importlib.util.find_spec("bm4d"):
        found["BM4D"] = lambda *at: three_dimensional(noise, *at)
    if importlib.util.find_spec("careamics") and seconds > 0:
        found["Noise2Void (CAREamics)"] = noise2void(seconds, stacks)
    return found


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
    careamist = careamics.CAREamist(
        configuration,
        work_dir=tempfile.mkdtemp(),
        callbacks=[timer(duration={"seconds": seconds})],
        enable_progress_bar=False,
    )
    careamist.train(train_data=slices)

    def denoise(noisy: NDArray[Any], z: int, *_: Any) -> NDArray[Any]:
        image = noisy[z]
        height, width = image.shape
        even = np.pad(image, ((0, -height % GRID), (0, -width % GRID)), mode="reflect")
        images, _names = careamist.predict(even[None], axes="SYX")
        return np.asarray(images[0]).reshape(even.shape)[:height, :width]

    return denoise
