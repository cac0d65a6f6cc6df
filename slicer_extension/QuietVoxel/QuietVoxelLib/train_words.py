"""What a training says, as lines for the user: its events, and the core's sentences in the words of the section."""

import re

from .words import _, clock


def references_lines(record):
    """What was found in the references."""
    low, high = record["noise"]
    return [
        _("{volumes} volumes · {modality} · {slices} slices · noise {low:.3g}–{high:.3g} {unit}").format(
            volumes=record["volumes"],
            modality=record["modality"],
            slices=record["slices"],
            low=low,
            high=high,
            unit=record["unit"],
        ),
        *(
            _("Reference {number} is left out: {reason}.").format(number=one["number"], reason=one["reason"])
            for one in record["left_out"]
        ),
        *record["notes"],
    ]


def plan_line(record):
    """What a plan takes; of the event `plan` of a training, or `foreseen` of a measurement before it."""
    return _("{steps} steps, about {time} and {memory:.1f} GB of memory, on {device}").format(
        steps=record["steps"],
        time=clock(record["seconds"]),
        memory=record["memory_bytes"] / 1e9,
        device=record["device"],
    )


def reading_line(record):
    """How many references were read."""
    return _("reading references {done}/{total}").format(done=record["done"], total=record["total"])


def progress_line(record):
    """Where the training is."""
    return _("{stage}: epoch {epoch}/{epochs}, loss {loss:.4f}, {time} left").format(
        stage=record["stage"],
        epoch=record["epoch"],
        epochs=record["epochs"],
        loss=record["loss"],
        time=clock(record["eta_s"]),
    )


def in_section_words(sentence, option_words):
    """A sentence that names options of the command line, with what the section calls them.

    Parameters
    ----------
    option_words : {"--resume": "Resume", …}, as the worker tells them.
    """
    return re.sub(r"--[a-z][a-z-]*", lambda match: option_words.get(match[0], match[0]), sentence)
