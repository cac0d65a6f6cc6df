"""What the list of references says of each, and of all of them together. No Qt."""

from dataclasses import dataclass, field
from pathlib import Path

from napari.layers import Layer

from quietvoxel.jobs import ReferenceFound, ReferencesSummary, Ticket, summary_of


@dataclass(eq=False)
class Entry:
    """One line of the list.

    Attributes
    ----------
    source : a file, a folder, or a layer.
    found : what was found there.
    trouble : why there is nothing.
    ticket : of the job that looks; None when it has ended.
    done, total : how far it is.
    """

    source: Path | Layer
    found: list[ReferenceFound] = field(default_factory=list)
    trouble: str = ""
    ticket: Ticket | None = None
    done: int = 0
    total: int = 0

    @property
    def name(self) -> str:
        """What the user calls it."""
        return self.source.name

    def line(self) -> str:
        """What the list says of it."""
        if self.ticket is not None:
            return f"{self.name} · reading" + (f" {self.done}/{self.total}" if self.total > 1 else "…")
        known = summary_of(self.found)
        if self.trouble or not known.volumes:
            return f"{self.name} · left out"
        volumes = f"{known.volumes} volumes · " if known.volumes > 1 else ""
        return f"{self.name} · {volumes}{known.modality} · {counted(known.slices, 'slice')}"


def summary_line(known: ReferencesSummary) -> str:
    """References in one line: "12 volumes · CT · 1 340 slices · noise 14–22 HU"."""
    low, high = known.noise if known.unit == "HU" else (100 * known.noise[0], 100 * known.noise[1])
    digits = 0 if low >= 10 else 1
    noise = (
        f"{low:.{digits}f}"
        if round(low, digits) == round(high, digits)
        else f"{low:.{digits}f}–{high:.{digits}f}"
    )
    unit = "HU" if known.unit == "HU" else "% of the signal"
    said = f"noise {noise} {unit}" if high > 0 else "noise unknown"
    return (
        f"{counted(known.volumes, 'volume')} · {known.modality} · {counted(known.slices, 'slice')} · {said}"
    )


def counted(number: int, what: str) -> str:
    """A number with its noun: "1 volume", "1 340 slices"."""
    return f"{number:,}".replace(",", " ") + f" {what}" + "s" * (number != 1)
