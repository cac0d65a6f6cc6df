"""Volume to napari layer and back: millimetres on the screen, the whole geometry kept in the layer's metadata.

A layer gets scale and translate along the array axes only, never the direction: napari slices along the axes of
the world, so that rotated voxels would be shown twice or not at all. What a file needs to be written again
(geometry, modality, source) lies in ``layer.metadata["quietvoxel"]``.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from napari.layers import Image, Labels
from pint import DimensionalityError  # napari's units are pint's

from quietvoxel.errors import BadInputError
from quietvoxel.io.modality_guess import guess_modality
from quietvoxel.volume import Geometry, Modality, Source, Volume

METADATA_KEY = "quietvoxel"
CT_WINDOW = (-160.0, 240.0)
"""HU shown where a CT states no window: soft tissue."""

HU_SLIDER = (-1024.0, 3071.0)
"""HU that the slider of a CT's contrast limits spans."""

_SAMPLED = 200_000  # voxels looked at for a window
_BRIGHT = 99.5  # percentile of the signal that is shown white


def layer_data(volume: Volume, name: str) -> tuple[Any, dict[str, Any], str]:
    """Make a napari layer of a volume, as a LayerDataTuple.

    Parameters
    ----------
    volume : its voxels are not copied.
    name : of the layer.

    Returns
    -------
    The array, the arguments of ``add_image``, and "image".
    """
    geometry = volume.geometry
    known = {"geometry": geometry, "modality": volume.modality, "source": volume.source}
    options = {
        "name": name,
        "scale": geometry.spacing_zyx,
        "translate": translate_mm(geometry),
        "units": ("mm",) * 3,
        "axis_labels": ("z", "y", "x"),
        "colormap": "gray",
        "contrast_limits": display_window(volume),
        "metadata": {METADATA_KEY: known},
    }
    return volume.data, options, "image"


def add_volume(viewer: Any, volume: Volume, name: str) -> Image:
    """Add a volume to a viewer and give its layer. Main thread only."""
    data, options, _ = layer_data(volume, name)
    layer = viewer.add_image(data, **options)
    widen_slider(layer)
    return layer


def widen_slider(layer: Image) -> None:
    """Let the slider of the contrast limits go beyond the window; napari ends it there."""
    if list(layer.contrast_limits_range) != list(layer.contrast_limits):
        return
    low, high = layer.contrast_limits
    known = layer.metadata.get(METADATA_KEY, {})
    if known.get("modality") is Modality.CT:
        layer.contrast_limits_range = (min(low, HU_SLIDER[0]), max(high, HU_SLIDER[1]))
    else:
        layer.contrast_limits_range = (low - (high - low) / 2, high + (high - low))


def is_ours(layer: Any) -> bool:
    """Whether the layer carries the geometry and modality of a volume."""
    known = getattr(layer, "metadata", {}).get(METADATA_KEY)
    return isinstance(known, dict) and isinstance(known.get("geometry"), Geometry)


def volume_from_layer(layer: Any) -> Volume:
    """Make a volume of a layer, without copying its voxels.

    A layer of ours gives back what it was made of; a scale or translate that was changed since goes before the
    stored geometry. Of any other layer the geometry is that of its transform and the modality is guessed;
    `source.notes` says so.

    Raises
    ------
    BadInputError
        If the layer is no single grey volume: RGB, 4-D, 2-D, multiscale, labels, points, complex or boolean.
    """
    check_layer(layer)
    data = np.asarray(layer.data)
    stored = layer.metadata[METADATA_KEY] if is_ours(layer) else {}
    geometry, notes = _geometry(layer, stored.get("geometry"))
    modality, source = stored.get("modality"), stored.get("source")
    if not isinstance(source, Source):
        low, high = layer.contrast_limits
        source = Source(stored_dtype=data.dtype.name, window=float(high - low), level=float(high + low) / 2)
    if not isinstance(modality, Modality):
        modality, reason = guess_modality(data)
        notes.append(f"The layer states no modality; taken as {modality} because {reason}.")
    if notes:
        source = replace(source, notes=(*source.notes, *notes))
    return Volume(data, geometry, modality, source)


