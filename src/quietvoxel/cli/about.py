"""`quietvoxel engines` and `quietvoxel models`: what there is, for people and, with --json, for programs."""

import json
from typing import Annotated, Any

from cyclopts import App, Parameter

from quietvoxel.engines.registry import ENGINES
from quietvoxel.inference.options import InferenceOptions

AsJson = Annotated[bool, Parameter(name="--json", help="Print JSON for programs.", negative="")]


def add_about_commands(app: App) -> None:
    """Add `engines`, `models list` and `models show`."""
    app.command(engines)
    models = App(name="models", help="The models that are installed.")
    models.command(list_models, name="list")
    models.command(show_model, name="show")
    app.command(models)


def engines(*, as_json: AsJson = False) -> None:
    """List the engines and their settings; front-ends build their controls from the JSON."""
    if as_json:
        print(json.dumps(engine_schemas(), indent=2))
        return
    for info in ENGINES.values():
        print(f"{info.name}: {info.summary}")
        for name, field in info.settings.model_fields.items():
            print(f"  --{name.replace('_', '-')} (default {field.default}): {field.description}")


def engine_schemas() -> dict[str, Any]:
    """Name, words and settings schema of every engine, and of the options of a run."""
    return {
        "engines": [
            {
                "name": info.name,
                "title": info.title,
                "summary": info.summary,
                "settings": info.settings.model_json_schema(),
            }
            for info in ENGINES.values()
        ],
        "run": InferenceOptions.model_json_schema(),
    }


def list_models(*, as_json: AsJson = False) -> None:
    """List the models: bundled ones and your own."""
    from quietvoxel.models.store import list_models as find_all

    cards = find_all()
    if as_json:
        print(json.dumps([card.model_dump() for card in cards], indent=2))
        return
    for card in cards:
        print(f"{card.name:24} {card.engine:14} {card.modality:4} {card.title}; noise {card.noise_range}")


def show_model(name: str, /, *, as_json: AsJson = False) -> None:
    """Show a model's card.

    Parameters
    ----------
    name
        As in `quietvoxel models list`.
    """
    from quietvoxel.models.store import model_named

    card = model_named(name)
    if as_json:
        print(card.model_dump_json(indent=2))
        return
    for key, value in card.model_dump().items():
        if isinstance(value, dict):
            value = ", ".join(f"{k} {v}" for k, v in value.items())  # noqa: PLW2901  # shown, not kept
        if isinstance(value, list):
            value = "".join(f"\n  - {line}" for line in value)  # noqa: PLW2901  # shown, not kept
        print(f"{key}: {value}")
