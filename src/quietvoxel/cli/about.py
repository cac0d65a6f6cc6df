"""`quietvoxel engines` and `quietvoxel models`: what there is, for people and, with --json, for programs."""

import json
import sys
from typing import Annotated, Any

from cyclopts import App, Parameter

from quietvoxel.engines.registry import ENGINES

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
        from quietvoxel.jobs.about import engine_schemas

        print(json.dumps(engine_schemas(), indent=2))
        return
    for info in ENGINES.values():
        print(f"{info.name}: {info.summary}")
        for name, words in info.settings.model_json_schema()["properties"].items():
            print(f"  --{name.replace('_', '-')} ({_values(words)}): {words['description']}")


def _values(words: dict[str, Any]) -> str:
    """Say what a setting may be: "1 to 8, default 3"."""
    default = words["default"]
    if isinstance(default, bool):
        return "on by default" if default else "off by default"
    if "enum" in words:
        return f"{' or '.join(map(str, words['enum']))}, default {default}"
    low, high = words["minimum"], words["maximum"]
    return f"{low:.12g} to {high:.12g}, default {default:g}"


def list_models(*, as_json: AsJson = False) -> None:
    """List the models: bundled ones and your own."""
    from quietvoxel.models.store import damaged_models, model_folder
    from quietvoxel.models.store import list_models as find_all

    cards = find_all()
    for sentence in damaged_models():
        print(sentence, file=sys.stderr)
    if as_json:
        print(json.dumps([card.model_dump(mode="json") for card in cards], indent=2))
        return
    for card in cards:
        print(f"{card.name:24} {card.engine:14} {card.modality:4} {card.title}; noise {card.noise_range}")
    if not cards:
        print(f"There are no models; your own belong in {model_folder()}.", file=sys.stderr)


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
    for key, value in card.model_dump(mode="json").items():
        print(f"{key.replace('_', ' ')}:{_readable(value)}")


def _readable(value: Any, indent: str = "  ") -> str:
    if isinstance(value, dict):
        lines = [f"{k.replace('_', ' ')}:{_readable(v, indent + '  ')}" for k, v in value.items()]
    elif isinstance(value, list) and any(isinstance(v, str) for v in value):
        lines = [f"- {v}" for v in value]
    elif isinstance(value, list):
        return " " + (", ".join(map(str, value)) or "none")
    else:
        return f" {value}"
    return "".join(f"\n{indent}{line}" for line in lines)
