"""How like the training images a volume is, said in one word and a number: for engines that have a likelihood."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

WORDS = ((3.0, "typical"), (6.0, "unusual"))
"""Up to so many standard deviations, the word; beyond the last, `STRANGE`."""

STRANGE = "foreign"


def likeness_notes(unlikeness: Iterable[float]) -> list[str]:
    """One sentence, or none where nothing is known.

    Parameters
    ----------
    unlikeness : of each slice, in standard deviations of the training images' log-likelihood.
    """
    values = list(unlikeness)
    if not values:
        return []
    middle = median(values)
    word = next((word for limit, word in WORDS if middle <= limit), STRANGE)
    return [f"Beside the model's training images this volume is {word} ({middle:.1f} SD)."]
