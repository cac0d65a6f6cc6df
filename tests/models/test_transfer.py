"""Models on the move: out as one file, in again only when it is whole, and away only when it is one's own."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file, save_file

from quietvoxel.errors import BadInputError, ModelError
from quietvoxel.models import find_model, list_models, load_tensors
from quietvoxel.models import store as model_store
from quietvoxel.models.transfer import CARD, export_file, import_file, remove_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tiny_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own with the two small models."""
    folder = tmp_path / "home"
    shutil.copytree(tiny_models / "models", folder / "models")
    monkeypatch.setenv("QUIETVOXEL_HOME", str(folder))
    return folder


def test_an_exported_model_is_the_same_on_another_machine(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = export_file("relativeflow-mr", tmp_path / "mr").origin
    assert file == tmp_path / "mr.safetensors"
    before = find_model("relativeflow-mr")
    tensors = load_tensors(before)
    monkeypatch.setenv("QUIETVOXEL_HOME", str(tmp_path / "elsewhere"))
    card = import_file(tmp_path / "mr.safetensors", name="hospital-mr")
    assert card.sha256 == before.sha256
    assert card.model_dump(exclude={"name"}) == before.model_dump(exclude={"name"})
    found = load_tensors(find_model("hospital-mr"))
    assert all(torch.equal(found[name], value) for name, value in tensors.items())
    with pytest.raises(BadInputError, match="already; give another --name"):
        import_file(tmp_path / "mr.safetensors", name="hospital-mr")
    assert import_file(tmp_path / "mr.safetensors", name="hospital-mr", overwrite=True).name == "hospital-mr"


def test_a_file_is_not_overwritten_unless_asked_for(home: Path, tmp_path: Path) -> None:
    file = export_file("relativeflow-mr", tmp_path).origin
    assert file == tmp_path / "relativeflow-mr.safetensors"
    with pytest.raises(BadInputError, match="exists already"):
        export_file("relativeflow-mr", tmp_path)
    assert export_file("relativeflow-mr", tmp_path, overwrite=True).origin == file
    with pytest.raises(ModelError, match="There is no model 'nope'"):
        export_file("nope", tmp_path)


def test_what_is_not_whole_is_not_imported(home: Path, tmp_path: Path) -> None:
    good = tmp_path / "good.safetensors"
    export_file("relativeflow-mr", good)
    card = json.loads(find_model("relativeflow-mr").model_dump_json())
    tensors = load_file(good)
    changed = {name: value + (name == "velocity.tail.weight") for name, value in tensors.items()}
    files: dict[str, tuple[bytes, str]] = {
        "cut": (good.read_bytes()[:-100], "damaged or no safetensors file")
    }
    for name, content, metadata, sentence in (
        ("bare", tensors, {}, "has no model card"),
        ("odd", tensors, {CARD: "{"}, "model card in .* cannot be read"),
        ("changed", changed, {CARD: json.dumps(card)}, "are not those that its card describes"),
        (
            "other",
            tensors,
            {CARD: json.dumps(card | {"architecture": card["architecture"] | {"widths": [8, 24]}})},
            "do not make a relativeflow network",
        ),
        ("engine", tensors, {CARD: json.dumps(card | {"engine": "magic"})}, "do not make a magic network"),
    ):
        save_file(content, tmp_path / "made", metadata=metadata)
        files[name] = ((tmp_path / "made").read_bytes(), sentence)
    for name, (content, sentence) in files.items():
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(content)
        with pytest.raises(ModelError, match=sentence) as caught:
            import_file(path, name="new")
        assert path.name in str(caught.value)
    with pytest.raises(BadInputError, match="does not exist"):
        import_file(tmp_path / "nowhere.safetensors")
    with pytest.raises(BadInputError, match="cannot be a model's name"):
        import_file(good, name="Not A Name")
    assert "new" not in {card.name for card in list_models()}


def test_only_ones_own_models_are_removed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled = tmp_path / "bundled"
    bundled.mkdir()
    for path in (home / "models").glob("relativeflow-ct.*"):
        path.rename(bundled / path.name)
    monkeypatch.setattr(model_store, "BUNDLED", bundled)
    monkeypatch.setattr("quietvoxel.models.transfer.BUNDLED", bundled)
    assert remove_model("relativeflow-mr").name == "relativeflow-mr"
    assert [card.name for card in list_models()] == ["relativeflow-ct"]
    assert list((home / "models").iterdir()) == []
    with pytest.raises(BadInputError, match="came with QuietVoxel"):
        remove_model("relativeflow-ct")
    with pytest.raises(ModelError, match="There is no model"):
        remove_model("../models/relativeflow-mr")
    assert len(list(bundled.iterdir())) == 2
