"""Jobs of the worker: what comes out of a job goes to files, what is said of it into a JSON-able record."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.inference.events import SliceDone
from quietvoxel.jobs.array_files import SliceFile, write_array
from quietvoxel.jobs.denoise_job import DenoiseJob, Prepared
from quietvoxel.jobs.event_records import record_of
from quietvoxel.jobs.measure_job import Measured, MeasureJob
from quietvoxel.jobs.structure_job import SliceChecked, StructureJob

if TYPE_CHECKING:
    from pathlib import Path

    from quietvoxel.jobs.job import JobContext
    from quietvoxel.jobs.simulate_job import SimulateJob
    from quietvoxel.volume import Volume

MOST_PLACES = 100


@dataclass(frozen=True, eq=False)
class Opened:
    """A volume with what was measured in it, and the record for the front-end."""

    measured: Measured
    record: dict[str, Any]


@dataclass(frozen=True, eq=False)
class OpenJob:
    """Measure a volume that a front-end sent; its noise estimate opens every preview and run."""

    volume: Volume

    def run(self, context: JobContext) -> Opened:
        """Measure; see `MeasureJob`."""
        measured = MeasureJob(self.volume).run(context)
        return Opened(
            measured,
            {
                "modality": str(self.volume.modality),
                "axis": measured.axis,
                "sigma": measured.statistics.sigma,
                "notes": [*self.volume.source.notes, *measured.statistics.notes],
            },
        )


@dataclass(frozen=True, eq=False)
class FiledDenoise:
    """Denoise into a file of slices, which can be read while it is filled.

    Attributes
    ----------
    job : what to run.
    output : .npy of (slices, H, W) in the result's type; `np.moveaxis(array, 0, axis)` is the volume.
    uncertainty : where the uncertainty goes, as (z, y, x) float32, if the engine gives one.
    """

    job: DenoiseJob
    output: Path
    uncertainty: Path

    def run(self, context: JobContext) -> dict[str, Any]:
        """Denoise; after a cancel or an error there is no file."""
        file: SliceFile | None = None

        def tell(content: Any) -> None:
            nonlocal file
            if isinstance(content, Prepared):
                slices = np.moveaxis(content.data, content.axis, 0)
                file = SliceFile(self.output, slices)
                context.tell(
                    {
                        "event": "prepared",
                        "output": str(self.output),
                        "axis": content.axis,
                        "dtype": str(slices.dtype),
                    }
                )
                return
            if isinstance(content, SliceDone):
                assert file is not None
                file.put(content.index, content.pixels)
            context.tell(record_of(content))

        try:
            summary = self.job.run(replace(context, tell=tell))
            assert file is not None
            file.close()
            spread = None
            if summary.uncertainty is not None:
                write_array(self.uncertainty, summary.uncertainty)
                spread = str(self.uncertainty)
        except BaseException:
            if file is not None:
                file.discard()
            raise
        return {
            "output": str(self.output),
            "uncertainty": spread,
            "provenance": summary.provenance,
            "sigma": summary.sigma,
            "clipped": summary.clipped,
            "notes": list(summary.notes),
            "seconds": round(summary.seconds, 3),
        }


@dataclass(frozen=True, eq=False)
class FiledSimulate:
    """Simulate into a file, (z, y, x) in the volume's type."""

    job: SimulateJob
    output: Path

    def run(self, context: JobContext) -> dict[str, Any]:
        """Simulate; see `SimulateJob`."""
        made = self.job.run(context)
        write_array(self.output, made.volume.data)
        return {"output": str(self.output), "sigma_added": made.sigma_added, "notes": list(made.notes)}


@dataclass(frozen=True, eq=False)
class FiledStructure:
    """Check the structure; the strengths of all voxels go to a file, (z, y, x) float32."""

    job: StructureJob
    output: Path

    def run(self, context: JobContext) -> dict[str, Any]:
        """Check; see `StructureJob`."""

        def tell(content: Any) -> None:
            if isinstance(content, SliceChecked):
                content = {"event": "progress", "done": content.done, "total": content.total}
            context.tell(content)

        check = self.job.run(replace(context, tell=tell))
        write_array(self.output, check.overlay())
        places = [
            {"index": list(place.index), "strength": round(place.strength, 3), "kind": place.kind}
            for place in check.places[:MOST_PLACES]
        ]
        return {
            "output": str(self.output),
            "verdict": str(check.verdict),
            "sentence": check.sentence,
            "share": check.share,
            "places": places,
        }
