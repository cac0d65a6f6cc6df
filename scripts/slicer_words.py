"""Write down what the core says, for Slicer's translators: python scripts/slicer_words.py [--check].

Slicer's translation finds only literals within `_()`, and looks a text up under the file that asks for it. Engines,
settings, measures and errors come from the core at run time; here they become two files of literals, each with the
function that looks them up. A test fails where the files are not up to date.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "slicer_extension" / "QuietVoxel" / "QuietVoxelLib"
MADE = "\n\nMade by scripts/slicer_words.py; do not edit."
FRONT_ENDS = {"napari_plugin", "cli"}

WORDS = f'''"""Words of the core: engines, settings, models, measures, windows.{MADE}
"""

from .words import _ as to_user


def core(text):
    """A word of the core in the user's language."""
    return to_user(text) if text else text


def _(text):
    """Marks a text for those who translate, and leaves it as it is."""
    return text


WORDS = (
'''
SENTENCES = f'''"""Sentences of the core, with places for what they are about.{MADE}
"""

from .sentences import translated
from .words import _ as to_user


def core_sentence(text):
    """A sentence of the core in the user's language."""
    return translated(text, lambda one: to_user(one), SENTENCES)


def _(text):
    """Marks a text for those who translate, and leaves it as it is."""
    return text


SENTENCES = (
'''


def shown_words(about: dict[str, Any]) -> Iterator[str]:
    """What the module shows of that which the worker has told."""
    sys.path.insert(0, str(LIBRARY.parent))
    from QuietVoxelLib.settings_form import rows_of

    from quietvoxel.quality.structure_check import KINDS, Verdict

    schemas = [about["run"], about["training"]["settings"]]
    for engine in about["engines"]:
        yield from (engine["title"], engine["summary"])
        schemas.append(engine["settings"])
    for schema in schemas:
        for row in rows_of(schema):
            yield from (row.title, row.tooltip)
    for engines in about["models"].values():
        for models in engines.values():
            for model in models:
                yield from (model["title"], *model["lines"])
    for measure in about["measures"].values():
        yield from (measure["title"], measure["tooltip"])
    yield from about["windows"]
    yield from (name.capitalize() for name in about["training"]["plans"])
    yield from (*KINDS, *Verdict)


def raised_sentences() -> Iterator[str]:
    """Every sentence that the core raises, in the words of a dock; what it is about becomes a named place."""
    from quietvoxel.jobs.wording import in_dock_words
    from quietvoxel.jobs.worker import SEE_HELP

    for path in sorted((ROOT / "src" / "quietvoxel").rglob("*.py")):
        if FRONT_ENDS & set(path.parts):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Assign) and any(
                isinstance(one, ast.Name) and one.id == "msg" for one in node.targets
            ):
                text = template(node.value)
                # One that does not end so is for developers.
                if text is not None and text.endswith("."):
                    yield in_dock_words(text.replace(SEE_HELP, "."))


def template(node: ast.expr) -> str | None:
    """The text of a literal or an f-string, its values as {names}; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return None
    parts, taken = [], set()
    for one in node.values:
        if isinstance(one, ast.Constant):
            parts.append(str(one.value))
        elif isinstance(one, ast.FormattedValue):
            found = re.findall(r"[a-z_]{3,}", ast.unparse(one.value)) or ["value"]
            name, number = found[-1].strip("_") or "value", 2
            while name in taken:
                name, number = f"{found[-1].strip('_')}_{number}", number + 1
            taken.add(name)
            parts.append("{" + name + "}")
    return "".join(parts)


def listed(head: str, texts: Iterable[str]) -> str:
    """A file of literals."""
    lines = []
    for text in sorted({one for one in texts if re.search(r"[^\W\d]{2}", one)}):
        pieces = textwrap.wrap(text, 96, drop_whitespace=False, break_on_hyphens=False) or [text]
        lines.append("    _(" + "\n".join(repr(piece) for piece in pieces) + "),")
    text = head + "\n".join(lines) + "\n)\n"
    command = [
        sys.executable,
        "-m",
        "ruff",
        "format",
        "--stdin-filename",
        str(LIBRARY / "core_words.py"),
        "-",
    ]
    return subprocess.run(command, input=text, capture_output=True, encoding="utf-8", check=True).stdout


def files() -> dict[Path, str]:
    """What the files should hold."""
    from quietvoxel.jobs.about import about

    before = os.environ.get("QUIETVOXEL_HOME")
    with tempfile.TemporaryDirectory() as empty:  # the user's own models are nobody else's words
        os.environ["QUIETVOXEL_HOME"] = empty
        try:
            words = list(shown_words(about()))
        finally:
            os.environ.pop("QUIETVOXEL_HOME")
            if before is not None:
                os.environ["QUIETVOXEL_HOME"] = before
    return {
        LIBRARY / "core_words.py": listed(WORDS, words),
        LIBRARY / "core_sentences.py": listed(SENTENCES, raised_sentences()),
    }


def main() -> int:
    """Write or check both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="say what is not up to date, and write nothing")
    check = parser.parse_args().check
    old = [path for path, text in files().items() if not path.exists() or path.read_text("utf-8") != text]
    for path, text in files().items():
        if path in old and not check:
            path.write_text(text, "utf-8")
        if path in old:
            print(path.name)
    return int(bool(old) and check)


if __name__ == "__main__":
    sys.exit(main())
