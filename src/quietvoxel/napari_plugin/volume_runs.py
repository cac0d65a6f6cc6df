"""Runs over whole volumes, one engine after the other, from the first message to the last."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from napari.experimental import link_layers
from napari.layers import Image

from quietvoxel.inference.events import SliceDone, Started, StepDone
from quietvoxel.jobs import (
    Cancelled,
    DenoiseJob,
    Done,
    Failure,
    Mailbox,
    Message,
    Prepared,
    Ticket,
    inference_thread,
)
from quietvoxel.jobs.progress_line import clock, fraction_done, progress_line
from quietvoxel.napari_plugin.live_preview import LINKED
from quietvoxel.napari_plugin.result_layers import ResultLayer, looks_of
from quietvoxel.napari_plugin.results_list import ResultsList
from quietvoxel.napari_plugin.run_bar import RunBar
from quietvoxel.napari_plugin.screen_slice import slice_on_screen


@dataclass(frozen=True)
class _Plan:
    """What the user asked for, as it was then."""

    source: Image
    name: str
    looks: dict[str, Any]
    jobs: tuple[DenoiseJob, ...]
    then: Callable[[list[Image]], None] | None


class VolumeRuns:
    """Hands jobs to the thread and draws what comes back; the results belong to the layer they were started from.

    Parameters
    ----------
    viewer, mailbox : of the dock.
    bar, results : where progress and results are shown.
    """

    def __init__(self, viewer: Any, mailbox: Mailbox[Message], bar: RunBar, results: ResultsList) -> None:
        self._viewer = viewer
        self._mailbox = mailbox
        self._bar = bar
        self._results = results
        self._plan: _Plan | None = None
        self._ticket: Ticket | None = None
        self._result: ResultLayer | None = None
        self._made: list[Image] = []
        self._notes: list[str] = []
        self._progress: StepDone | None = None
        self._fresh: set[int] = set()
        self._stopped_by = ""

    @property
    def busy(self) -> bool:
        """Whether a run is under way."""
        return self._bar.run.state.busy

    def start(
        self, source: Image, jobs: list[DenoiseJob], then: Callable[[list[Image]], None] | None = None
    ) -> None:
        """Run jobs in turn.

        Parameters
        ----------
        source : layer they belong to.
        jobs : at least one.
        then : called with the source, where it is still there, and the result layers when all went well.
        """
        self._plan = _Plan(source, source.name, looks_of(source), tuple(jobs), then)
        self._made, self._notes, self._stopped_by = [], [*jobs[0].volume.source.notes], ""
        self._bar.run.submit()
        self._bar.say("")
        self._bar.note(self._notes)
        self._bar.show_state()
        self._submit()

    def cancel(self, because: str = "") -> None:
        """Ask the run to stop; the result in the making is taken away when it has."""
        if self._bar.run.ask_cancel():
            self._stopped_by = because
            self._bar.show_state()
            if self._ticket is not None:
                self._ticket.cancel()

    def take(self, message: Message) -> bool:
        """Read a message; False where it is not about a run."""
        if message.ticket is not self._ticket:
            return False
        match message.content:
            case Prepared() as prepared:
                self._prepared(prepared)
            case Started() as started:
                self._started(started)
            case StepDone() as step:
                self._progress = step
            case SliceDone() as part:
                if self._result is not None:
                    self._result.put(part.index, part.pixels)
                    self._fresh.add(part.index)
            case Done() as done:
                self._done(done)
            case Cancelled():
                self._end_early(self._stopped_by or "Cancelled; the unfinished result was taken away.")
                self._bar.run.cancelled()
            case Failure() as failure:
                self._end_early("")
                self._bar.run.failed()
                self._bar.say_failure(failure)
        if not self._bar.run.state.busy:
            self._plan = self._ticket = None
            self._bar.show_state()
        return True

    def flush(self) -> None:
        """After a batch of messages: draw once what they changed."""
        if self._progress is not None and self._bar.run.state.busy:
            self._bar.show_progress(
                fraction_done(self._progress), self._prefix() + progress_line(self._progress)
            )
        self._progress = None
        fresh, self._fresh = self._fresh, set()
        if self._result is None or not fresh or self._viewer.dims.ndisplay == 3:
            return  # in 3-D drawing takes longer than denoising: once at the end
        on_screen = slice_on_screen(self._viewer, self._result.layer, self._result.axis)
        if on_screen is None or on_screen in fresh:
            self._result.refresh()

    def layer_gone(self, layer: Any) -> None:
        """A layer left the viewer."""
        if self._result is not None and layer is self._result.layer:
            self.cancel("The result's layer was removed, so the run was stopped.")
        elif self._plan is not None and layer is self._plan.source:
            self._notes.append("The volume's layer was removed while it was denoised; the result stays.")
            self._bar.note(self._notes)

    def shut(self) -> None:
        """Stop for good: the dock goes."""
        if self._ticket is not None:
            self._ticket.cancel()
        self._ticket = None
        if self._result is not None:
            self._result.remove()

    def abandon(self) -> None:
        """Stop for good: the viewer has gone, and every widget and layer with it."""
        if self._ticket is not None:
            self._ticket.cancel()

    def _submit(self) -> None:
        assert self._plan is not None
        job = self._plan.jobs[len(self._made)]
        self._ticket = inference_thread().submit(job, self._mailbox)

    def _prefix(self) -> str:
        plan = self._plan
        if plan is None or len(plan.jobs) == 1:
            return ""
        return f"engine {len(self._made) + 1}/{len(plan.jobs)}, "

    def _prepared(self, prepared: Prepared) -> None:
        if self._bar.run.state.value == "cancelling":
            return
        plan = self._plan
        assert plan is not None
        job = plan.jobs[len(self._made)]
        self._result = ResultLayer(self._viewer, plan.source, plan.looks, plan.name, job, prepared)
        if plan.source in self._viewer.layers:
            link_layers([plan.source, self._result.layer], LINKED)
        self._results.add(self._result)

    def _started(self, started: Started) -> None:
        self._bar.run.started()
        self._bar.show_state()
        self._notes += started.notes
        self._bar.note(self._notes)
        if self._result is not None:
            self._result.sigma = started.sigma
        if self._bar.run.state.value == "running":
            self._bar.show_progress(0.0, f"{self._prefix()}slice 1/{started.slices} on {started.device}")

    def _done(self, done: Done) -> None:
        result, plan = self._result, self._plan
        self._result = None
        assert plan is not None
        if result is None or not result.in_viewer:  # cancelled or removed at the very last moment
            self._bar.run.cancelled()
            self._bar.say(self._stopped_by or "Cancelled.")
            return
        summary = done.result
        self._notes += summary.notes
        if summary.clipped:
            self._notes.append(
                f"{summary.clipped} voxels lay outside the range of the stored type and were clipped."
            )
        result.finish(summary)
        self._results.show_state()
        self._bar.note(self._notes)
        self._made.append(result.layer)
        if len(self._made) < len(plan.jobs) and self._bar.run.state.value != "cancelling":
            self._submit()
            return
        self._bar.run.done()
        self._bar.say(f"Done in {clock(summary.seconds)}. Not for primary diagnosis.")
        if plan.then is not None and len(self._made) == len(plan.jobs):
            there = [plan.source] if plan.source in self._viewer.layers else []
            plan.then([*there, *self._made])

    def _end_early(self, sentence: str) -> None:
        result, self._result = self._result, None
        if result is not None:
            result.remove()
        self._bar.say(sentence)
