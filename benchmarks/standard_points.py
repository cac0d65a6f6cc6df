"""The standard validation points: which image, which noise, which mask, and what counts.

Every figure of this project is taken at these points, so that figures can be compared. `points()` yields them
one by one; a point is rebuilt bit for bit from its seed, so nothing is stored.

    python benchmarks/standard_points.py --modality MR      # list them with the scores of the noisy image
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scoring import clean_image_psnr, score
from truth_images import truth_images
from volumes import DEFAULT_DATA, IndexedVolume, add_data_option, indexed_volumes, middle_slices, read

from quietvoxel.quality import body_mask, foreground_mask

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SEED = 20261120
MR_LEVELS = (0.03, 0.06, 0.10)
CT_LEVELS = (10.0, 20.0, 40.0)
SLICES = 16
MR_PERCENTILE = 99.5

#: A scan point counts for ranking only where the added noise outweighs the scan's own by this factor.
COUNTS_FROM = 1.5

Kind = Literal["scan", "truth", "repeat"]
KINDS: tuple[Kind, ...] = ("scan", "truth", "repeat")


@dataclass(frozen=True)
class StandardPoint:
    """One noisy image and what it is scored against.

    Attributes
    ----------
    name : of the volume.
    modality : "CT" (HU) or "MR" (magnitude over the 99.5th percentile of the reference volume).
    kind : "scan" (the reference is a scan, noisy itself), "truth" (noise-free) or "repeat" (real noise, the
        reference is the mean of the other repeats).
    level : the noise level: σ of the Rician noise (MR) or inserted SD in HU (CT); 0 for repeats.
    noisy, reference : (z, y, x) float32.
    mask : (z, y, x), where scores are taken.
    sigma_added : the noise that the noisy image has and the reference has not.
    sigma_ref : the reference's own noise, same unit; 0 where the truth is known.
    spacing_zyx : mm.
    counts : whether the point counts for ranking.
    """

    name: str
    modality: str
    kind: Kind
    level: float
    noisy: NDArray[np.float32]
    reference: NDArray[np.float32]
    mask: NDArray[np.bool_]
    sigma_added: float
    sigma_ref: float
    spacing_zyx: tuple[float, float, float]
    counts: bool

    @property
    def key(self) -> str:
        """A name for files: modality, kind, volume, level."""
        return f"{self.modality}-{self.kind}-{self.name}-{self.level:g}"


def add_rician(reference: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Rician noise, drawn anew from the seed, slice by slice, the real part before the imaginary one."""
    rng = np.random.default_rng(SEED)
    noisy = np.empty(reference.shape, dtype=np.float32)
    for clean, out in zip(reference, noisy, strict=True):
        real = clean + rng.normal(0.0, sigma, clean.shape)
        imaginary = rng.normal(0.0, sigma, clean.shape)
        out[...] = np.hypot(real, imaginary)
    return noisy


def mr_point(
    name: str,
    kind: Kind,
    level: float,
    reference: NDArray[np.float32],
    own: float,
    spacing: tuple[float, ...],
) -> StandardPoint:
    """Rician noise of this level on a normalised magnitude that has noise of its own or none."""
    z, y, x = spacing
    return StandardPoint(
        name=name,
        modality="MR",
        kind=kind,
        level=level,
        noisy=add_rician(reference, level),
        reference=reference,
        mask=foreground_mask(reference),
        sigma_added=level,
        sigma_ref=own,
        spacing_zyx=(z, y, x),
        counts=level >= COUNTS_FROM * own,
    )


def ct_point(
    name: str,
    kind: Kind,
    level: float,
    reference: NDArray[np.float32],
    own: float,
    spacing: tuple[float, ...],
) -> StandardPoint:
    """Inserted FBP noise of this SD in soft tissue on an image in HU that has noise of its own or none."""
    from ct_insertion import inserted_noise  # needs the projector; MR points do without

    z, y, x = spacing
    mask = body_mask(reference)
    return StandardPoint(
        name=name,
        modality="CT",
        kind=kind,
        level=level,
        noisy=reference + inserted_noise(name, reference, mask, (y, x), level, SEED),
        reference=reference,
        mask=mask,
        sigma_added=level,
        sigma_ref=own,
        spacing_zyx=(z, y, x),
        counts=level >= COUNTS_FROM * own,
    )


