"""Events of a run as JSON-able records: one vocabulary for `denoise --progress jsonl` and for `worker`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietvoxel.inference.events import Event, SliceDone, Started, StepDone

if TYPE_CHECKING:
    from collections.abc import Sequence


def record_of(event: Event, notes: Sequence[str] = ()) -> dict[str, Any]:
    """One event as a record; docs/command-line.md says what the fields mean.

    Parameters
    ----------
    event : all but `Finished`, which each front-end tells when its files are there.
    notes : sentences that go before those of `Started`.

    Raises
    ------
    TypeError
        For any other event.
    """
    match event:
        case Started():
            return {
                "event": "started",
                "total": event.slices,
                "axis": event.axis,
                "sigma": event.sigma,
                "device": event.device,
                "precision": event.precision,
                "notes": [*notes, *event.notes],
            }
        case StepDone():
            return {
                "event": "progress",
                "done": event.done,
                "total": event.total,
                "step": event.step,
                "steps": event.steps,
                "eta_s": None if event.eta_s is None else round(event.eta_s, 1),
            }
        case SliceDone():
            return {"event": "slice", "index": event.index, "done": event.done, "total": event.total}
    msg = f"{type(event).__name__} is not shown while a run goes on"
    raise TypeError(msg)
