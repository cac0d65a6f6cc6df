"""The figures of one image against a reference, with the conventions of its modality stated in their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.quality.masks import body_mask, foreground_mask
from quietvoxel.quality.metrics import psnr, rmse, ssim

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

CT_WINDOW = (-160.0, 240.0)
MR_PERCENTILE = 99.5


def quality_figures(
    image: NDArray[Any], reference: NDArray[Any], modality: str, mask: NDArray[np.bool_] | None = None
) -> Mapping[str, float]:
    """PSNR, SSIM and RMSE as they are usual for the modality.

    Parameters
    ----------
    image, reference : (z, y, x) in HU, or magnitudes of one scale.
    modality : "CT": window -160 to 240 HU, over the body. Otherwise: both divided by the reference's 99.5th
        percentile, range 1, over everything brighter than 0.08 of it.
    mask : measured there instead.

    Returns
    -------
    mapping
        From a name that states range and unit to the figure.
    """
    a, b = np.asarray(image, dtype=np.float32), np.asarray(reference, dtype=np.float32)
    if modality == "CT":
        where = body_mask(b) if mask is None else mask
        span = CT_WINDOW[1] - CT_WINDOW[0]
        return {
            "PSNR (dB, range 400 HU)": psnr(a, b, data_range=span, mask=where, window=CT_WINDOW),
            "SSIM (-160..240 HU)": ssim(a, b, data_range=span, mask=where, window=CT_WINDOW),
            "RMSE (HU)": rmse(a, b, mask=where),
        }
    unit = float(np.percentile(b, MR_PERCENTILE)) or 1.0
    a, b = a / unit, b / unit
    where = foreground_mask(b) if mask is None else mask
    return {
        "PSNR (dB, range 1)": psnr(a, b, data_range=1.0, mask=where),
        "SSIM (range 1)": ssim(a, b, data_range=1.0, mask=where),
        "RMSE (of the 99.5th percentile)": rmse(a, b, mask=where),
    }
