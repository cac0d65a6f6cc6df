"""Facts of the machine that a measurement is worth nothing without."""

from __future__ import annotations

import platform
from pathlib import Path

import psutil


def facts_of_the_machine() -> str:
    """Processor, cores, memory and system in one line."""
    cores = f"{psutil.cpu_count(logical=False)} cores, {psutil.cpu_count()} logical"
    memory = f"{psutil.virtual_memory().total / 2**30:.0f} GiB"
    return f"{_processor()}, {cores}, {memory}, {platform.system()} {platform.machine()}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"
