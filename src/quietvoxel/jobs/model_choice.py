"""Which models a dock offers for an engine and a volume, and what it says of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietvoxel.volume import Modality

if TYPE_CHECKING:
    from quietvoxel.models import ModelCard


def models_for(engine: str, modality: str) -> list[ModelCard]:
    """Models of an engine, those of the modality first, the general one before the others.

    Models of another modality are offered too, for a study that fits none may be worth a try; the run then says so.
    """
    from quietvoxel.models import list_models

    general = f"{engine}-{_wanted(modality).lower()}"
    cards = [card for card in list_models() if card.engine == engine]
    return sorted(cards, key=lambda card: (not fits(card, modality), card.name != general))


def fits(card: ModelCard, modality: str) -> bool:
    """Whether a model is meant for a modality; magnitudes of every kind are closest to MR."""
    return card.modality == _wanted(modality)


def engines_with_models() -> set[str]:
    """Names of the engines that have a model of any modality."""
    from quietvoxel.models import list_models

    return {card.engine for card in list_models()}


def _wanted(modality: str) -> str:
    return "CT" if modality == Modality.CT else "MR"


def card_lines(card: ModelCard) -> dict[str, list[str]]:
    """What a user reads before choosing a model: headings and their sentences; the first has no heading."""
    lines = {
        "": [card.description],
        "Trained on": card.training_data,
        "Noise range": [card.noise_range],
        "Quality": card.quality,
        "Meant for": [card.intended_use],
        "Licence": [card.licence],
    }
    return {heading: texts for heading, texts in lines.items() if any(texts)}
