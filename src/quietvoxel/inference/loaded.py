"""Engines kept warm: loading weights takes longer than denoising a slice."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from quietvoxel.engines.registry import engine_info
from quietvoxel.errors import ModelError, OutOfMemoryError
from quietvoxel.inference.devices import is_out_of_memory
from quietvoxel.models import ModelCard, load_tensors

if TYPE_CHECKING:
    import torch

    from quietvoxel.engines.contract import Engine


class _ByHash:
    """A card as a cache key: two cards with the same weights on the same device are the same engine."""

    def __init__(self, card: ModelCard) -> None:
        self.card = card

    def __hash__(self) -> int:
        return hash(self.card.sha256)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByHash) and other.card.sha256 == self.card.sha256


def load_engine(card: ModelCard, device: torch.device) -> Engine:
    """The engine of a model on a device; the last few are kept in memory."""
    return _load(_ByHash(card), device)


@lru_cache(maxsize=4)
def _load(key: _ByHash, device: torch.device) -> Engine:
    card = key.card
    try:
        return engine_info(card.engine).load(card.architecture, load_tensors(card), device)
    except (ValueError, KeyError, IndexError, TypeError, RuntimeError) as error:
        if is_out_of_memory(error):
            msg = f"The memory of {device} does not hold the model '{card.name}'; close other programs."
            raise OutOfMemoryError(msg) from error
        msg = (
            f"The card of the model '{card.name}' does not describe a {card.engine} network; import it again."
        )
        raise ModelError(msg) from error
