"""`quietvoxel engines`: the engines and their settings, for people and, with --json, for programs."""

import json
from typing import Annotated, Any

from cyclopts import Parameter

from quietvoxel.engines.registry import ENGINES

AsJson = Annotated[bool, Parameter(name="--json", help="Print JSON for programs.", negative="")]


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
