"""The weights of networks: how they start, how they lie in memory, and how those of a model file are put in."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import torch
from torch import nn

from quietvoxel.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

N = TypeVar("N", bound=nn.Module)


def zero_bias(convolution: nn.Conv2d) -> None:
    """Let a convolution start without a constant."""
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)


def silence(convolution: nn.Conv2d) -> None:
    """Let a convolution start by giving zeros, whatever its input."""
    nn.init.zeros_(convolution.weight)
    zero_bias(convolution)


def channels_last(network: N) -> N:
    """Bring a network into the memory format in which convolutions run fastest; the same network is given back."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stubs
    return network


def load_network(network: nn.Module, tensors: Mapping[str, Tensor], name: str) -> None:
    """Put a model file's weights into a network, as float32.

    Parameters
    ----------
    network : new, of the architecture in the model's card.
    tensors : of the whole file, named `network.parameter`.
    name : of this network in the file.

    Raises
    ------
    ModelError
        If the weights do not fit the network.
    """
    prefix = f"{name}."
    state = {
        key.removeprefix(prefix): value.float() for key, value in tensors.items() if key.startswith(prefix)
    }
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        msg = "The weights do not fit the architecture in the model's card; import the model again."
        raise ModelError(msg) from error


def take_over(network: nn.Module, tensors: Mapping[str, Tensor], name: str) -> float:
    """Put in what fits of a model file's weights: those of the same name and shape. The others stay as they are.

    For a training that starts from a network of a somewhat different architecture, or for another modality: what a
    network measured while it was trained (its buffers) is not taken.

    Parameters
    ----------
    network : new.
    tensors : of the whole file, named `network.parameter`.
    name : of the network in the file.

    Returns
    -------
    The share of the network's weights that was found, 0 to 1.
    """
    taken, total = 0, 0
    with torch.no_grad():
        for key, weight in network.named_parameters():
            found = tensors.get(f"{name}.{key}")
            total += weight.numel()
            if found is not None and found.shape == weight.shape:
                weight.copy_(found)
                taken += weight.numel()
    return taken / max(1, total)
