"""The volumes that a worker holds for its front-end, by the names that the front-end gave them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quietvoxel.errors import BadInputError
from quietvoxel.jobs.array_files import read_array
from quietvoxel.volume import Geometry, Source, Volume

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quietvoxel.jobs.measure_job import Measured


@dataclass
class Held:
    """A volume, and what was measured in it, once it was."""

    volume: Volume
    measured: Measured | None = None


class HeldVolumes:
    """Opened by the front-end, kept until it closes them, so that no voxel is sent twice."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}

    def open(self, line: Mapping[str, Any]) -> Held:
        """Take a volume from a line: `volume` its name, `file` .npy of (z, y, x), geometry in LPS, `modality`.

        Raises
        ------
        BadInputError
            If the file or what is said about it cannot be used.
        """
        held = Held(volume_of(line))
        self._held[str(line["volume"])] = held
        return held

    def close(self, name: str) -> None:
        """Forget a volume, if it is there."""
        self._held.pop(name, None)

    def __getitem__(self, name: Any) -> Held:
        """What is held under a name; see `open` for what is raised."""
        held = self._held.get(str(name))
        if held is None:
            msg = f"The volume '{name}' has not been opened; open it first."
            raise BadInputError(msg)
        return held


def volume_of(line: Mapping[str, Any]) -> Volume:
    """A volume from a file and what a line says about it; see `HeldVolumes.open`."""
    from quietvoxel.io.checks import check_size, check_values
    from quietvoxel.io.modality_guess import guess_modality
    from quietvoxel.io.read import parse_modality

    data = read_array(Path(line["file"]))
    title = Path(line.get("title") or "The volume")  # for messages only
    if data.ndim != 3 or data.dtype.kind not in "iuf":
        msg = f"{title} holds {data.ndim}-D {data.dtype} values, which is no CT or MR volume; choose another one."
        raise BadInputError(msg)
    check_size(title, data.shape)
    data, _ = check_values(title, data, None)
    notes: tuple[str, ...] = ()
    if line.get("modality"):
        modality = parse_modality(str(line["modality"]))
    else:
        modality, reason = guess_modality(data)
        notes = (f"The volume states no modality; taken as {modality} because {reason}.",)
    return Volume(data, _geometry(line, data), modality, _source(line, data, notes))


def _geometry(line: Mapping[str, Any], data: np.ndarray[Any, Any]) -> Geometry:
    try:
        sx, sy, sz = (float(v) for v in line["spacing"])
        ox, oy, oz = (float(v) for v in line["origin"])
        direction = tuple(float(v) for v in line["direction"])
    except (KeyError, TypeError, ValueError) as error:
        msg = "The volume came without a complete geometry; send spacing, origin and direction."
        raise BadInputError(msg) from error
    numbers = np.array([sx, sy, sz, ox, oy, oz, *direction])
    if len(direction) != 9 or not np.isfinite(numbers).all() or min(sx, sy, sz) <= 0 or data.size == 0:
        msg = "The volume's spacing or direction is no geometry; set its spacing in millimetres first."
        raise BadInputError(msg)
    return Geometry((sx, sy, sz), (ox, oy, oz), direction)


def _source(line: Mapping[str, Any], data: np.ndarray[Any, Any], notes: tuple[str, ...]) -> Source:
    return Source(
        series_uid=str(line.get("series_uid") or ""),
        stored_dtype=str(data.dtype),
        window=line.get("window"),
        level=line.get("level"),
        notes=notes,
    )