def repeat_points(volume: IndexedVolume) -> Iterator[StandardPoint]:
    """Each frame of a dynamic series against the mean of the other frames."""
    frames, spacing = read(volume.path)
    frames = frames / np.percentile(frames.mean(axis=0), MR_PERCENTILE)
    frames = frames[:, middle_slices(frames.shape[1], SLICES)]
    count = len(frames)
    mask = foreground_mask(frames.mean(axis=0))
    # The median of a variance with six degrees of freedom is 0.8914 of its mean; a mean would count motion.
    sigma = float(np.sqrt(np.median(frames.var(axis=0, ddof=1)[mask]) / 0.8914))
    for index, frame in enumerate(frames):
        reference = np.delete(frames, index, axis=0).mean(axis=0)
        yield StandardPoint(
            name=f"{volume.name}-frame{index}",
            modality="MR",
            kind="repeat",
            level=0.0,
            noisy=frame,
            reference=reference,
            mask=foreground_mask(reference),
            sigma_added=sigma,
            sigma_ref=sigma / np.sqrt(count - 1),
            spacing_zyx=spacing,
            counts=True,
        )


def scan_reference(volume: IndexedVolume) -> tuple[NDArray[np.float32], float, tuple[float, float, float]]:
    """Read the middle slices of a scan in the unit of its points, its own noise in it, and the spacing."""
    data, spacing = read(volume.path)
    scale = float(np.percentile(data, MR_PERCENTILE)) if volume.modality == "MR" else 1.0
    return data[middle_slices(len(data), SLICES)] / np.float32(scale), volume.sd_in_tissue / scale, spacing


def points(
    data: Path = DEFAULT_DATA,
    *,
    modality: str | None = None,
    kinds: Collection[str] = KINDS,
    levels: Collection[float] | None = None,
    names: Collection[str] | None = None,
) -> Iterator[StandardPoint]:
    """Yield the standard validation points: scans first, then truth, then repeats.

    Parameters
    ----------
    data : folder with INDEX.tsv and val/.
    modality : "CT", "MR" or None for both.
    kinds, levels, names : only these kinds, noise levels and volumes, when given.
    """
    for each in ("MR", "CT") if modality is None else (modality,):
        make = mr_point if each == "MR" else ct_point
        wanted = [v for v in (MR_LEVELS if each == "MR" else CT_LEVELS) if levels is None or v in levels]
        if "scan" in kinds:
            for volume in indexed_volumes(data, f"val/{each.lower()}"):
                if names is None or volume.name in names:
                    reference, own, spacing = scan_reference(volume)
                    for level in wanted:
                        yield make(volume.name, "scan", level, reference, own, spacing)
        if "truth" in kinds:
            for image in truth_images(data, each, names):
                for level in wanted:
                    yield make(image.name, "truth", level, image.data, 0.0, image.spacing_zyx)
        if each == "MR" and "repeat" in kinds and levels is None:
            for volume in indexed_volumes(data, "val/mr_repeats"):
                if names is None or volume.name in names:
                    yield from repeat_points(volume)


def main() -> None:
    """List the points, with the scores of the noisy image and of a clean one."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    add_data_option(parser)
    parser.add_argument("--modality", choices=("CT", "MR"))
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    options = parser.parse_args()
    for point in points(options.data, modality=options.modality, kinds=options.kinds):
        scores = score(point, point.noisy)
        print(
            f"{point.key:58s} {'x'.join(map(str, point.noisy.shape)):12s} added {point.sigma_added:7.4g} "
            f"own {point.sigma_ref:7.4g} {'counts' if point.counts else '':6s} {scores['psnr']:6.2f} dB "
            f"noisy SSIM {scores['ssim']:.4f}  clean image {clean_image_psnr(point):6.2f} dB",
            flush=True,
        )


if __name__ == "__main__":
    main()
