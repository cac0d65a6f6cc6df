"""The denoisers that QuietVoxel is measured against, each told the true noise and run with tuned settings.

A peer is a function of what it may know (`Told`) and of its settings, and returns an image. Settings are in
units of the noise, so that they carry over from the volumes they were tuned on (`tune_peers.py`).
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import SimpleITK
from rician_vst import stabilise, unbiased_inverse
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle

from quietvoxel.quality import noise_power_spectrum

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from standard_points import StandardPoint

SETTINGS_FILE = Path(__file__).with_name("peer_settings.json")
Settings = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """All that a peer learns of a point: never the reference.

    Attributes
    ----------
    noisy : (z, y, x) float32.
    sigma : the true standard deviation of the noise, in soft tissue for CT.
    modality : "CT" or "MR".
    spacing_zyx : mm.
    spectrum : (y, x) in-plane power spectrum of the noise, E|FFT2|², zero frequency first; None for white
        noise.
    """

    noisy: NDArray[np.float32]
    sigma: float
    modality: str
    spacing_zyx: tuple[float, float, float]
    spectrum: NDArray[np.float64] | None


def told(point: StandardPoint, region: int = 32) -> Told:
    """Take from a point what a peer may know; the spectrum of CT noise is measured on the noise itself."""
    spectrum = None
    if point.modality == "CT":
        noise, shape = point.noisy - point.reference, point.noisy.shape[-2:]
        small = noise_power_spectrum(noise, (1.0, 1.0), size=region, mask=point.mask, detrend=False).power
        spectrum = _resampled(small, shape)
        # E|FFT2|² of n pixels sums to n² times the variance.
        spectrum *= point.sigma_added**2 * spectrum.size**2 / spectrum.sum()
    return Told(point.noisy, point.sigma_added, point.modality, point.spacing_zyx, spectrum)


def _resampled(spectrum: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Interpolate a spectrum, zero frequency first, to another number of frequencies, periodically."""
    out = spectrum
    for axis, n in enumerate(shape):
        old = np.arange(spectrum.shape[axis] + 1) / spectrum.shape[axis]
        closed = np.concatenate([out, np.take(out, [0], axis=axis)], axis=axis)
        at = np.arange(n) / n
        out = np.apply_along_axis(lambda line, at=at, old=old: np.interp(at, old, line), axis, closed)
    return out


def _maybe_stabilised(
    told: Told, settings: Settings, denoise: Callable[[NDArray[Any], float], NDArray[Any]]
) -> NDArray[np.float32]:
    """Run a denoiser of Gaussian noise on the image or, if the settings say so, on the stabilised image."""
    if settings.get("stabilise", False):
        return unbiased_inverse(denoise(stabilise(told.noisy, told.sigma), 1.0), told.sigma)
    return np.asarray(denoise(told.noisy, told.sigma), dtype=np.float32)


def _in_planes_or_volume(image: NDArray[Any], dims: int, run: Callable[..., NDArray[Any]]) -> NDArray[Any]:
    return run(image) if dims == 3 else np.stack([run(plane) for plane in image])


def noisy_input(told: Told, settings: Settings) -> NDArray[np.float32]:
    """Do nothing: the row that every other one has to beat."""
    del settings
    return told.noisy


def non_local_means(told: Told, settings: Settings) -> NDArray[np.float32]:
    """scikit-image's fast non-local means; `h` and `sigma` in units of the noise."""

    def denoise(image: NDArray[Any], sigma: float) -> NDArray[Any]:
        def run(part: NDArray[Any]) -> NDArray[Any]:
            return denoise_nl_means(
                np.ascontiguousarray(part, dtype=np.float32),
                patch_size=settings["patch_size"],
                patch_distance=settings["patch_distance"],
                h=settings["h"] * sigma,
                sigma=settings["sigma"] * sigma,
                fast_mode=True,
                preserve_range=True,
            )

        return _in_planes_or_volume(image, settings["dims"], run)

    return _maybe_stabilised(told, settings, denoise)


def anisotropic_diffusion(told: Told, settings: Settings) -> NDArray[np.float32]:
    """SimpleITK's curvature anisotropic diffusion; the time step is the largest stable one."""
    dims = settings["dims"]

    def denoise(image: NDArray[Any], sigma: float) -> NDArray[Any]:
        del sigma  # the filter scales its conductance by the mean gradient of the image

        def run(part: NDArray[Any]) -> NDArray[Any]:
            source = SimpleITK.GetImageFromArray(np.ascontiguousarray(part, dtype=np.float32))
            if dims == 3:
                z, y, x = told.spacing_zyx
                source.SetSpacing((1.0, y / x, z / x))
            smallest = min(source.GetSpacing())
            result = SimpleITK.CurvatureAnisotropicDiffusion(
                source,
                timeStep=0.99 * smallest / 2 ** (dims + 1),
                conductanceParameter=settings["conductance"],
                numberOfIterations=settings["iterations"],
            )
            return SimpleITK.GetArrayFromImage(result)

        return _in_planes_or_volume(image, dims, run)

    return _maybe_stabilised(told, settings, denoise)


def total_variation(told: Told, settings: Settings) -> NDArray[np.float32]:
    """scikit-image's total variation (Chambolle); `weight` in units of the noise."""

    def denoise(image: NDArray[Any], sigma: float) -> NDArray[Any]:
        def run(part: NDArray[Any]) -> NDArray[Any]:
            return denoise_tv_chambolle(
                part.astype(np.float32), weight=settings["weight"] * sigma, eps=1e-4, max_num_iter=150
            )

        return _in_planes_or_volume(image, settings["dims"], run)

    return _maybe_stabilised(told, settings, denoise)


def bm4d_filter(told: Told, settings: Settings) -> NDArray[np.float32]:
    """BM4D (Mäkinen et al., 2022) told the spectrum of the noise, or its strength after stabilisation."""
    from bm4d import bm4d  # licensed for research only: never a dependency of the package

    strength = settings["strength"]

    def denoise(image: NDArray[Any], sigma: float) -> NDArray[Any]:
        noise: Any = strength * sigma
        if told.spectrum is not None:
            # Independent from slice to slice: every axial frequency has the in-plane spectrum, times n_z.
            noise = strength**2 * len(image) * np.broadcast_to(told.spectrum, image.shape)
        # The package asks for a name that NumPy has given up.
        with warnings.catch_warnings(), patch.object(np, "trapz", np.trapezoid, create=True):
            warnings.simplefilter("ignore")
            return np.asarray(bm4d(np.asarray(image, dtype=np.float64), np.ascontiguousarray(noise)))

    return _maybe_stabilised(told, settings, denoise)


PEERS: dict[str, Callable[[Told, Settings], NDArray[np.float32]]] = {
    "noisy": noisy_input,
    "total variation": total_variation,
    "anisotropic diffusion": anisotropic_diffusion,
    "non-local means": non_local_means,
    "BM4D": bm4d_filter,
}


def tuned_settings(modality: str, peer: str, sigma: float) -> Settings:
    """Settings of a peer, tuned at the level that is nearest to `sigma` (by ratio)."""
    if peer == "noisy":
        return {}
    if peer == "BM4D":
        return {"strength": 1.0, "stabilise": modality == "MR"}
    levels = json.loads(SETTINGS_FILE.read_text())["settings"][modality][peer]
    nearest = min(levels, key=lambda level: abs(np.log(float(level) / sigma)))
    return dict(levels[nearest]["settings"])
