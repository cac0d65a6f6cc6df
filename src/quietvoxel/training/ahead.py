"""The next batch is made while the network learns from this one, so that a GPU does not wait for data."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, TypeVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Ahead(Generic[T]):
    """Makes what belongs to step n + 1 in a thread of its own while step n is used.

    What is made depends on the step alone, so that it does not matter which thread made it.

    Parameters
    ----------
    make : from a step to what belongs to it.
    last : no step from this one on is made in advance.
    """

    def __init__(self, make: Callable[[int], T], last: int) -> None:
        self.make, self.last = make, last
        self._next: tuple[int, Future[T]] | None = None
        self._pool = ThreadPoolExecutor(
            1, "quietvoxel-batches", initializer=torch.set_num_threads, initargs=(1,)
        )

    def take(self, step: int) -> T:
        """What belongs to this step; the next one is begun."""
        waiting, self._next = self._next, None
        found = waiting[1].result() if waiting and waiting[0] == step else self.make(step)
        if step + 1 < self.last:
            self._next = (step + 1, self._pool.submit(self.make, step + 1))
        return found

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(wait=True, cancel_futures=True)
