"""What a denoiser must not do: change what has no noise, shift means, depend on precision or tiles.

Writes docs/tables/fidelity.md. Figures are in HU, or in units of the 99.5th percentile for MR.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from standard_points import add_rician
from volumes import add_data_option, indexed_volumes

from quietvoxel.inference import InferenceOptions, denoise
from quietvoxel.inference.simulate import simulate
from quietvoxel.io import read
from quietvoxel.phantoms import ct_phantom, mr_phantom
from quietvoxel.quality import body_mask, tissue_regions
from quietvoxel.volume import Modality, Volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

TABLE = Path(__file__).parent.parent / "docs" / "tables" / "fidelity.md"


def rms(difference: NDArray[Any], where: NDArray[np.bool_] | None = None) -> float:
    """Root mean square, inside a mask where one is given."""
    values = difference if where is None else difference[where]
    return float(np.sqrt(np.square(values, dtype=np.float64).mean()))


def middle(volume: Volume, count: int) -> list[int]:
    """Numbers of the middle slices."""
    first = max(0, volume.shape[0] // 2 - count // 2)
    return list(range(first, min(volume.shape[0], first + count)))


def nearly_noise_free() -> list[str]:
    """Input with a noise below 1 HU (MR: 0.003): how much is changed."""
    rows = []
    truth = ct_phantom((5, 512, 512), (3.0, 0.75, 0.75), seed=90001)
    for sigma in (0.3, 0.9):
        noisy = simulate(truth, sigma=sigma, seed=1).volume
        for told in (None, sigma):
            result = denoise(noisy, options=InferenceOptions(sigma=told))
            change = rms(result.volume.data - noisy.data, body_mask(truth.data))
            rows.append(
                row(
                    f"CT phantom, {sigma} HU noise",
                    "told" if told else "estimated",
                    result.sigma,
                    change,
                    "< 1 HU",
                )
            )
    head = mr_phantom((5, 256, 256), (3.0, 0.9, 0.9), seed=90001, contrast="T1")
    scale = np.float32(np.percentile(head.data, 99.5))
    for sigma in (0.001, 0.0025):
        noisy_data = add_rician(head.as_float32() / scale, sigma)
        volume = Volume(noisy_data, head.geometry, Modality.MR)
        for told in (None, sigma):
            result = denoise(volume, options=InferenceOptions(sigma=told))
            change = rms(result.volume.data - noisy_data, head.data > 0.08 * scale)
            rows.append(
                row(
                    f"MR phantom, {sigma} noise",
                    "told" if told else "estimated",
                    result.sigma,
                    change,
                    "< 0.002",
                )
            )
    return rows


def row(name: str, how: str, sigma: float, change: float, wanted: str) -> str:
    """One line of the first table."""
    return f"| {name} | {how} | {sigma:.4g} | {change:.4f} | {wanted} |"


def means_and_precision(data: Path) -> list[str]:
    """Real CT as it is: means of eroded regions before and after, bfloat16 against float32, tiles against none."""
    rows = []
    for entry in indexed_volumes(data, "val/ct"):
        volume = read(entry.path, modality="CT")
        chosen = middle(volume, 4)
        whole = denoise(volume, only=chosen)
        exact = denoise(volume, options=InferenceOptions(precision="float32"), only=chosen)
        tiled = denoise(volume, options=InferenceOptions(tile=192), only=chosen)
        before, after = (v.as_float32()[chosen[0] : chosen[-1] + 1] for v in (volume, whole.volume))
        body = body_mask(before)
        regions = tissue_regions(before, body, min_voxels=1000)
        shifts = [
            f"{float((after - before)[regions[name]].mean()):+.2f}" if name in regions else "–"
            for name in ("soft", "fat", "air")
        ]
        precise, joined = (
            rms(v.volume.as_float32()[chosen[0] : chosen[-1] + 1] - after, body) for v in (exact, tiled)
        )
        rows.append(
            f"| {entry.name} | {whole.sigma:.1f} | {' | '.join(shifts)} | {precise:.3f} | {joined:.3f} |"
        )
    return rows


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    add_data_option(parser)
    options = parser.parse_args()
    lines = [
        "Made by `python benchmarks/fidelity.py`.",
        "",
        "Input that has hardly any noise: RMS change inside the body.",
        "",
        "| input | noise level | sigma | RMS change | wanted |",
        "|---|---|---|---|---|",
        *nearly_noise_free(),
        "",
        "Real CT as it is, four middle slices, default settings. Mean change in eroded regions of 1 000 voxels or more",
        "(wanted: within 1 HU), and RMS difference inside the body (wanted: below 0.5 HU).",
        "",
        "| volume, all in HU | noise estimated | soft tissue | fat | air | bfloat16 − float32 | tiled − whole |",
        "|---|---|---|---|---|---|---|",
        *means_and_precision(options.data),
    ]
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
