"""Devices and precision by name; what is not there is said in one sentence."""

import pytest
import torch

from quietvoxel.errors import BadInputError
from quietvoxel.inference.devices import choose_device, choose_precision, device_notes


def test_auto_takes_what_there_is() -> None:
    device = choose_device("auto")
    assert device.type in {"cpu", "cuda", "mps"}
    assert (device.type == "cpu") == bool(device_notes(device, "auto"))
    assert device_notes(torch.device("cpu"), "cpu") == ()


@pytest.mark.parametrize("name", ["gpu", "", "meta", "cpu:x"])
def test_an_unknown_device_is_refused(name: str) -> None:
    with pytest.raises(BadInputError, match="choose auto"):
        choose_device(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_missing_gpu_is_refused_when_asked_for() -> None:
    with pytest.raises(BadInputError, match="no usable device 'cuda'"):
        choose_device("cuda")


def test_precision_can_be_forced() -> None:
    cpu = torch.device("cpu")
    assert choose_precision(cpu, "float32") == torch.float32
    assert choose_precision(cpu, "bfloat16") == torch.bfloat16
    assert choose_precision(cpu) in {torch.float32, torch.bfloat16}
    assert choose_precision(torch.device("mps")) == torch.float32
