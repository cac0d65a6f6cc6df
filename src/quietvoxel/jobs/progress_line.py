"""Progress in words: "slice 61/96, step 2/3, 0:21 left"."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quietvoxel.inference.events import StepDone


def progress_line(event: StepDone) -> str:
    """Say where a run is and when it will be over."""
    slice_number = min(event.done + 1, event.total)
    parts = [f"slice {slice_number}/{event.total}"]
    if event.steps > 1:
        parts.append(f"step {event.step}/{event.steps}")
    if event.eta_s is not None:
        parts.append(f"{clock(event.eta_s)} left")
    return ", ".join(parts)


def fraction_done(event: StepDone) -> float:
    """How much of a run is over, 0 to 1."""
    return (event.done + event.step / event.steps) / event.total


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any: 0:21, 12:05, 1:02:03."""
    whole = max(0, round(seconds))
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
