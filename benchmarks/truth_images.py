"""Noise-free images to put known noise on: phantoms, and real scans cleaned so hard that no noise is left.

The cleaned scans keep a patient's anatomy, which no phantom has. Cleaning takes fine texture off along with
the noise, and favours non-local means a little when it is judged against them: read the two kinds side by
side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from skimage.restoration import denoise_nl_means
from volumes import RUNS, IndexedVolume, indexed_volumes, middle_slices, read

from quietvoxel.phantoms import MRContrast, ct_phantom, mr_phantom

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

#: Slices on either side that the cleaning may look at and that are cut off again.
MARGIN = 3

#: Filter strength in units of the scan's own noise: at 0.85 what is taken off has about the scan's own
#: standard deviation and a third of it is left in flat regions; stronger filters turn brains and prostates
#: into cartoons.
STRENGTH = 0.85


_Shape = tuple[int, int, int]
_Spacing = tuple[float, float, float]

#: name, voxels (z, y, x), spacing in mm (z, y, x), seed, contrast
PHANTOMS_MR: tuple[tuple[str, _Shape, _Spacing, int, MRContrast], ...] = (
    ("phantom-T1-thin", (16, 256, 256), (1.0, 0.94, 0.94), 90001, "T1"),
    ("phantom-T2-thick", (16, 320, 320), (4.0, 0.75, 0.75), 90002, "T2"),
    ("phantom-FLAIR-thick", (16, 256, 256), (3.0, 0.9, 0.9), 90003, "FLAIR"),
)

#: name, voxels (z, y, x), spacing in mm (z, y, x), seed, height of the middle above the diaphragm in mm
PHANTOMS_CT: tuple[tuple[str, _Shape, _Spacing, int, float], ...] = (
    ("phantom-abdomen-3mm", (16, 512, 512), (3.0, 0.75, 0.75), 90001, -70.0),
    ("phantom-chest-1mm", (16, 512, 512), (1.0, 0.7, 0.7), 90002, 50.0),
    ("phantom-abdomen-5mm", (16, 512, 512), (5.0, 0.9, 0.9), 90003, -120.0),
)


@dataclass(frozen=True)
class TruthImage:
    """A noise-free image (z, y, x) in HU or normalised magnitude, with its spacing in mm."""

    name: str
    data: NDArray[np.float32]
    spacing_zyx: tuple[float, float, float]

    @property
    def spacing_ratio(self) -> float:
        """Slice spacing over pixel spacing."""
        z, y, x = self.spacing_zyx
        return z / (0.5 * (y + x))


def heavily_cleaned(
    image: NDArray[np.float32], sigma: float, strength: float = STRENGTH
) -> NDArray[np.float32]:
    """3-D non-local means (Buades et al., Multiscale Model. Simul. 4 (2005) 490); `sigma`: its noise."""
    cleaned = denoise_nl_means(
        np.asarray(image, dtype=np.float32),
        patch_size=3,
        patch_distance=5,
        h=strength * sigma,
        sigma=sigma,
        fast_mode=True,
        preserve_range=True,
    )
    return np.asarray(cleaned, dtype=np.float32)


def cleaned_scan(volume: IndexedVolume, cache: Path = RUNS / "truth") -> TruthImage:
    """Clean the middle 16 slices of a scan; kept on disk, because it takes up to a minute."""
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
    """Draw the package's own phantoms: other patients than training sees, thin and thick slices."""
    for name, shape, spacing, seed, contrast in PHANTOMS_MR if modality == "MR" else ():
        volume = mr_phantom(shape, spacing, seed=seed, contrast=contrast)
        data = volume.as_float32()
        yield TruthImage(name, data / np.float32(np.percentile(data, 99.5)), spacing)
    for name, shape, spacing, seed, height in PHANTOMS_CT if modality == "CT" else ():
        volume = ct_phantom(shape, spacing, seed=seed, centre_z_mm=height)
        yield TruthImage(name, volume.as_float32(), spacing)


def truth_images(data: Path, modality: str, names: Collection[str] | None = None) -> Iterator[TruthImage]:
    """Phantoms first, then the cleaned validation scans, or only those of the given names."""
    for image in phantom_images(modality):
        if names is None or image.name in names:
            yield image
    for volume in indexed_volumes(data, f"val/{modality.lower()}"):
        if names is None or f"cleaned-{volume.name}" in names:
            yield cleaned_scan(volume)
