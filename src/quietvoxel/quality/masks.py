"""Where figures are measured: the MR foreground, the body in a CT, regions of one tissue away from edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

SOFT_TISSUE_HU = (0.0, 120.0)
FAT_HU = (-140.0, -60.0)
AIR_HU = (-1100.0, -930.0)

#: A region of air counts as clipped when more of it than this lies on the lowest stored value.
CLIPPED_SHARE = 0.01


def foreground_mask(reference: NDArray[Any], threshold: float = 0.08) -> NDArray[np.bool_]:
    """Voxels of a normalised MR magnitude (99.5th percentile at 1) that are above the threshold."""
    return np.asarray(reference > threshold, dtype=np.bool_)


def body_mask(hu: NDArray[Any], threshold: float = -500.0) -> NDArray[np.bool_]:
    """Find the patient in a CT: above the threshold, largest connected component, filled slice by slice.

    Parameters
    ----------
    hu : (z, y, x) or (y, x), HU.
    threshold : HU; -500 lies half-way between air and water.

    Returns
    -------
    Mask of the same shape; all False when nothing lies above the threshold. The table is left out because it
    does not touch the patient in most slices; lungs and bowel gas are inside because slices are filled.
    """
    above = np.asarray(hu > threshold, dtype=np.bool_)
    labels, count = ndimage.label(above)
    if count == 0:
        return above
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    largest = labels == sizes.argmax()
    planes = largest.reshape(-1, *largest.shape[-2:])
    filled = np.stack([ndimage.binary_fill_holes(plane) for plane in planes])
    return np.asarray(filled.reshape(largest.shape), dtype=np.bool_)


def patient_mask(data: NDArray[Any], modality: str) -> NDArray[np.bool_]:
    """Roughly where the patient is, slice by slice: what is filled with signal, table and coils included.

    Parameters
    ----------
    data : (z, y, x), HU for CT, magnitudes otherwise.
    modality : "CT": above -500 HU. Otherwise: above 0.08 of the 99.5th percentile.
    """
    threshold = -500.0
    if modality != "CT":
        values = data.reshape(-1)
        threshold = 0.08 * float(np.percentile(values[:: values.size // 200_000 | 1], 99.5))
    mask = np.empty(data.shape, dtype=np.bool_)
    for plane, inside in zip(data, mask, strict=True):
        inside[...] = ndimage.binary_fill_holes(plane > threshold)
    return mask


def tissue_regions(
    hu: NDArray[Any],
    body: NDArray[np.bool_] | None = None,
    *,
    erosion: int = 3,
    smoothing: float = 2.0,
    min_voxels: int = 1,
) -> dict[str, NDArray[np.bool_]]:
    """Regions of soft tissue, fat and air, each away from every edge, found in plane.

    The image is smoothed before it is compared with the ranges: noise must not decide which voxel belongs,
    else a region would lose its tails and read too little noise. Smoothing blurs edges, which the erosion
    then drops.

    Parameters
    ----------
    hu : (z, y, x), HU.
    body : the patient (`body_mask(hu)` when None). Soft tissue and fat lie inside; air is all air, padding is
        not.
    erosion : pixels taken off every border, in plane.
    smoothing : standard deviation of the Gaussian, pixels, in plane.
    min_voxels : smaller regions are left out of the result.

    Returns
    -------
    Masks by name: "soft" (0 to 120 HU), "fat" (-140 to -60 HU), "air" (-1100 to -930 HU). Air is left out
    where the lowest stored value clips its noise, because its mean is then no longer that of the object.
    """
    hu = np.asarray(hu, dtype=np.float32)
    if body is None:
        body = body_mask(hu)
    smooth = ndimage.gaussian_filter(hu, (0.0, smoothing, smoothing))
    cross = ndimage.generate_binary_structure(2, 1)[None]

    def region(limits: tuple[float, float], within: NDArray[np.bool_]) -> NDArray[np.bool_]:
        inside = (smooth >= limits[0]) & (smooth <= limits[1]) & within
        return np.asarray(ndimage.binary_erosion(inside, cross, iterations=erosion) if erosion else inside)

    everywhere = np.ones(hu.shape, dtype=np.bool_)
    regions = {
        "soft": region(SOFT_TISSUE_HU, body),
        "fat": region(FAT_HU, body),
        "air": region(AIR_HU, everywhere),
    }
    if regions["air"].any():
        on_floor = hu[regions["air"]] <= hu.min()
        if on_floor.mean() > CLIPPED_SHARE:
            regions["air"] = np.zeros_like(regions["air"])
    return {name: mask for name, mask in regions.items() if int(mask.sum()) >= min_voxels}
