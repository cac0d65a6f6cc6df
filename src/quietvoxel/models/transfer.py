"""Models on the move: one file to hand on, which is checked before it becomes a model here, and removing one's own."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from quietvoxel.errors import BadInputError, ModelError, QuietVoxelError
from quietvoxel.models.card import ModelCard
from quietvoxel.models.store import BUNDLED, list_models, load_tensors, model_folder, model_named, save_model

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

CARD = "quietvoxel_card"
"""Name of the card in the file's metadata."""

ENDING = ".safetensors"


def export_file(name: str, path: Path, *, overwrite: bool = False) -> ModelCard:
    """Write a model as one safetensors file with its card in the metadata.

    Parameters
    ----------
    name : of the model.
    path : the file; `.safetensors` is added where it is missing, and a folder gets a file of the model's name.
    overwrite : replace a file that is there.

    Returns
    -------
    The card; `origin` is the file written.

    Raises
    ------
    ModelError
        If there is no such model, or it is damaged.
    BadInputError
        If the file exists.
    QuietVoxelError
        If it cannot be written.
    """
    from safetensors.torch import save  # imports torch

    card = model_named(name)
    if path.is_dir():
        path = path / f"{name}{ENDING}"
    elif path.suffix != ENDING:
        path = path.with_name(path.name + ENDING)
    if path.exists() and not overwrite:
        msg = f"{path} exists already; give another name, or replace it with --overwrite."
        raise BadInputError(msg)
    content = save(load_tensors(card), metadata={CARD: card.model_dump_json()})
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        msg = f"{path} could not be written ({error.strerror}); choose another folder or free some space."
        raise QuietVoxelError(msg) from error
    return card.model_copy(update={"origin": path})


def import_file(path: Path, *, name: str | None = None, overwrite: bool = False) -> ModelCard:
    """Check a file that `export_file` wrote, and put it among the user's own models.

    Parameters
    ----------
    path : the file.
    name : under which it is kept here; its own when not given.
    overwrite : replace a model of this name.

    Raises
    ------
    ModelError
        If the file is damaged, has no card, or its weights are not those of the card.
    BadInputError
        If the file or its name cannot be used.
    """
    card, tensors = read_file(path)
    wanted = name or card.name
    if wanted in {known.name for known in list_models()} and not overwrite:
        msg = f"There is a model '{wanted}' already; give another --name, or replace it with --overwrite."
        raise BadInputError(msg)
    fields = card.model_dump(exclude={"origin", "sha256", "parameters"}) | {"name": wanted}
    try:
        return save_model(model_folder(), tensors, fields)
    except ValidationError as error:
        msg = (
            f"'{wanted}' cannot be a model's name; use small letters, digits, '-', '.' and '_', "
            "a letter or digit first."
        )
        raise BadInputError(msg) from error


def read_file(path: Path) -> tuple[ModelCard, Mapping[str, Tensor]]:
    """Read and check a file that `export_file` wrote.

    Raises
    ------
    ModelError
        If it is damaged, has no card, or its weights are not those of the card.
    BadInputError
        If it does not exist.
    """
    import torch
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import save

    from quietvoxel.engines.registry import engine_info

    if not path.is_file():
        msg = f"{path} does not exist; check the name."
        raise BadInputError(msg)
    try:
        with safe_open(path, framework="pt") as stored:
            metadata: dict[str, str] = stored.metadata() or {}
            tensors: dict[str, Any] = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118  # no mapping
    except (OSError, SafetensorError) as error:
        msg = f"{path} is damaged or no safetensors file; export the model again."
        raise ModelError(msg) from error
    if CARD not in metadata:
        msg = f"{path} has no model card in it; export it with quietvoxel models export."
        raise ModelError(msg)
    try:
        card = ModelCard.model_validate(json.loads(metadata[CARD]))
    except (ValueError, ValidationError) as error:
        msg = (
            f"The model card in {path} cannot be read; export the model again with the same version as here."
        )
        raise ModelError(msg) from error
    # The card's hash is of the bare weight file, which the same tensors always give.
    if hashlib.sha256(save(tensors)).hexdigest() != card.sha256:
        msg = f"The weights in {path} are not those that its card describes; export the model again."
        raise ModelError(msg)
    try:
        engine_info(card.engine).load(card.architecture, tensors, torch.device("cpu"))
    except (BadInputError, ValueError, KeyError, IndexError, TypeError, RuntimeError) as error:
        msg = f"The weights in {path} do not make a {card.engine} network here; update QuietVoxel or export it again."
        raise ModelError(msg) from error
    return card, tensors


def remove_model(name: str) -> ModelCard:
    """Delete one of the user's own models.

    Returns
    -------
    The card of what was deleted.

    Raises
    ------
    BadInputError
        If it came with QuietVoxel.
    ModelError
        If there is none of this name.
    """
    folder = model_folder()
    path = folder / f"{name}.json"
    if path.parent != folder or not path.exists():
        card = model_named(name)
        if card.origin is not None and card.origin.parent == BUNDLED:
            msg = f"The model '{name}' came with QuietVoxel and cannot be removed; only your own can."
            raise BadInputError(msg)
        path = (card.origin or path).with_suffix(".json")
    else:
        card = model_named(name)
    # The card first: weights without a card are no model, a card without weights is a damaged one.
    path.unlink(missing_ok=True)
    path.with_suffix(ENDING).unlink(missing_ok=True)
    return card
