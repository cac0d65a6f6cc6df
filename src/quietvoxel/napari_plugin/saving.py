"""Save a result as a file, with the record of how it was made beside it, in the inference thread."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QFileDialog, QWidget

from quietvoxel.jobs import JobContext
from quietvoxel.napari_plugin.adapter import METADATA_KEY, volume_from_layer
from quietvoxel.napari_plugin.result_layers import ResultLayer
from quietvoxel.volume import Volume

FILTERS = "NIfTI (*.nii.gz *.nii);;NRRD (*.nrrd);;MetaImage (*.mha)"


@dataclass(frozen=True)
class Saved:
    """What was written, in a sentence."""

    sentence: str


@dataclass(frozen=True, eq=False)
class SaveJob:
    """A volume and its record, to be written."""

    volume: Volume
    record: dict[str, Any]
    path: Path

    @classmethod
    def of(cls, result: ResultLayer, path: Path) -> "SaveJob":
        """Take what there is to save of a result, in the place where its layer is now."""
        record = result.layer.metadata[METADATA_KEY].get("provenance", {})
        return cls(volume_from_layer(result.layer), record, path)

    def run(self, _context: JobContext) -> Saved:
        """Write both files."""
        from quietvoxel.cli.outputs import sidecar, write_record
        from quietvoxel.io import write

        report = write(self.volume, self.path, overwrite=True)
        record = sidecar(report.path)
        write_record(self.record, record)
        clipped = f" {report.clipped} voxels were clipped to the stored type." if report.clipped else ""
        return Saved(f"Saved {report.path.name} and {record.name}.{clipped} Not for primary diagnosis.")


def ask_for_path(parent: QWidget, name: str) -> Path | None:
    """Ask where to save; the dialog asks before it replaces a file. None if the user thinks better of it."""
    suggestion = "".join(c if c.isalnum() or c in " -_[]." else "_" for c in name)
    chosen, kind = QFileDialog.getSaveFileName(parent, "Save result as", f"{suggestion}.nii.gz", FILTERS)
    if not chosen:
        return None
    path = Path(chosen)
    if not path.suffix:
        path = path.with_name(path.name + {"NI": ".nii.gz", "NR": ".nrrd", "Me": ".mha"}[kind[:2]])
    return path
