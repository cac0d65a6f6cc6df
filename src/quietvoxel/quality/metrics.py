"""PSNR, RMSE and SSIM of an image against its reference, over a mask and in a window of values.

A PSNR without its range says nothing, so the range is never guessed from the data: every function asks for
it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from skimage.metrics import structural_similarity

if TYPE_CHECKING:
    from numpy.typing import NDArray

Window = tuple[float, float]


def _pair(
    image: NDArray[Any], reference: NDArray[Any], window: Window | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if image.shape != reference.shape:
        msg = f"Image {image.shape} and reference {reference.shape} differ in shape."
        raise ValueError(msg)
    a = np.asarray(image, dtype=np.float64)
    b = np.asarray(reference, dtype=np.float64)
    if window is not None:
        a, b = np.clip(a, *window), np.clip(b, *window)
    return a, b


def _check_mask(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> None:
    if mask.shape != shape:
        msg = f"Mask {mask.shape} and image {shape} differ in shape."
        raise ValueError(msg)
    if not mask.any():
        msg = "The mask is empty: there is nothing to measure."
        raise ValueError(msg)


def mse(
    image: NDArray[Any],
    reference: NDArray[Any],
    *,
    mask: NDArray[np.bool_] | None = None,
    window: Window | None = None,
) -> float:
    """Mean squared error, pooled over all voxels of the mask.

    Parameters
    ----------
    image, reference : arrays of one shape, in the same unit (HU, or normalised magnitude).
    mask : where to measure; everywhere when None.
    window : (low, high) to which both are clipped first, in their unit.

    Returns
    -------
    float
        In the square of the unit. One mean over the whole mask, not a mean of slice means.

    Raises
    ------
    ValueError
        When shapes differ or the mask is empty.
    """
    a, b = _pair(image, reference, window)
    squared = (a - b) ** 2
    if mask is None:
        return float(squared.mean())
    _check_mask(mask, a.shape)
    return float(squared[mask].mean())


def rmse(
    image: NDArray[Any],
    reference: NDArray[Any],
    *,
    mask: NDArray[np.bool_] | None = None,
    window: Window | None = None,
) -> float:
    """Root of `mse`, in the unit of the images; the parameters are the same."""
    return math.sqrt(mse(image, reference, mask=mask, window=window))


def psnr(
    image: NDArray[Any],
    reference: NDArray[Any],
    *,
    data_range: float,
    mask: NDArray[np.bool_] | None = None,
    window: Window | None = None,
) -> float:
    """Peak signal-to-noise ratio `10 log10(data_range² / mse)`, in dB; infinite for identical images.

    Parameters
    ----------
    data_range : the range that the figure refers to, in the unit of the images (400 HU for a window of 400
        HU, 1.0 for normalised MR). It has to be reported with the figure.
    image, reference, mask, window : as in `mse`.
    """
    if not data_range > 0:
        msg = f"data_range has to be positive, not {data_range}."
        raise ValueError(msg)
    error = mse(image, reference, mask=mask, window=window)
    return math.inf if error == 0 else 10.0 * math.log10(data_range**2 / error)


def ssim_map(
    image: NDArray[Any], reference: NDArray[Any], *, data_range: float, window: Window | None = None
) -> NDArray[np.float64]:
    """Structural similarity of every voxel, slice by slice, with scikit-image's defaults (7 x 7 uniform).

    Slices are compared in plane because their distance is often several times the pixel size: a cube of 7
    voxels would compare tissue 20 mm apart. Wang et al., IEEE Trans. Image Process. 13 (2004) 600, eq. 13.

    Parameters
    ----------
    image, reference : (y, x) or (z, y, x), at least 7 x 7 in plane.
    data_range, window : as in `psnr`.
    """
    a, b = _pair(image, reference, window)
    planes_a, planes_b = a.reshape(-1, *a.shape[-2:]), b.reshape(-1, *b.shape[-2:])
    out = np.empty_like(planes_a)
    for plane_a, plane_b, plane_out in zip(planes_a, planes_b, out, strict=True):
        # scikit-image annotates nothing
        _, plane_out[...] = structural_similarity(  # type: ignore[no-untyped-call]
            plane_b, plane_a, data_range=data_range, full=True
        )
    return out.reshape(a.shape)


def ssim(
    image: NDArray[Any],
    reference: NDArray[Any],
    *,
    data_range: float,
    mask: NDArray[np.bool_] | None = None,
    window: Window | None = None,
) -> float:
    """Mean of `ssim_map` over the mask; without a mask over all but the 3-pixel rim, as scikit-image does."""
    similarity = ssim_map(image, reference, data_range=data_range, window=window)
    if mask is None:
        return float(similarity[..., 3:-3, 3:-3].mean())
    _check_mask(mask, similarity.shape)
    return float(similarity[mask].mean())
