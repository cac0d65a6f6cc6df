"""From files to `Reference`s: read, normalise, and for CT make the bank of unit noise images."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from quietvoxel.degradation.ct_noise import NoiseUnit
from quietvoxel.degradation.noise_bank import NoiseBank
from quietvoxel.errors import BadInputError
from quietvoxel.intensity import HU_PER_UNIT, intensity_for
from quietvoxel.io import read
from quietvoxel.padding import padding_mask
from quietvoxel.training.references import Reference, through_plane_views
from quietvoxel.volume import Modality, Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

NOISE_VERSION = "kernels 0.2-0.7"
"""Part of the cache key: change it when the unit noise images change."""

IMAGE_ENDINGS = (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd")


def find_volumes(folder: Path) -> list[Path]:
    """The image files in a folder, in order of name."""
    if not folder.is_dir():
        msg = f"{folder} is not a folder; give the folder that holds the reference volumes."
        raise BadInputError(msg)
    found = sorted(p for p in folder.iterdir() if p.name.endswith(IMAGE_ENDINGS))
    if not found:
        msg = f"{folder} holds no NIfTI, NRRD or MetaImage volume; give the folder of the reference volumes."
        raise BadInputError(msg)
    return found


def reference_from(volume: Volume, name: str) -> Reference:
    """Normalise a volume for training; padding becomes air (CT) or stays zero (MR)."""
    padding = padding_mask(volume)
    values = volume.as_float32()
    intensity = intensity_for(volume.data, volume.modality, padding)
    data = intensity.normalise(values).astype(np.float16)
    z, y, x = volume.geometry.spacing_zyx
    ratio = z / (0.5 * (y + x))
    # A large stack is drawn more often than a small one, but not in proportion: variety counts more than bulk.
    weight = float(np.sqrt(data.shape[0] * data.shape[1] * data.shape[2]) / 1000.0)
    return Reference(name, data, ratio, None, weight)


def load_references(
    volumes: Iterable[tuple[str, Volume]],
    modality: Modality,
    *,
    cache: Path | None = None,
    seed: int = 0,
    tell: Callable[[str], None] = lambda text: None,
) -> list[Reference]:
    """Make the references of one modality; volumes of another are named and left out."""
    references: list[Reference] = []
    for name, volume in volumes:
        if volume.modality != modality:
            tell(f"{name} is {volume.modality}, not {modality}, and is left out.")
            continue
        reference = reference_from(volume, name)
        if modality == Modality.CT:
            _, y, x = volume.geometry.spacing_zyx
            reference = replace(
                reference, noise=unit_noise(reference.data.astype(np.float16), (y, x), cache=cache, seed=seed)
            )
        references += through_plane_views(reference)
        tell(f"{name}: {volume.shape[0]} slices, slice spacing {reference.spacing_ratio:.1f} pixels")
    if not references:
        msg = f"None of the volumes is {modality}; give references of the modality that is trained."
        raise BadInputError(msg)
    return references


def read_references(
    folder: Path,
    modality: Modality,
    *,
    cache: Path | None = None,
    skip: tuple[str, ...] = (),
    tell: Callable[[str], None] = lambda text: None,
) -> list[Reference]:
    """Read every volume of a folder as `modality`; names starting with one of `skip` are left out."""
    paths = [p for p in find_volumes(folder) if not p.name.startswith(skip or ("\0",))]
    volumes = ((p.name.split(".")[0], read(p, modality=str(modality))) for p in paths)
    return load_references(volumes, modality, cache=cache, tell=tell)


def unit_noise(
    data: NDArray[np.float16], spacing_yx: tuple[float, float], *, cache: Path | None = None, seed: int = 0
) -> NDArray[np.float16]:
    """Two independent unit noise images a slice (2, z, y, x), soft-tissue SD 1.

    Parameters
    ----------
    data : (z, y, x) normalised CT slices.
    spacing_yx : of the pixels, mm.
    cache : folder where they are kept and looked for.
    seed : start of the random numbers.
    """
    made_of = np.ascontiguousarray(data).tobytes() + f"{seed} {NOISE_VERSION}".encode()
    key = hashlib.sha256(made_of).hexdigest()[:16]
    stored = cache / f"noise-{key}.npy" if cache else None
    if stored is not None and stored.exists():
        loaded: NDArray[np.float16] = np.load(stored)
        return loaded
    generator = torch.Generator().manual_seed(seed + int(key[:8], 16))
    slices = [torch.from_numpy(s.astype(np.float32) * np.float32(HU_PER_UNIT)) for s in data]
    spacings: list[float | tuple[float, float]] = [spacing_yx] * len(slices)
    bank = NoiseBank.build(slices, spacings, generator=generator, realisations=2, sd_hu=1.0)
    out = np.zeros((2, *data.shape), dtype=np.float16)
    for z, images in enumerate(bank.images):
        # Each slice shows the mixture of quantum and electronic noise of another dose.
        unit = NoiseUnit(images[:1].float(), images[1:].float())
        dose = 0.03 + 0.47 * torch.rand((), generator=generator)
        noise = unit.at(dose) / torch.sqrt(1.0 / dose - 1.0)
        out[:, z] = noise[0].numpy().astype(np.float16)
    if stored is not None and cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
        np.save(stored, out)
    return out
