"""A reader for the thread's messages, and small noisy volumes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import quietvoxel.jobs.thread
from quietvoxel.jobs import Cancelled, Done, Failure, InferenceThread, Mailbox
from quietvoxel.volume import Geometry, Modality, Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from quietvoxel.jobs import JobContext, Message, Ticket


class Reader:
    """Waits for messages as a GUI's event loop would."""

    def __init__(self) -> None:
        self.woken = threading.Event()
        self.mailbox: Mailbox[Message] = Mailbox(self.woken.set)
        self.read: list[Message] = []

    def until(self, wanted: Callable[[list[Message]], bool], seconds: float = 60.0) -> list[Message]:
        while not wanted(self.read):
            assert self.woken.wait(seconds), f"only {self.read} came"
            self.woken.clear()
            self.read += self.mailbox.drain()
        return self.read

    def outcome(self, ticket: Ticket) -> Done | Cancelled | Failure:
        """Wait for the end of a job."""

        def ended(read: list[Message]) -> bool:
            return any(m.ticket is ticket and isinstance(m.content, Done | Cancelled | Failure) for m in read)

        self.until(ended)
        return next(
            m.content
            for m in self.read
            if m.ticket is ticket and isinstance(m.content, Done | Cancelled | Failure)
        )

    def told(self, ticket: Ticket, kind: type) -> list[Any]:
        return [m.content for m in self.read if m.ticket is ticket and isinstance(m.content, kind)]


@dataclass(eq=False)
class Steps:
    """A job of steps, each of which waits until it is let through, unless all are."""

    log: list[str]
    name: str = "steps"
    steps: int = 3
    error: BaseException | None = None
    gate: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    reached: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def run(self, context: JobContext) -> str:
        from quietvoxel.errors import CancelledError

        for step in range(self.steps):
            self.reached.release()
            self.gate.acquire()
            if context.cancelled():
                raise CancelledError
            if self.error is not None:
                raise self.error
            self.log.append(f"{self.name} {step}")
            context.tell(step)
            context.give_way()
        return self.name

    def let_go(self, steps: int = 100) -> Steps:
        self.gate.release(steps)
        return self


@pytest.fixture(autouse=True)
def _on_equal_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy test machine a thread of low priority would hardly ever get its turn."""
    monkeypatch.setattr(quietvoxel.jobs.thread, "NICENESS", 0)


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def thread() -> Iterator[InferenceThread]:
    thread = InferenceThread()
    yield thread
    thread.stop()


@pytest.fixture
def steps() -> type[Steps]:
    return Steps


@pytest.fixture
def noisy() -> Callable[..., Volume]:
    """A maker of CT volumes: a bright square in water, and noise."""

    def make(
        shape: tuple[int, int, int] = (4, 40, 48), dtype: str = "float32", spacing_z: float = 3.0
    ) -> Volume:
        rng = np.random.default_rng(3)
        data = np.full(shape, 40.0)
        data[:, shape[1] // 3 : shape[1] // 2, shape[2] // 3 : shape[2] // 2] = 300.0
        data += rng.normal(0.0, 20.0, shape)
        return Volume(data.astype(dtype), Geometry((1.0, 1.0, spacing_z)), Modality.CT)

    return make
