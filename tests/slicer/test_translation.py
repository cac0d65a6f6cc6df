"""Every string that a user sees goes through Slicer's translation, as a whole sentence with named places."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

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


def test_the_check_sees_what_is_not_translated() -> None:
    found = [*words(ast.parse("'Bare ' + _('not this') + f'and {this} too'", mode="eval").body)]
    assert found == ["Bare ", "and ", " too"]
