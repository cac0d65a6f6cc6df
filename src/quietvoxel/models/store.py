"""Find, load and save models. Weights are read with safetensors only: nothing that could run code is unpickled."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from quietvoxel.errors import ModelError
from quietvoxel.models.card import ModelCard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

BUNDLED = Path(__file__).parent / "bundled"


def model_folder() -> Path:
    """Where the user's own models live: `QUIETVOXEL_HOME/models`, or the platform's data folder."""
    home = os.environ.get("QUIETVOXEL_HOME")
    if home:
        return Path(home) / "models"
    from platformdirs import user_data_path  # only where it is needed: keeps --help fast

    return user_data_path("quietvoxel", appauthor=False) / "models"


def read_card(path: Path) -> ModelCard:
    """Read one card.

    Raises
    ------
    ModelError
        If it is damaged or its weight file is not there.
    """
    try:
        card = ModelCard.model_validate(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        msg = f"{path.name} is not a readable model card; import the model again."
        raise ModelError(msg) from error
    weights = path.with_suffix(".safetensors")
    if not weights.exists():
        msg = f"The model '{card.name}' has a card but no weight file {weights.name}; import the model again."
        raise ModelError(msg)
    return card.model_copy(update={"origin": weights})


def list_models() -> list[ModelCard]:
    """Every readable model, the user's own first; a damaged one does not hide the others."""
    cards: dict[str, ModelCard] = {}
    for folder in (model_folder(), BUNDLED):
        for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
            try:
                card = read_card(path)
            except ModelError:
                continue
            cards.setdefault(card.name, card)
    return list(cards.values())


def find_model(name: str | None = None, *, engine: str = "relativeflow", modality: str = "CT") -> ModelCard:
    """The model of a name, or the bundled one for an engine and modality.

    Raises
    ------
    ModelError
        If there is none, with the list of those that there are.
    """
    models = list_models()
    fitting = [m for m in models if m.engine == engine]
    if name is not None:
        chosen = [m for m in fitting if m.name == name]
        reason = f"There is no model '{name}' for the engine {engine}"
    else:
        # OTHER (PET, ultrasound, ...) has no model of its own: magnitudes are closest to MR.
        wanted = "CT" if modality == "CT" else "MR"
        chosen = [m for m in fitting if m.modality == wanted]
        reason = f"There is no {engine} model for {modality}"
    if not chosen:
        names = ", ".join(m.name for m in models) or "none"
        msg = f"{reason}; available: {names}."
        raise ModelError(msg)
    return chosen[0]


def model_named(name: str) -> ModelCard:
    """The model of this name, whatever its engine.

    Raises
    ------
    ModelError
        If there is none.
    """
    models = list_models()
    for card in models:
        if card.name == name:
            return card
    msg = f"There is no model '{name}'; available: {', '.join(m.name for m in models) or 'none'}."
    raise ModelError(msg)


def load_tensors(card: ModelCard) -> dict[str, Tensor]:
    """Read a model's weights and check them against the card's SHA-256.

    Raises
    ------
    ModelError
        If the file is missing, damaged or not the one that the card describes.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load  # imports torch

    if card.origin is None:
        msg = f"The model '{card.name}' has no weight file; import the model again."
        raise ModelError(msg)
    try:
        content = card.origin.read_bytes()
        if hashlib.sha256(content).hexdigest() != card.sha256:
            msg = f"{card.origin.name} is not the file its card describes (SHA-256 differs); import the model again."
            raise ModelError(msg)
        tensors: dict[str, Tensor] = load(content)
    except (OSError, SafetensorError) as error:
        msg = f"{card.origin.name} cannot be read as a weight file; import the model again."
        raise ModelError(msg) from error
    return tensors


def save_model(folder: Path, tensors: Mapping[str, Tensor], card: Mapping[str, Any]) -> ModelCard:
    """Write weights as float16 and their card; both appear whole or not at all.

    Parameters
    ----------
    folder : of the model.
    tensors : of all networks, named `network.parameter`.
    card : the fields of `ModelCard` without `sha256` and `parameters`.
    """
    import torch
    from safetensors.torch import save

    content = save({name: value.detach().to("cpu", torch.float16).contiguous() for name, value in tensors.items()})
    complete = ModelCard.model_validate(
        {
            **card,
            "sha256": hashlib.sha256(content).hexdigest(),
            "parameters": sum(value.numel() for value in tensors.values()),
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"{complete.name}.safetensors"
    for path, data in (
        (weights, content),
        (weights.with_suffix(".json"), (complete.model_dump_json(indent=2) + "\n").encode()),
    ):
        partial = path.with_name(path.name + ".part")
        partial.write_bytes(data)
        partial.replace(path)
    return complete.model_copy(update={"origin": weights})
