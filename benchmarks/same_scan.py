"""One object, one acquisition, three reconstructions: what denoising does to real noise, edges and means of a CT.

Writes docs/tables/same_scan.md. No figure compares two reconstructions pixel by pixel: their kernels differ.

* Noise: standard deviation in squares of 16 pixels of uniform material, freed of their trend, and the mean frequency of
  its power spectrum, which falls when a denoiser leaves blotches.
* Edges: gradient of the denoised image along the gradient of the input, over that of the input itself, where the
  smoothed input has its steepest percent. Noise adds to neither in the mean, so 1.00 is an edge left as it was.
* Bias: change of the mean in the uniform material.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage
from volumes import add_data_option, indexed_volumes

from quietvoxel.degradation.patch_sd import detrended_patches
from quietvoxel.inference import denoise
from quietvoxel.io import read
from quietvoxel.quality import noise_power_spectrum

if TYPE_CHECKING:
    from numpy.typing import NDArray

TABLE = Path(__file__).parent.parent / "docs" / "tables" / "same_scan.md"
SMOOTH_MM = 1.5
REGION = 16


def uniform_material(image: NDArray[np.float32], spacing_yx: tuple[float, float]) -> NDArray[np.bool_]:
    """The commonest solid material of the phantom, eroded by 3 mm: within 25 HU of its peak once smoothed."""
    pixels = SMOOTH_MM / spacing_yx[0]
    smooth = ndimage.gaussian_filter(image, (0, pixels, pixels))
    counts, edges = np.histogram(smooth[smooth > -300], bins=np.arange(-300, 300, 5.0))
    peak = edges[int(np.argmax(counts))] + 2.5
    near = np.abs(smooth - peak) < 25
    disc = ndimage.generate_binary_structure(2, 1)[None]
    return ndimage.binary_erosion(near, disc, iterations=round(3.0 / spacing_yx[0]))


def mean_frequency(
    image: NDArray[np.float32], mask: NDArray[np.bool_], spacing_yx: tuple[float, float]
) -> float:
    """Power-weighted mean spatial frequency of the noise, cycles per mm."""
    spectrum = noise_power_spectrum(image, spacing_yx, size=REGION, mask=mask)
    radius = np.hypot(spectrum.frequency_y[:, None], spectrum.frequency_x[None, :])
    return float((spectrum.power * radius).sum() / spectrum.power.sum())


def edge_ratio(before: NDArray[np.float32], after: NDArray[np.float32], pixels: float) -> float:
    """Gradient kept at the steepest edges."""
    smooth = np.stack(np.gradient(ndimage.gaussian_filter(before, (0, pixels, pixels)), axis=(1, 2)))
    steep = np.hypot(*smooth)
    where = steep > np.quantile(steep, 0.99)
    direction = smooth[:, where] / steep[where]
    slopes = [
        float((np.stack(np.gradient(image, axis=(1, 2)))[:, where] * direction).sum(0).mean())
        for image in (before, after)
    ]
    return slopes[1] / slopes[0]


def line(entry: Any) -> str:
    """Measure one reconstruction."""
    volume = read(entry.path, modality="CT")
    spacing = volume.geometry.spacing_zyx[1:]
    result = denoise(volume)
    before, after = volume.as_float32(), result.volume.as_float32()
    mask = uniform_material(before, spacing)
    pixels = SMOOTH_MM / spacing[0]

    def sd(image: NDArray[np.float32]) -> float:
        patches = detrended_patches(image, mask, REGION, stride=4).sd
        return float(np.sqrt(np.square(patches).mean()))

    cells = [
        f"{result.sigma:.1f}",
        f"{sd(before):.2f} → {sd(after):.2f}",
        f"{mean_frequency(before, mask, spacing):.2f} → {mean_frequency(after, mask, spacing):.2f}",
        f"{edge_ratio(before, after, pixels):.3f}",
        f"{float((after - before)[mask].mean()):+.2f}",
    ]
    return f"| {entry.name} | {' | '.join(cells)} |"


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    add_data_option(parser)
    options = parser.parse_args()
    lines = [
        (
            "Made by `python benchmarks/same_scan.py`: a head phantom scanned once and reconstructed three times,"
            " RelativeFlow with its default settings and the noise that it estimates."
        ),
        "",
        (
            "| reconstruction | noise estimated, HU | SD in uniform material, HU | mean noise frequency, cycles/mm"
            " | edge gradient kept | change of the mean, HU |"
        ),
        "|---|---|---|---|---|---|",
        *[line(entry) for entry in indexed_volumes(options.data, "val/ct_same_scan")],
    ]
    TABLE.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
