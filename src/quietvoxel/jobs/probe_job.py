"""Which devices there are, their names and free memory; found in the inference thread, for torch has to be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quietvoxel.jobs.job import JobContext

GIB = 2**30


@dataclass(frozen=True)
class Device:
    """A device to run on.

    Attributes
    ----------
    name : as in `InferenceOptions.device`.
    title : name and free memory, for people.
    """

    name: str
    title: str


@dataclass(frozen=True)
class ProbeJob:
    """Look for devices; the one that "auto" takes comes first."""

    def run(self, _context: JobContext) -> tuple[Device, ...]:
        """List the devices."""
        import psutil
        import torch

        found = []
        for index in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(index)
            name = torch.cuda.get_device_name(index)
            title = f"{name}, {free / GIB:.0f} of {total / GIB:.0f} GB free"
            found.append(Device("cuda" if index == 0 else f"cuda:{index}", title))
        if torch.backends.mps.is_available():
            found.append(Device("mps", "the graphics processor of this Mac"))
        free = psutil.virtual_memory().available
        found.append(Device("cpu", f"the processor, {free / GIB:.0f} GB of memory free"))
        return tuple(found)
