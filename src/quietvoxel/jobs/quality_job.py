"""Measure in the inference thread how near two volumes are to a reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from quietvoxel.jobs.job import JobContext
    from quietvoxel.volume import Volume


@dataclass(frozen=True, eq=False)
class QualityJob:
    """Volumes to compare with a reference of the same grid.

    Attributes
    ----------
    reference : the truth, or what counts as it.
    images : (z, y, x) each.
    """

    reference: Volume
    images: tuple[NDArray[Any], ...]

    def run(self, context: JobContext) -> list[Mapping[str, float]]:
        """PSNR, SSIM and RMSE of each image, by names that state range and unit.

        Raises
        ------
        CancelledError
            If `context.cancelled()` said so.
        """
        from quietvoxel.errors import CancelledError
        from quietvoxel.quality.report import quality_figures

        figures = []
        for image in self.images:
            if context.cancelled():
                msg = "The measurement was cancelled."
                raise CancelledError(msg)
            figures.append(quality_figures(image, self.reference.data, self.reference.modality))
            context.give_way()
        return figures
