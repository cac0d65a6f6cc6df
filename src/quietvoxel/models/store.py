"""Find, load and save models. Weights are safetensors only: nothing that could run code is unpickled."""

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
    """Where the user's own models live: QUIETVOXEL_MODELS, QUIETVOXEL_HOME/models, or the platform's data folder."""
    folder = os.environ.get("QUIETVOXEL_MODELS")
    if folder:
        return Path(folder)
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
    """Every readable model, the user's own first; an own model hides a bundled one of the same name."""
    return _read_all()[0]


def damaged_models() -> list[str]:
    """A sentence for each model that cannot be read, and that is therefore not among `list_models`."""
    return list(_read_all()[1].values())


def _read_all() -> tuple[list[ModelCard], dict[str, str]]:
    cards: dict[str, ModelCard] = {}
    damaged: dict[str, str] = {}
    for folder in (model_folder(), BUNDLED):
        for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
            try:
                card = read_card(path)
            except ModelError as error:
                damaged.setdefault(path.stem, str(error))
                continue
            cards.setdefault(card.name, card)
    return list(cards.values()), damaged


def find_model(name: str | None = None, *, engine: str = "relativeflow", modality: str = "CT") -> ModelCard:
    """Find the model of a name, or the general one for an engine and modality.

    Without a name, the model called `ENGINE-MODALITY` is taken, the user's own before the bundled one; a
    model of another name only where there is no such.

    Raises
    ------
    ModelError
        If there is none, or it is damaged or another engine's; with the list of those that there are.
    """
    if name is not None:
        card = model_named(name)
        if card.engine != engine:
            msg = f"The model '{name}' belongs to the engine {card.engine}; add --engine {card.engine}."
            raise ModelError(msg)
        return card
    # OTHER (PET, ultrasound, ...) has no model of its own: magnitudes are closest to MR.
    wanted = "CT" if modality == "CT" else "MR"
    models, damaged = _read_all()
    fitting = [m for m in models if m.engine == engine and m.modality == wanted]
    general = f"{engine}-{wanted.lower()}"
    for card in sorted(fitting, key=lambda m: m.name != general):
        return card
    if general in damaged:
        raise ModelError(damaged[general])
    msg = f"There is no {engine} model for {modality}; available: {_names(models)}."
    raise ModelError(msg)


def model_named(name: str) -> ModelCard:
    """Find the model of this name, whatever its engine.

    Raises
    ------
    ModelError
        If there is none, or it is damaged.
    """
    models, damaged = _read_all()
    for card in models:
        if card.name == name:
            return card
    msg = damaged.get(name, f"There is no model '{name}'; available: {_names(models)}.")
    raise ModelError(msg)


def _names(models: list[ModelCard]) -> str:
    return ", ".join(m.name for m in models) or "none"


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
            msg = f"{card.origin.name} is not what its card says (SHA-256 differs); import the model again."
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

    Raises
    ------
    ModelError
        If a weight is not finite.
    """
    import torch
    from safetensors.torch import save

    half = {name: value.detach().to("cpu", torch.float16).contiguous() for name, value in tensors.items()}
    if not all(torch.isfinite(value).all() for value in half.values()):
        msg = f"The weights of '{card.get('name')}' overflow float16 and were not saved; train again."
        raise ModelError(msg)
    content = save(half)
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
