"""From trained networks to a model in the store: what a card says is the same for pre-training and fine-tuning."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from quietvoxel import __version__
from quietvoxel.degradation.noise_time import noise_time_for
from quietvoxel.models import ModelCard, save_model

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

INTENDED_USE = "Research on CT and MR denoising; not for primary diagnosis."


def noise_words(recipe: Any) -> str:
    """The noise levels that a recipe trains on, in words."""
    noise_time = noise_time_for(recipe.modality)
    low, high = (math.sqrt(noise_time.variance(t)) for t in (recipe.delta_min, recipe.delta_max))
    if recipe.modality == "CT":
        return f"{1000 * low:.1f} to {1000 * high:.0f} HU"
    return f"{low:.3f} to {high:.2f} of the 99.5th percentile"


def intensity_words(modality: str) -> str:
    """The transform to network units, in words."""
    if modality == "CT":
        return "HU / 1000, shown to the network within -1024 to 3072 HU"
    return "magnitude / its 99.5th percentile inside the field of view"


def tensors_of(networks: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """All weights, named `network.parameter` as in a model file."""
    return {
        f"{prefix}.{name}": value
        for prefix, network in networks.items()
        for name, value in network.state_dict().items()
    }


def export_model(
    folder: Path, tensors: Mapping[str, Tensor], recipe: Any, fields: Mapping[str, Any]
) -> ModelCard:
    """Write weights as a model with its card.

    Parameters
    ----------
    folder : of the model.
    tensors : as `tensors_of` gives them.
    recipe : what the networks were built and trained by.
    fields : of the card, as far as they do not follow from the recipe; they go before what does.

    Raises
    ------
    ModelError
        If a weight is not finite.
    """
    return save_model(
        folder,
        tensors,
        {
            "modality": recipe.modality,
            "architecture": recipe.model_dump(mode="json"),
            "intensity": intensity_words(recipe.modality),
            "noise_range": noise_words(recipe),
            "intended_use": INTENDED_USE,
            "licence": "Apache-2.0",
            "version": __version__,
            **fields,
        },
    )
