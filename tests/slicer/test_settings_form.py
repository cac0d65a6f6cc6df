"""Controls from the schema alone: a new engine needs no change in the module."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import Field
from QuietVoxelLib.settings_form import MANY, SettingsValues, rows_of

from quietvoxel.engines.registry import ENGINES
from quietvoxel.engines.settings import EngineSettings
from quietvoxel.jobs.about import about

pytestmark = pytest.mark.slicer


class NewSettings(EngineSettings):
    """Settings that no engine has yet."""

    fast: bool = Field(
        default=True, title="Fast", description="Quick.", json_schema_extra={"widget": "CheckBox"}
    )
    waves: int = Field(
        default=4,
        gt=0,
        le=9,
        title="Waves",
        description="How many.",
        json_schema_extra={"widget": "Slider", "unit": "waves", "turns_off": "fast"},
    )
    kind: Literal["soft", "hard"] = Field(default="soft", title="Kind", description="Which.")
    power: float = Field(
        default=2.5,
        ge=0.0,
        description="Open end.",
        json_schema_extra={"step": 0.125, "used_with": {"kind": "hard"}},
    )


def test_every_field_of_a_new_engine_becomes_a_control() -> None:
    rows = {row.name: row for row in rows_of(NewSettings.model_json_schema())}
    assert list(rows) == list(NewSettings.model_fields)
    assert (rows["waves"].low, rows["waves"].high, rows["waves"].decimals) == (1, 9, 0)
    assert rows["waves"].tooltip == "How many. (waves)"
    assert rows["kind"].choices == ("soft", "hard")
    assert (rows["power"].kind, rows["power"].high, rows["power"].decimals) == ("number", MANY, 3)
    assert rows["power"].title == "Power"
    assert rows["seed"].advanced
    assert rows["strength"].kind == "slider"


def test_touching_a_control_clears_the_switch_that_it_turns_off() -> None:
    values = SettingsValues(rows_of(NewSettings.model_json_schema()))
    assert values.touch("waves", 5) == ["fast"]
    assert values.values["fast"] is False
    assert values.touch("strength", 1.5) == []
    assert values.touch("waves", 5) == []


def test_a_control_is_used_only_with_what_it_belongs_to() -> None:
    values = SettingsValues(rows_of(NewSettings.model_json_schema()))
    assert values.is_used("strength")
    assert not values.is_used("power")
    values.touch("kind", "hard")
    assert values.is_used("power")


def test_what_was_kept_comes_back_as_far_as_it_still_fits() -> None:
    kept = {"waves": 3, "kind": "unknown", "strength": 99, "gone": 1, "fast": 1}
    values = SettingsValues(rows_of(NewSettings.model_json_schema()), kept).values
    assert values["waves"] == 3
    assert NewSettings.model_validate(values).model_dump() == NewSettings(waves=3, fast=True).model_dump()


@pytest.mark.parametrize("name", ENGINES)
def test_the_defaults_of_every_engine_are_what_the_engine_takes(name: str) -> None:
    described = next(one for one in about()["engines"] if one["name"] == name)
    settings = ENGINES[name].settings
    assert settings.model_validate(SettingsValues(rows_of(described["settings"])).values) == settings()


def test_options_and_training_have_controls_too() -> None:
    found = about()
    advanced = [row.name for row in rows_of(found["run"]) if row.advanced]
    assert {"device", "precision", "axis", "tile"} <= set(advanced)
    assert {"patch", "learning_rate"} <= {row.name for row in rows_of(found["training"]["settings"])}
