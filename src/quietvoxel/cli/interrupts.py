"""Ctrl-C and SIGTERM: while slices are denoised, a question asked before each step; else an exception."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Handler = Callable[[int, Any], None]


@contextmanager
def handling(numbers: tuple[int, ...], handler: Handler) -> Iterator[None]:
    """Handle signals so; outside the main thread, where Python has no signals, do nothing."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def terminate_as_interrupt() -> Any:
    """Let SIGTERM unwind the program as Ctrl-C does, so that no unfinished file stays behind."""

    def interrupt(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    return handling((signal.SIGTERM,), interrupt)


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C or SIGTERM into a True of the callable given; the second one interrupts."""
    asked = threading.Event()

    def ask(_number: int, _frame: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    with handling((signal.SIGINT, signal.SIGTERM), ask):
        yield asked.is_set
