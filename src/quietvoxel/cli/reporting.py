"""What a running command shows: a progress bar, one JSON object a line for programs, or nothing."""

import json
import sys
from typing import Any, Literal

from quietvoxel.inference.events import Event, Finished, SliceDone, Started, StepDone

ProgressKind = Literal["bar", "jsonl", "none"]


class Reporter:
    """Shows a run's events.

    Parameters
    ----------
    kind : "bar" on the terminal's error stream, "jsonl" on standard output, or "none".
    unit : of the noise level, for messages.
    """

    def __init__(self, kind: ProgressKind, unit: str = "") -> None:
        self.kind = kind
        self.unit = unit
        self._bar: Any = None
        self._task: Any = None

    def say(self, text: str) -> None:
        """Print a sentence for a person, or as a "note" for a program."""
        if self.kind == "jsonl":
            self.emit({"event": "note", "text": text})
        elif self.kind == "bar":
            print(text, file=sys.stderr)

    def emit(self, record: dict[str, Any]) -> None:
        """One JSON object on a line of its own."""
        if self.kind == "jsonl":
            print(json.dumps(record), flush=True)

    def __call__(self, event: Event) -> None:
        """Show an event."""
        if self.kind == "jsonl":
            self.emit(_record(event))
        elif self.kind == "bar":
            self._draw(event)

    def _draw(self, event: Event) -> None:
        match event:
            case Started():
                for note in event.notes:
                    self.say(note)
                self.say(f"Noise {event.sigma:.3g}{self.unit}; {event.slices} slices on {event.device}, {event.precision}.")
                self._start(event.slices)
            case StepDone() if self._bar is not None:
                self._bar.update(self._task, completed=event.done + event.step / max(1, event.steps))
            case SliceDone() if self._bar is not None:
                self._bar.update(self._task, completed=event.done)
            case Finished() if self._bar is not None:
                self.close()

    def _start(self, total: int) -> None:
        if not sys.stderr.isatty():
            return
        from rich.console import Console  # only when a bar is drawn
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("Denoising"), BarColumn(), TextColumn("{task.percentage:3.0f} %"), TimeRemainingColumn())
        self._bar = Progress(*columns, console=Console(stderr=True))
        self._bar.start()
        self._task = self._bar.add_task("denoise", total=total)

    def close(self) -> None:
        """Take the bar away, whatever happened."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _record(event: Event) -> dict[str, Any]:
    match event:
        case Started():
            return {
                "event": "started",
                "total": event.slices,
                "axis": event.axis,
                "sigma": event.sigma,
                "device": event.device,
                "precision": event.precision,
                "notes": list(event.notes),
            }
        case StepDone():
            eta = None if event.eta_s is None else round(event.eta_s, 1)
            return {
                "event": "progress",
                "done": event.done,
                "total": event.total,
                "step": event.step,
                "steps": event.steps,
                "eta_s": eta,
            }
        case SliceDone():
            return {"event": "slice", "index": event.index, "done": event.done, "total": event.total}
        case Finished():
            return {
                "event": "finished",
                "seconds": round(event.seconds, 3),
                "clipped": event.clipped,
                "notes": list(event.notes),
            }
