"""Volumes of a viewer as files that a training in another process reads; they are gone as soon as it has read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from quietvoxel.errors import CancelledError, QuietVoxelError

if TYPE_CHECKING:
    from pathlib import Path

    from quietvoxel.jobs.job import JobContext
    from quietvoxel.volume import Volume


@dataclass(frozen=True, eq=False)
class HandOverJob:
    """Write volumes into a folder; their names stay here, for layers are named after patients.

    Attributes
    ----------
    volumes : what to write.
    folder : there already, and emptied by whoever made it.
    """

    volumes: tuple[Volume, ...]
    folder: Path

    def run(self, context: JobContext) -> tuple[Path, ...]:
        """Give the files, in the order of the volumes.

        Raises
        ------
        QuietVoxelError
            If the disk refuses.
        CancelledError
            If that was asked for.
        """
        from quietvoxel.io.itk_files import write_itk  # it imports SimpleITK

        paths = tuple(self.folder / f"{number}.nrrd" for number in range(1, 1 + len(self.volumes)))
        for volume, path in zip(self.volumes, paths, strict=True):
            if context.cancelled():
                msg = "The training was cancelled before it began."
                raise CancelledError(msg)
            try:
                write_itk(volume, path, for_keeping=False)
            except (OSError, RuntimeError) as error:
                msg = f"The layers could not be written to {self.folder}; free some space there."
                raise QuietVoxelError(msg) from error
            context.give_way()
        return paths
