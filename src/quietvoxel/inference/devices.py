"""Which device and which precision a run uses, and what is said about it."""

from __future__ import annotations

import torch

from quietvoxel.errors import BadInputError


def choose_device(wanted: str = "auto") -> torch.device:
    """Turn a name into a device that is there.

    Raises
    ------
    BadInputError
        If the name is unknown or no such device is there.
    """
    if wanted == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        msg = f"There is no device '{wanted}'; choose auto, cpu, cuda or mps."
        raise BadInputError(msg) from error
    missing = (device.type == "cuda" and not torch.cuda.is_available()) or (
        device.type == "mps" and not torch.backends.mps.is_available()
    )
    if missing or device.type not in {"cpu", "cuda", "mps"}:
        msg = f"This machine has no usable device '{wanted}'; choose auto or cpu."
        raise BadInputError(msg)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        msg = f"This machine has {torch.cuda.device_count()} CUDA device(s), not '{wanted}'; choose auto."
        raise BadInputError(msg)
    return device


def choose_precision(device: torch.device, wanted: str = "auto") -> torch.dtype:
    """bfloat16 where the hardware computes in it, else float32 (Apple's GPU included)."""
    if wanted == "float32":
        return torch.float32
    if wanted == "bfloat16":
        return torch.bfloat16
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if device.type == "cpu":
        # Without these instructions bfloat16 is emulated and slower than float32.
        abilities = torch.cpu.get_capabilities()
        fast = any(abilities.get(name, False) for name in ("amx_bf16", "avx512_bf16"))
        return torch.bfloat16 if fast else torch.float32
    return torch.float32


def device_notes(device: torch.device, wanted: str) -> tuple[str, ...]:
    """What the user should know: that the CPU is used because no GPU was found."""
    if wanted == "auto" and device.type == "cpu":
        return ("No GPU was found, so the processor does the work.",)
    return ()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that memory ran out; torch tells so in several ways."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    signs = ("out of memory", "can't allocate memory", "cannot allocate memory", "_alloc_failed")
    return isinstance(error, RuntimeError) and any(sign in text for sign in signs)


def release_memory(device: torch.device) -> None:
    """Give cached memory back to the device before a smaller attempt."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
