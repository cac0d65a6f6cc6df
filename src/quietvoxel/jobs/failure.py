"""What went wrong, as text: a stored exception would keep tensors alive through its traceback."""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from quietvoxel.errors import QuietVoxelError


@dataclass(frozen=True)
class Failure:
    """The job failed.

    Attributes
    ----------
    sentence : for the user: what is wrong and what to do.
    details : the traceback, for whoever mends the program; "" where the sentence says all.
    """

    sentence: str
    details: str = ""


def failure_of(error: BaseException) -> Failure:
    """Put any exception into one sentence."""
    if isinstance(error, QuietVoxelError):
        return Failure(str(error))
    details = "".join(traceback.format_exception(error))
    first_line = str(error).strip().partition("\n")[0].rstrip(".")
    if isinstance(error, MemoryError) or _says_out_of_memory(error):
        return Failure(
            "The memory ran out; close other programs, or choose a smaller tile or the CPU.", details
        )
    if isinstance(error, RuntimeError) and ("CUDA" in str(error) or "cuDNN" in str(error)):
        return Failure(f"The GPU reported an error ({first_line}); try again, or choose the CPU.", details)
    kind = type(error).__name__
    reason = f"{kind}: {first_line}" if first_line else kind
    return Failure(f"Something went wrong that should not have ({reason}); please report it.", details)


def forget(error: BaseException) -> None:
    """Let go of the frames an exception holds, and with them of every tensor in them."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        waiting += [one.__cause__, one.__context__]
        one.__traceback__ = one.__cause__ = one.__context__ = None


def _says_out_of_memory(error: BaseException) -> bool:
    from quietvoxel.inference.devices import is_out_of_memory  # imports torch

    return is_out_of_memory(error)
