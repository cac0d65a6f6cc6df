"""What `quietvoxel train` shows: sentences and a bar for people, one JSON object a line for programs."""

import sys
from typing import Any

from quietvoxel.cli.reporting import ProgressKind, emit
from quietvoxel.jobs.progress_line import clock


class TrainReporter:
    """Shows the events of a training (docs/training.md).

    Parameters
    ----------
    kind : "bar", "jsonl", or "none" for sentences without a bar.
    quiet : print nothing.
    """

    def __init__(self, kind: ProgressKind, *, quiet: bool = False) -> None:
        self.kind, self.quiet = kind, quiet
        self._bar: Any = None
        self._task: Any = None
        self._stage = ""

    def __call__(self, event: dict[str, Any]) -> None:
        """Show an event."""
        if self.quiet:
            return
        if self.kind == "jsonl":
            emit(event)
            return
        sentence = _sentence(event)
        if sentence:
            self.say(sentence)
        if event["event"] == "progress" and self.kind == "bar" and sys.stderr.isatty():
            self._draw(event)

    def say(self, sentence: str) -> None:
        """Print a sentence for a person."""
        if self.kind != "jsonl" and not self.quiet:
            print(sentence, file=sys.stderr)

    def cancelled(self, sentence: str) -> None:
        """Say that the training was stopped and can go on."""
        self.close()
        if self.kind == "jsonl":
            emit({"event": "cancelled", "message": sentence})
        print(sentence, file=sys.stderr)

    def close(self) -> None:
        """Take the bar away, whatever happened."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _draw(self, event: dict[str, Any]) -> None:
        if self._bar is None or self._stage != event["stage"]:
            from rich.console import Console  # only when a bar is drawn
            from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

            self.close()
            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"))
            self._bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
            self._bar.start()
            self._task = self._bar.add_task("Training", total=event["steps"])
            self._stage = event["stage"]
        words = f"epoch {event['epoch']}/{event['epochs']}, loss {event['loss']:.4f}"
        self._bar.update(self._task, completed=event["step"], description=words)


def _sentence(event: dict[str, Any]) -> str:
    """An event in words; "" for those that a person need not read."""
    match event["event"]:
        case "started" if event["resumed"]:
            return f"Going on with the training '{event['name']}'."
        case "references":
            low, high = event["noise"]
            lines = [
                (
                    f"{event['volumes']} volumes, {event['modality']}, {event['slices']} slices, "
                    f"noise {low:.3g} to {high:.3g} {event['unit']}."
                ),
                *(f"Reference {one['number']} is left out: {one['reason']}." for one in event["left_out"]),
                *event["notes"],
            ]
            return "\n".join(lines)
        case "plan":
            memory = event["memory_bytes"] / 1e9
            lines = [
                *event["notes"],
                (
                    f"{event['steps']} steps, about {clock(event['seconds'])} and {memory:.1f} GB of memory, "
                    f"on {event['device']} in {event['precision']}."
                ),
            ]
            return "\n".join(lines)
        case "foreseen":
            return (
                f"{event['plan']}: {event['steps']} steps of {event['seconds_per_step']:.3g} s, "
                f"about {clock(event['seconds'])} and {event['memory_bytes'] / 1e9:.1f} GB of memory, "
                f"on {event['device']} in {event['precision']}."
            )
        case "validation":
            return (
                f"{event['stage']}, step {event['step']}: held-out PSNR {event['psnr']:.2f} dB "
                f"({event['psnr'] - event['psnr_start']:+.2f}), SSIM {event['ssim']:.4f}"
                + (", the best so far." if event["better"] else ".")
            )
        case "paused":
            return f"Paused at step {event['step']}."
        case "note" | "finished":
            return str(event["message"])
    return ""
