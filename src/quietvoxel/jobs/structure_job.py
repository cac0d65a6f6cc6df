"""Check in the inference thread whether what was removed from a volume is noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quietvoxel.jobs.job import JobContext
    from quietvoxel.quality import StructureCheck
    from quietvoxel.volume import Volume


@dataclass(frozen=True)
class SliceChecked:
    """So many slices of the structure check are done."""

    done: int
    total: int


@dataclass(frozen=True, eq=False)
class StructureJob:
    """A pair of volumes to check; `quietvoxel.quality.check_structure` says how.

    Attributes
    ----------
    before, after : of one grid.
    """

    before: Volume
    after: Volume

    def run(self, context: JobContext) -> StructureCheck:
        """Check, and give way between two slices.

        Raises
        ------
        BadInputError
            If the volumes do not fit together.
        CancelledError
            If `context.cancelled()` said so.
        """
        from quietvoxel.quality import check_structure, patient_mask

        def progress(done: int, total: int) -> None:
            context.tell(SliceChecked(done, total))
            context.give_way()

        return check_structure(
            self.before.data,
            self.after.data,
            self.before.geometry.spacing_zyx,
            patient_mask(self.after.data, self.after.modality),
            progress=progress,
            cancelled=context.cancelled,
        )
