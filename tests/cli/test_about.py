"""What there is: engines, models, and a program that starts fast."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]


def test_engines_lists_every_setting_with_its_range(quietvoxel: Run) -> None:
    text = quietvoxel("engines").out
    assert "relativeflow: " in text
    assert "--steps (1 to 8, default 3)" in text
    assert "--best-quality (off by default)" in text
    assert "--update-rule (expm1 or identity, default expm1)" in text


def test_engines_json_is_the_schema_front_ends_build_controls_from(quietvoxel: Run) -> None:
    known = json.loads(quietvoxel("engines", "--json").out)
    (engine,) = (e for e in known["engines"] if e["name"] == "relativeflow")
    steps = engine["settings"]["properties"]["steps"]
    assert (steps["minimum"], steps["maximum"], steps["default"], steps["title"]) == (1, 8, 3, "Euler steps")
    assert all("description" in field for field in engine["settings"]["properties"].values())
    assert all("description" in field for field in known["run"]["properties"].values())


def test_models_can_be_listed_and_shown(quietvoxel: Run) -> None:
    listed = [line.split()[:3] for line in quietvoxel("models", "list").out.splitlines()]
    assert ["relativeflow-ct", "relativeflow", "CT"] in listed
    assert ["relativeflow-mr", "relativeflow", "MR"] in listed
    names = [name for name, *_ in listed]
    assert len(names) == len(set(names))
    assert {card["name"] for card in json.loads(quietvoxel("models", "list", "--json").out)} >= {
        "relativeflow-ct"
    }
    shown = quietvoxel("models", "show", "relativeflow-ct").out
    assert "licence: Apache-2.0" in shown
    assert "  widths: 8, 16" in shown
    assert json.loads(quietvoxel("models", "show", "relativeflow-ct", "--json").out)["modality"] == "CT"


def test_a_damaged_model_is_said_beside_the_list(
    quietvoxel: Run, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.json").write_text("{")
    monkeypatch.setenv("QUIETVOXEL_HOME", str(tmp_path))
    outcome = quietvoxel("models", "list")
    assert "mine.json is not a readable model card" in outcome.err


@pytest.mark.parametrize("words", [(), ("--help",), ("denoise", "--help"), ("models",), ("--version",)])
def test_help_is_printed_and_nothing_is_wrong(quietvoxel: Run, words: tuple[str, ...]) -> None:
    outcome = quietvoxel(*words)
    assert outcome.code == 0
    assert outcome.out
    assert outcome.err == ""


def test_help_of_denoise_has_the_settings_of_the_engine_and_of_the_run(quietvoxel: Run) -> None:
    text = quietvoxel("denoise", "--help").out
    for option in (
        "--steps",
        "--strength",
        "--best-quality",
        "--blend",
        "--device",
        "--engine",
        "--overwrite",
    ):
        assert option in text


@pytest.mark.parametrize(
    "words", ["--help", "engines --json", "models list", "denoise a.nii b.nii --steps 0"]
)
def test_starting_imports_no_torch(python: Callable[..., Any], words: str) -> None:
    code = (
        "import sys; from quietvoxel.cli import main; main(sys.argv[1:]); "
        "heavy = {'torch', 'SimpleITK', 'skimage', 'monai', 'pydicom'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else 0)"
    )
    process = python("-c", code, *words.split())
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
