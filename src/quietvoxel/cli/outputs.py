"""The files a command writes besides its image, and taking all of them back when one fails."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from quietvoxel.errors import QuietVoxelError
from quietvoxel.volume import Volume

IMAGE_ENDINGS = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")


def sidecar(output: Path) -> Path:
    """Where the record of how a file was made goes: scan.nii.gz -> scan.quietvoxel.json."""
    name = output.name
    for ending in IMAGE_ENDINGS:
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
            break
    return output.with_name(f"{name}.quietvoxel.json")


def write_record(record: dict[str, Any], path: Path) -> None:
    """Write a provenance record whole or not at all.

    Raises
    ------
    QuietVoxelError
        If the disk refuses.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_text(json.dumps(record, indent=2) + "\n", "utf-8")
        partial.replace(path)
    except OSError as error:
        msg = f"{path} could not be written ({error.strerror}); choose another folder or free some space."
        raise QuietVoxelError(msg) from error
    finally:
        partial.unlink(missing_ok=True)


def removed_noise(before: Volume, after: Volume) -> Volume:
    """What denoising took away, in float32: a difference has a sign, which the stored type may not have."""
    source = replace(after.source, stored_dtype="float32", slope=1.0, intercept=0.0)
    return replace(after, data=before.as_float32() - after.as_float32(), source=source)


@contextmanager
def all_or_none() -> Iterator[list[Path]]:
    """Take back the files put on the list when anything goes wrong before the end."""
    made: list[Path] = []
    try:
        yield made
    except BaseException:
        for path in made:
            path.unlink(missing_ok=True)
        raise
