"""The npe2 writers: one layer as NIfTI, NRRD or MetaImage, in its place in the patient and its stored type."""

from pathlib import Path
from typing import Any

import napari
from napari.layers import Layer
from napari.utils.notifications import show_error, show_warning

from quietvoxel.cli.outputs import sidecar, write_record
from quietvoxel.errors import QuietVoxelError
from quietvoxel.io import WriteReport, write
from quietvoxel.napari_plugin.adapter import METADATA_KEY, is_ours, volume_from_layer


def save_layer(layer: Any, path: str | Path) -> WriteReport:
    """Write a layer to a file; an existing one is replaced, never the one it was read from.

    Beside a result lies the record of how it was made.

    Raises
    ------
    QuietVoxelError
        If the layer is no volume or the file cannot be written.
    """
    report = write(volume_from_layer(layer), path, overwrite=True)
    record = layer.metadata[METADATA_KEY].get("provenance") if is_ours(layer) else None
    if record:
        write_record(record, sidecar(report.path))
    return report


def write_image(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write one image layer; what napari calls for File > Save, which has asked about overwriting already.

    Returns
    -------
    The path, or nothing where a window shows why it was not written.

    Raises
    ------
    QuietVoxelError
        If no window is open and the layer cannot be written.
    """
    try:
        report = save_layer(Layer.create(data, attributes, "image"), path)
    except QuietVoxelError as error:
        if napari.current_viewer() is None:
            raise
        show_error(str(error))
        return []
    if report.clipped:
        show_warning(
            f"{report.path.name}: {report.clipped} voxels were clipped to the range of the stored type."
        )
    return [str(report.path)]
