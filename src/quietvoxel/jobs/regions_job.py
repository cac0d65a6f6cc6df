"""Measure what two volumes hold in regions and along a line that a user has drawn in a viewer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.errors import BadInputError
from quietvoxel.jobs.region_rows import MeasuredRegion, region_rows
from quietvoxel.volume import Modality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from quietvoxel.jobs.job import JobContext
    from quietvoxel.volume import Volume


@dataclass(frozen=True, eq=False)
class Region:
    """A drawn region.

    Attributes
    ----------
    mask : (z, y, x) of the box about it.
    corner : (z, y, x) of the box's first voxel in the volume.
    """

    mask: NDArray[np.bool_]
    corner: tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class RegionsJob:
    """Regions and a line over a pair of volumes of one grid.

    Attributes
    ----------
    before, after : A and B.
    regions : in the order they were drawn; the second is the background of the CNR.
    line : both ends in voxels, (z, y, x) each, or None.
    axis : array axis of the slices, in which noise power spectra are taken.
    """

    before: Volume
    after: Volume
    regions: Sequence[Region]
    line: tuple[Sequence[float], Sequence[float]] | None = None
    axis: int = 0

    def run(self, context: JobContext) -> dict[str, Any]:  # noqa: ARG002  # too short to be cancelled
        """Measure.

        Returns
        -------
        `rows` of texts (name, A, B, change); of the last region the `histogram` of what was removed and the noise
        `spectrum`, where it is large enough; of the line the `profile`. JSON-able.

        Raises
        ------
        BadInputError
            If the volumes differ in size, or a region lies outside or is too small.
        """
        from quietvoxel.quality import line_profile

        if self.before.shape != self.after.shape:
            msg = "A and B differ in size; choose two volumes of the same grid."
            raise BadInputError(msg)
        measured = [self._cut(number, region) for number, region in enumerate(self.regions, 1)]
        found: dict[str, Any] = {
            "unit": "HU" if self.before.modality is Modality.CT else "",
            "rows": [list(row.texts) for row in region_rows(measured)],
        }
        if measured:
            found |= self._distributions(measured[-1])
        if self.line is not None:
            start, end = self.line
            spacing = self.before.geometry.spacing_zyx
            distance, before = line_profile(self.before.data, start, end, spacing)
            after = line_profile(self.after.data, start, end, spacing)[1]
            found["profile"] = {"mm": _listed(distance), "before": _listed(before), "after": _listed(after)}
        return found

    def _cut(self, number: int, region: Region) -> MeasuredRegion:
        box = tuple(
            slice(start, start + length)
            for start, length in zip(region.corner, region.mask.shape, strict=True)
        )
        inside = all(part.stop <= length for part, length in zip(box, self.before.shape, strict=True))
        if min(region.corner) < 0 or not inside:
            msg = f"Region {number} lies outside the volume; draw it inside the image."
            raise BadInputError(msg)
        return MeasuredRegion(number, self.before.data[box], self.after.data[box], region.mask)

    def _distributions(self, region: MeasuredRegion) -> dict[str, Any]:
        from quietvoxel.quality import region_spectrum, residual_histogram

        histogram = residual_histogram(region.before, region.after, region.mask)
        centres = (histogram.edges[1:] + histogram.edges[:-1]) / 2
        found: dict[str, Any] = {
            "histogram": {
                "value": _listed(centres),
                "density": _listed(histogram.density),
                "gaussian": _listed(histogram.gaussian),
            }
        }
        spacing = self.before.geometry.spacing_zyx
        rows, columns = (spacing[axis] for axis in range(3) if axis != self.axis)
        mask = np.moveaxis(region.mask, self.axis, 0)
        try:
            curves = [
                region_spectrum(np.moveaxis(image, self.axis, 0), mask, (rows, columns))
                for image in (region.before, region.after)
            ]
        except BadInputError:  # too small a region for a spectrum is no reason to show nothing else
            return found
        (frequency, before), (_, after) = curves
        found["spectrum"] = {
            "frequency": _listed(frequency),
            "before": _listed(before),
            "after": _listed(after),
        }
        return found


def _listed(values: NDArray[Any]) -> list[float | None]:
    """Plain numbers; None for what is none, for JSON has no NaN."""
    return [float(f"{value:.7g}") if np.isfinite(value) else None for value in values]
