"""Every string that a user sees goes through Slicer's translation, as a whole sentence with named places."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from QuietVoxelLib import core_sentences, core_words
from QuietVoxelLib.core_sentences import SENTENCES
from QuietVoxelLib.core_words import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slicer

MODULE = Path(__file__).resolve().parents[2] / "slicer_extension" / "QuietVoxel"
FILES = [MODULE / "QuietVoxel.py", *sorted((MODULE / "QuietVoxelLib").glob("*.py"))]
SHOWN = {"text", "toolTip", "title", "suffix"}
TELLS = {"say", "fail", "note", "errorDisplay", "setHorizontalHeaderLabels"}
UNITS = {" HU", "A", "B"}
"""Units and letters are the same in every language."""


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text("utf-8")))


def words(node: ast.AST) -> Iterator[str]:
    """Literals with letters in an expression, those within `_()` left out."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "translate"):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if re.search(r"[a-zA-Z]{2}", node.value):
            yield node.value
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        # What a method is given is no text of its own (record["kind"], data.get("message"), "…".format(name=…)).
        yield from words(node.func.value)
        return
    if isinstance(node, ast.Subscript | ast.Compare | ast.Lambda | ast.FormattedValue):
        return
    for child in ast.iter_child_nodes(node):
        yield from words(child)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_shown_is_translated(path: Path) -> None:
    bare = []
    for node in nodes(path):
        values: list[ast.AST] = []
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Attribute) and target.attr in SHOWN for target in node.targets
        ):
            values = [node.value]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            values = list(node.args) if name.lstrip("_") in TELLS else []
        bare += [
            f"line {node.lineno}: {one!r}" for value in values for one in words(value) if one not in UNITS
        ]  # type: ignore[attr-defined]
    assert not bare


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_translated_can_be_found_by_the_translator(path: Path) -> None:
    for node in nodes(path):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_"):
            continue
        (text,) = node.args
        assert not isinstance(text, ast.JoinedStr | ast.BinOp), (
            f"line {node.lineno}: no sentence, but its making"
        )
        if isinstance(text, ast.Constant):
            assert not re.search(r"{\d*}", text.value), f"line {node.lineno}: a place without a name"


def script() -> Any:
    """Load the script that writes the core's words down."""
    path = MODULE.parents[1] / "scripts" / "slicer_words.py"
    spec = importlib.util.spec_from_file_location("slicer_words", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


AGAIN = "run: python scripts/slicer_words.py"


def test_every_word_that_the_core_tells_is_there_for_the_translator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from quietvoxel.jobs.about import about

    monkeypatch.setenv("QUIETVOXEL_HOME", str(tmp_path))
    shown = {one for one in script().shown_words(about()) if re.search(r"[^\W\d]{2}", one)}
    assert len(shown) > 60
    assert not shown - set(WORDS), AGAIN


def test_every_sentence_that_the_core_raises_is_there_for_the_translator() -> None:
    raised = set(script().raised_sentences())
    assert len(raised) > 100
    assert not raised - set(SENTENCES), AGAIN


def test_a_sentence_with_values_in_it_is_translated_by_its_template(monkeypatch: pytest.MonkeyPatch) -> None:
    german = {"Bone": "Knochen"}
    for module in (core_words, core_sentences):
        monkeypatch.setattr(module, "to_user", lambda text: german.get(text, text))
    known = next(one for one in SENTENCES if one.startswith("There is no plan"))
    german[known] = known.replace("There is no plan", "Es gibt keinen Plan")
    said = core_sentences.core_sentence("There is no plan 'forever'; choose one of: quick, standard.")
    assert said == "Es gibt keinen Plan 'forever'; choose one of: quick, standard."
    assert core_sentences.core_sentence("Nobody knows this one.") == "Nobody knows this one."
    assert core_words.core("Bone") == "Knochen"


def test_what_comes_from_the_core_is_looked_up_under_the_file_that_lists_it() -> None:
    # Slicer takes the context from the file that calls it: `_(record["…"])` would look in the wrong one.
    for path in FILES:
        for node in nodes(path):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_"):
                continue
            (text,) = node.args
            assert isinstance(text, ast.Constant), f"{path.name}, line {node.lineno}: no literal"


def test_the_check_sees_what_is_not_translated() -> None:
    found = [*words(ast.parse("'Bare ' + _('not this') + f'and {this} too'", mode="eval").body)]
    assert found == ["Bare ", "and ", " too"]
