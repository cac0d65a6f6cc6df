"""Scores of a denoised image at a standard validation point, each with the range that it refers to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.quality import mse, psnr, ssim, tissue_regions

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from standard_points import StandardPoint

CT_WINDOW = (-160.0, 240.0)
CT_WINDOW_RANGE = 400.0
CT_FULL_RANGE = 4096.0
MR_RANGE = 1.0

#: Uniform regions smaller than this say little about bias.
MIN_REGION_VOXELS = 1000


def score(point: StandardPoint, image: NDArray[Any]) -> dict[str, float]:
    """Score an image against the point's reference, over the point's mask.

    Returns
    -------
    dict
        MR: "psnr" (dB, range 1.0), "ssim" (range 1.0), "rmse" (of the 99.5th percentile), "bias" (mean
        error). CT: "psnr" (dB, range 400 HU, both clipped to -160...240 HU), "psnr_4096" (dB, range 4096 HU,
        unclipped), "ssim" (in the window), "rmse" (HU, unclipped), "bias_soft", "bias_fat", "bias_air" (HU,
        mean error in eroded regions of 1 000 voxels or more).
    """
    image = np.asarray(image)
    mask, reference = point.mask, point.reference
    squared = mse(image, reference, mask=mask)
    if point.modality == "MR":
        return {
            "psnr": psnr(image, reference, data_range=MR_RANGE, mask=mask),
            "ssim": ssim(image, reference, data_range=MR_RANGE, mask=mask),
            "rmse": math.sqrt(squared),
            "bias": float((image - reference)[mask].mean(dtype=np.float64)),
        }
    scores = {
        "psnr": psnr(image, reference, data_range=CT_WINDOW_RANGE, mask=mask, window=CT_WINDOW),
        "psnr_4096": psnr(image, reference, data_range=CT_FULL_RANGE, mask=mask),
        "ssim": ssim(image, reference, data_range=CT_WINDOW_RANGE, mask=mask, window=CT_WINDOW),
        "rmse": math.sqrt(squared),
    }
    regions = tissue_regions(reference, mask, min_voxels=MIN_REGION_VOXELS)
    for name, region in regions.items():
        scores[f"bias_{name}"] = float((image - reference)[region].mean(dtype=np.float64))
    return scores


def clean_image_psnr(point: StandardPoint) -> float:
    """Give the PSNR of a perfect denoiser, `10 log10(range² / σ_ref²)` in dB; infinite for a known truth."""
    if point.sigma_ref == 0:
        return math.inf
    data_range = MR_RANGE if point.modality == "MR" else CT_WINDOW_RANGE
    return 20.0 * math.log10(data_range / point.sigma_ref)
