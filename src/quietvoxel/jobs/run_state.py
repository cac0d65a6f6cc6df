"""The states of a run as its user sees them, without any GUI: what the one button says follows from them."""

from __future__ import annotations

from enum import StrEnum


class RunState(StrEnum):
    """Where a run is."""

    IDLE = "idle"
    PREPARING = "preparing"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"

    @property
    def busy(self) -> bool:
        """Whether a second run has to wait."""
        return self in {RunState.PREPARING, RunState.RUNNING, RunState.CANCELLING}


class RunMachine:
    """Moves from state to state; a step that makes no sense is refused.

    Idle, done and failed are at rest: from each of them a new run may start, and every run ends in one of them.
    """

    def __init__(self) -> None:
        self._state = RunState.IDLE

    @property
    def state(self) -> RunState:
        """Where the run is."""
        return self._state

    def submit(self) -> None:
        """A run was handed in.

        Raises
        ------
        RuntimeError
            If one is under way.
        """
        if self._state.busy:
            msg = f"a run is {self._state}; another cannot start"
            raise RuntimeError(msg)
        self._state = RunState.PREPARING

    def started(self) -> None:
        """The first slice is being worked on; a run that is to be cancelled stays so."""
        if self._state is RunState.PREPARING:
            self._state = RunState.RUNNING

    def ask_cancel(self) -> bool:
        """The user wants to stop; False where there is nothing to stop, or it was asked before."""
        if self._state not in {RunState.PREPARING, RunState.RUNNING}:
            return False
        self._state = RunState.CANCELLING
        return True

    def done(self) -> None:
        """The run ended well."""
        self._end(RunState.DONE)

    def cancelled(self) -> None:
        """The run stopped."""
        self._end(RunState.IDLE)

    def failed(self) -> None:
        """The run ended with an error."""
        self._end(RunState.FAILED)

    def _end(self, state: RunState) -> None:
        if not self._state.busy:
            msg = f"no run is under way, it is {self._state}"
            raise RuntimeError(msg)
        self._state = state
