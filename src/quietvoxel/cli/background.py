"""Going behind other programs: a training must leave the viewer beside it usable."""

import os
import sys

from quietvoxel.jobs.thread import NICENESS, usable_cores


def give_way() -> None:
    """Lower this process's priority, and leave one core to others.

    Before torch is imported: its helper threads inherit both.
    """
    import psutil

    cores = max(1, usable_cores() - 1)
    limit = os.environ.get("OMP_NUM_THREADS", "")
    os.environ["OMP_NUM_THREADS"] = str(min(int(limit), cores) if limit.isdigit() else cores)
    system: str = sys.platform  # or mypy believes that there is no other
    try:
        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if system == "win32" else NICENESS)
    except (psutil.Error, OSError):
        return  # the priority stays as it is: slower for others, not wrong
