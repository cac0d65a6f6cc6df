"""The model store: what is damaged is said, what is one's own goes first, and nothing but numbers is loaded."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from quietvoxel.errors import ModelError
from quietvoxel.inference.loaded import load_engine
from quietvoxel.models import find_model, list_models, load_tensors, model_folder, save_model
from quietvoxel.models import store as model_store
from quietvoxel.models.store import damaged_models, model_named, read_card

if TYPE_CHECKING:
    from pathlib import Path

    from quietvoxel.models import ModelCard

CPU = torch.device("cpu")


@pytest.fixture
def folder(tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own with the two small models, to be damaged; no bundled ones."""
    shutil.copytree(tiny_models, tmp_path / "home")
    monkeypatch.setenv("QUIETVOXEL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(model_store, "BUNDLED", tmp_path / "bundled")
    return tmp_path / "home" / "models"


def change(path: Path, **fields: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def copy_as(folder: Path, to: Path, name: str, **fields: object) -> None:
    """Copy the small CT model under another name."""
    to.mkdir(parents=True, exist_ok=True)
    for ending in (".json", ".safetensors"):
        shutil.copy(folder / f"relativeflow-ct{ending}", to / f"{name}{ending}")
    change(to / f"{name}.json", name=name, **fields)


def test_what_was_saved_loads_again(folder: Path) -> None:
    card = find_model("relativeflow-ct")
    tensors = load_tensors(card)
    again = save_model(folder, tensors, card.model_dump() | {"name": "again"})
    loaded = load_tensors(find_model("again"))
    assert all(torch.equal(tensors[name], loaded[name]) for name in tensors)
    assert all(value.dtype == torch.float16 for value in loaded.values())
    assert again.parameters == card.parameters == sum(value.numel() for value in tensors.values())
    assert not list(folder.glob("*.part"))


def test_the_model_of_the_modality_is_found(folder: Path) -> None:
    assert find_model(modality="CT").name == "relativeflow-ct"
    assert find_model(modality="MR").name == "relativeflow-mr"
    assert find_model(modality="OTHER").name == "relativeflow-mr"
    assert model_folder() == folder


def test_an_own_model_hides_the_bundled_one_of_its_name(folder: Path, tmp_path: Path) -> None:
    copy_as(folder, tmp_path / "bundled", "relativeflow-ct", title="bundled")
    assert [m.title for m in list_models() if m.name == "relativeflow-ct"] == ["CT of random weights"]
    (folder / "relativeflow-ct.json").unlink()
    assert find_model(modality="CT").title == "bundled"


def test_an_own_model_of_another_name_is_taken_only_when_named(folder: Path) -> None:
    copy_as(folder, folder, "a-hospital")
    assert find_model(modality="CT").name == "relativeflow-ct"
    assert find_model("a-hospital").name == "a-hospital"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "relativeflow-ct"}', "\udcff"])
def test_a_damaged_card_is_said_and_hides_no_other(folder: Path, content: str) -> None:
    (folder / "relativeflow-ct.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    for ask in (lambda: find_model("relativeflow-ct"), lambda: find_model(modality="CT")):
        with pytest.raises(ModelError, match=r"relativeflow-ct\.json is not a readable model card"):
            ask()
    assert len(damaged_models()) == 1
    assert [m.name for m in list_models()] == ["relativeflow-mr"]


def test_a_card_of_a_later_version_with_unknown_fields_is_not_guessed_at(folder: Path) -> None:
    change(folder / "relativeflow-ct.json", pickle="evil.pkl")
    with pytest.raises(ModelError, match="not a readable model card"):
        read_card(folder / "relativeflow-ct.json")


def test_missing_weights_are_said(folder: Path) -> None:
    (folder / "relativeflow-ct.safetensors").unlink()
    with pytest.raises(ModelError, match=r"no weight file relativeflow-ct\.safetensors"):
        find_model("relativeflow-ct")


def test_weights_that_are_not_those_of_the_card_are_refused(folder: Path) -> None:
    weights = folder / "relativeflow-ct.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ModelError, match="SHA-256 differs"):
        load_tensors(find_model("relativeflow-ct"))


def test_a_file_that_is_no_safetensors_is_refused_even_with_its_hash(folder: Path) -> None:
    import hashlib
    import pickle

    content = pickle.dumps({"velocity.head.weight": np.zeros(3)})
    (folder / "relativeflow-ct.safetensors").write_bytes(content)
    change(folder / "relativeflow-ct.json", sha256=hashlib.sha256(content).hexdigest())
    with pytest.raises(ModelError, match="cannot be read as a weight file"):
        load_tensors(find_model("relativeflow-ct"))


def test_a_model_of_another_engine_says_whose_it_is(folder: Path) -> None:
    copy_as(folder, folder, "other", engine="fdn")
    with pytest.raises(ModelError, match="belongs to the engine fdn; add --engine fdn"):
        find_model("other")
    assert model_named("other").engine == "fdn"


def test_an_unknown_name_lists_what_there_is(folder: Path) -> None:
    with pytest.raises(ModelError, match="no model 'nope'; available: relativeflow-ct, relativeflow-mr"):
        find_model("nope")
    shutil.rmtree(folder)
    with pytest.raises(ModelError, match="available: none"):
        find_model(modality="CT")


@pytest.mark.parametrize(
    "architecture", [{}, {"halo": "x"}, {"widths": []}, {"widths": [8], "blocks": []}, {"widths": [-8, 16]}]
)
def test_an_architecture_that_makes_no_sense_is_said(folder: Path, architecture: dict[str, object]) -> None:
    card: ModelCard = find_model("relativeflow-ct")
    wrong = card.architecture | architecture if architecture else {"unknown": 1}
    # Loaded engines are kept by their hash: a copy with another hash is another engine.
    other = save_model(
        folder, load_tensors(card) | {"x": torch.tensor(1.0)}, card.model_dump() | {"architecture": wrong}
    )
    with pytest.raises(ModelError, match="card"):
        load_engine(other, CPU)


def test_a_loaded_engine_is_kept(folder: Path) -> None:
    card = find_model("relativeflow-ct")
    assert load_engine(card, CPU) is load_engine(find_model("relativeflow-ct"), CPU)


def test_weights_that_overflow_are_not_saved(folder: Path) -> None:
    card = find_model("relativeflow-ct").model_dump() | {"name": "broken"}
    with pytest.raises(ModelError, match="overflow"):
        save_model(folder, {"velocity.w": torch.tensor([1e6])}, card)
    assert not list(folder.glob("broken*"))


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_bundled_models_are_complete(modality: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name = f"relativeflow-{modality.lower()}"
    if not (model_store.BUNDLED / f"{name}.json").exists():
        pytest.skip(f"the bundled model {name} is not there yet")
    monkeypatch.setenv("QUIETVOXEL_HOME", str(tmp_path))
    card = find_model(modality=modality)
    assert card.name == name
    assert card.origin is not None
    assert card.origin.stat().st_size <= 10e6
    assert card.training_data
    assert card.licence == "Apache-2.0"
    assert "not for primary diagnosis" in card.intended_use
    load_engine(card, CPU)
