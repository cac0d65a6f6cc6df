"""Before, after and residual of one slice as a PNG."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quietvoxel.volume import Modality, Volume

CT_WINDOW = (-160.0, 240.0)


def before_after_residual(before: Volume, after: Volume, path: Path) -> None:
    """Write the middle slice before and after in one window, and the residual around grey, side by side."""
    from skimage.io import imsave
    from skimage.transform import resize

    from quietvoxel.inference.slabs import slice_axis

    axis = slice_axis(before)
    middle = before.shape[axis] // 2
    a = np.take(before.data, middle, axis).astype(np.float32)
    b = np.take(after.data, middle, axis).astype(np.float32)
    if before.modality == Modality.CT:
        low, high = CT_WINDOW
    else:
        low, high = 0.0, float(np.percentile(a, 99.5)) or 1.0
    residual = a - b
    span = 4.0 * float(residual.std()) or 1.0
    panels = [_grey(a, low, high), _grey(b, low, high), _grey(residual, -span, span)]
    rows, columns = (s for k, s in enumerate(before.geometry.spacing_zyx) if k != axis)
    if abs(rows / columns - 1) > 0.01:  # show millimetres, not voxels
        shape = (round(a.shape[0] * rows / columns), a.shape[1])
        panels = [resize(p, shape, preserve_range=True).astype(np.uint8) for p in panels]
    imsave(path, np.concatenate(panels, axis=1), check_contrast=False)


def _grey(image: NDArray[np.float32], low: float, high: float) -> NDArray[np.uint8]:
    return (np.clip((image - low) / (high - low), 0.0, 1.0) * 255).astype(np.uint8)