def check_layer(layer: Any) -> None:
    """Refuse, without looking at the voxels, a layer that no volume can be made of.

    Raises
    ------
    BadInputError
        With the one sentence for the user.
    """
    if layer is None:
        msg = "No layer is chosen; open a volume or pick its layer first."
        raise BadInputError(msg)
    name = f'The layer "{layer.name}"'
    if isinstance(layer, Labels):
        msg = f"{name} holds labels, not an image; choose the CT or MR image it belongs to."
    elif not isinstance(layer, Image):
        msg = f"{name} is no image but {layer.__class__.__name__}; choose an image layer."
    elif layer.rgb:
        msg = f"{name} is a colour image (RGB), and only grey values can be denoised; choose the original CT or MR."
    elif layer.multiscale:
        msg = (
            f"{name} is a multiscale pyramid; add its full resolution as a layer of its own and choose that."
        )
    elif layer.ndim > 3:
        msg = f"{name} is {layer.ndim}-D, and one volume is taken at a time; split it into 3-D layers first."
    elif layer.ndim < 3:
        msg = (
            f"{name} is {layer.ndim}-D, and a volume has three axes; open its file or folder with QuietVoxel."
        )
    elif np.dtype(layer.dtype).kind not in "iuf":
        msg = f"{name} holds {layer.dtype} values, which is no CT or MR image; convert it first."
    else:
        return
    raise BadInputError(msg)


def display_window(volume: Volume) -> tuple[float, float]:
    """Lowest and highest value to show: the file's own window, else soft tissue for CT, the signal for others.

    A window of the file that shows none of its values is passed over.
    """
    data = volume.data.reshape(-1)
    sample = data[:: data.size // _SAMPLED | 1].astype(np.float64)
    sample = sample[np.isfinite(sample)]
    if sample.size == 0:
        return (0.0, 1.0)
    least, most = float(sample.min()), float(sample.max())
    window, level = volume.source.window, volume.source.level
    if window is not None and level is not None and np.isfinite(window + level) and window > 0:
        low, high = level - window / 2, level + window / 2
        if low < most and high > least:
            return (low, high)
    if volume.modality is Modality.CT:
        return CT_WINDOW
    signal = sample[sample > 0] if least >= 0 else sample
    if signal.size == 0:
        return (least, least + 1.0)
    low = 0.0 if least >= 0 else float(np.percentile(signal, 100 - _BRIGHT))
    high = float(np.percentile(signal, _BRIGHT))
    return (low, high) if high > low else (low, low + 1.0)


def translate_mm(geometry: Geometry) -> tuple[float, float, float]:
    """The first voxel's place along the array axes (z, y, x), in millimetres.

    Volumes that share a direction lie over each other in napari as they do in the patient.
    """
    axes = np.reshape(geometry.direction, (3, 3))
    x, y, z = axes.T @ geometry.origin
    return (float(z), float(y), float(x))


def _geometry(layer: Any, known: Geometry | None) -> tuple[Geometry, list[str]]:
    """Geometry of a layer, and what has to be said about it."""
    factors, notes = (1.0, 1.0, 1.0), []
    if known is None:
        factors, notes = _millimetres(layer)
        notes.append("The layer states no orientation; its axes are taken as those of an axial scan.")
    corner = np.asarray(layer.data_to_world((0, 0, 0)), np.float64)[-3:] * factors
    steps = np.stack(
        [np.asarray(layer.data_to_world(unit))[-3:] * factors - corner for unit in np.eye(3)], axis=1
    )
    if known is not None:
        there = np.diag(known.spacing_zyx)
        if np.allclose(steps, there, atol=1e-6) and np.allclose(corner, translate_mm(known), atol=1e-4):
            return known, notes
    # Columns become the steps of i, j, k in (x, y, z), then turn from the array axes into the patient.
    axes = np.reshape(known.direction, (3, 3)) if known is not None else np.eye(3)
    columns = axes @ steps[::-1, ::-1]
    spacing = np.linalg.norm(columns, axis=0)
    if not (np.isfinite(spacing).all() and spacing.min() > 0):
        msg = f'The layer "{layer.name}" has a scale of zero; set its scale in millimetres first.'
        raise BadInputError(msg)
    origin = np.linalg.solve(axes.T, corner[::-1])
    sx, sy, sz = (float(v) for v in spacing)
    ox, oy, oz = (float(v) for v in origin)
    return Geometry((sx, sy, sz), (ox, oy, oz), tuple(float(v) for v in (columns / spacing).ravel())), notes


def _millimetres(layer: Any) -> tuple[tuple[float, ...], list[str]]:
    """Millimetres in one unit of each axis, and a sentence where the layer does not say."""
    try:
        return tuple(float((1 * unit).to("mm").magnitude) for unit in layer.units), []
    except DimensionalityError:  # pixels
        return (1.0, 1.0, 1.0), ["The layer has no unit of length; its scale is taken as millimetres."]
