"""What a running command shows: a progress bar, one JSON object a line for programs, or nothing."""

import json
import sys
from collections.abc import Sequence
from typing import Any, Literal

from quietvoxel.inference.events import Event, Finished, SliceDone, Started, StepDone
from quietvoxel.jobs.event_records import record_of

ProgressKind = Literal["bar", "jsonl", "none"]


class Reporter:
    """Shows a run's events.

    People get sentences and a bar on the error stream; programs get the objects of docs/command-line.md on
    standard output, where nothing else is printed. The event `Finished` is kept back until `finish`: for
    whoever reads, a run has finished when its file is there.

    Parameters
    ----------
    kind : "bar", "jsonl", or "none" for sentences without a bar.
    quiet : print nothing.
    """

    def __init__(self, kind: ProgressKind, *, quiet: bool = False) -> None:
        self.kind = kind
        self.quiet = quiet
        self.unit = ""
        self.notes: Sequence[str] = ()
        self._said: set[str] = set()
        self._finished: Finished | None = None
        self._bar: Any = None
        self._task: Any = None

    def say(self, *sentences: str) -> None:
        """Print sentences for a person, each once; a program gets them within the events."""
        for sentence in sentences:
            if self.kind != "jsonl" and not self.quiet and sentence not in self._said:
                print(sentence, file=sys.stderr)
            self._said.add(sentence)

    def __call__(self, event: Event) -> None:
        """Show an event."""
        if isinstance(event, Finished):
            self._finished = event
        elif self.quiet:
            return
        elif self.kind == "jsonl":
            emit(record_of(event, self.notes))
        else:
            self._draw(event)

    def finish(self, clipped: int = 0, **outputs: str) -> None:
        """Say that the run is over and its files are there.

        Parameters
        ----------
        clipped : voxels clipped on writing.
        outputs : paths of the files, by what they are.
        """
        self.close()
        if self._finished is None or self.quiet:
            return
        clipped += self._finished.clipped
        if self.kind == "jsonl":
            seconds, notes = round(self._finished.seconds, 3), [*self.notes, *self._finished.notes]
            emit({"event": "finished", "seconds": seconds, "clipped": clipped, "notes": notes, **outputs})
            return
        self.say(*self._finished.notes)
        if clipped:
            self.say(f"{clipped} voxels lay outside the range of the stored type and were clipped.")
        self.say(f"Wrote {' and '.join(outputs.values())}. Not for primary diagnosis.")

    def close(self) -> None:
        """Take the bar away, whatever happened."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _draw(self, event: Event) -> None:
        match event:
            case Started():
                self.say(*self.notes, *event.notes)
                where = f"{event.slices} slices on {event.device}, {event.precision}"
                self.say(f"Noise {event.sigma:.3g}{self.unit}; {where}.")
                if self.kind == "bar" and sys.stderr.isatty():
                    self._start_bar(event.slices)
            case StepDone() if self._bar is not None:
                self._bar.update(self._task, completed=event.done + event.step / event.steps)
            case SliceDone() if self._bar is not None:
                self._bar.update(self._task, completed=event.done)

    def _start_bar(self, total: int) -> None:
        from rich.console import Console  # only when a bar is drawn
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        percent = TextColumn("{task.percentage:3.0f} %")
        columns = (TextColumn("Denoising"), BarColumn(), percent, TimeRemainingColumn())
        self._bar = Progress(*columns, console=Console(stderr=True))
        self._bar.start()
        self._task = self._bar.add_task("denoise", total=total)


def emit(record: dict[str, Any]) -> None:
    """One JSON object on a line of its own on standard output."""
    print(json.dumps(record), flush=True)
