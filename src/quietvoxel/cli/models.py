"""`quietvoxel models`: what is installed, and moving models between machines."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

AsJson = Annotated[bool, Parameter(name="--json", help="Print JSON for programs.", negative="")]
Overwrite = Annotated[bool, Parameter(help="Replace what is there.", negative="")]


def models_app() -> App:
    """The command `models` with all it can do."""
    models = App(name="models", help="The models that are installed.")
    models.command(list_models, name="list")
    models.command(show_model, name="show")
    models.command(export_model, name="export")
    models.command(import_model, name="import")
    models.command(remove_model, name="remove")
    return models


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
    width = max((len(card.name) for card in cards), default=0)
    for card in cards:
        print(
            f"{card.name:{width}}  {card.engine:14} {card.modality:4} {card.title}; noise {card.noise_range}"
        )
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


def export_model(name: str, file: Path, /, *, overwrite: Overwrite = False) -> None:
    """Write a model as one file, to be imported on another machine.

    Parameters
    ----------
    name
        As in `quietvoxel models list`.
    file
        The file to write (.safetensors), or a folder.
    """
    from quietvoxel.models.transfer import export_file

    print(f"Wrote {export_file(name, file, overwrite=overwrite).origin}.")


def import_model(
    file: Path,
    /,
    *,
    name: Annotated[str | None, Parameter(help="Under which it is kept here; its own if not given.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Check a file that `models export` wrote, and add it to your models.

    Parameters
    ----------
    file
        The file.
    """
    from quietvoxel.models.transfer import import_file

    card = import_file(file, name=name, overwrite=overwrite)
    print(f"The model '{card.name}' ({card.engine}, {card.modality}) is installed.")


def remove_model(name: str, /) -> None:
    """Delete one of your own models.

    Parameters
    ----------
    name
        As in `quietvoxel models list`.
    """
    from quietvoxel.models.transfer import remove_model as remove

    print(f"The model '{remove(name).name}' was removed.")
