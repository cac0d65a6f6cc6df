"""How much code two folders have in common, names left out: python scripts/doubled.py FOLDER FOLDER.

Each file becomes its statements' lines without comments, docstrings and imports. Runs of at least five lines that
stand in both folders with the same tokens are counted, once with names as they are and once with every name blurred,
which finds code that was copied and renamed.
"""

from __future__ import annotations

import argparse
import ast
import io
import keyword
import tokenize
from pathlib import Path

RUN = 5
SKIPPED = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


def logical_lines(path: Path, *, blur: bool) -> list[str]:
    """The logical lines of a file as tokens, without imports and docstrings."""
    text = path.read_text("utf-8")
    left_out: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if docstring or isinstance(node, ast.Import | ast.ImportFrom):
            left_out |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines, line = [], []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NEWLINE:
            if line:
                lines.append(" ".join(line))
            line = []
        elif token.type not in SKIPPED and token.start[0] not in left_out:
            name = token.type == tokenize.NAME and not keyword.iskeyword(token.string)
            line.append("x" if blur and (name or token.type == tokenize.STRING) else token.string)
    return lines


def doubled(first: Path, second: Path, *, blur: bool) -> tuple[int, int, list[str]]:
    """Lines of the second folder that stand in the first too, its lines in all, and where they are."""
    known: set[tuple[str, ...]] = set()
    for path in sorted(first.rglob("*.py")):
        lines = logical_lines(path, blur=blur)
        known |= {tuple(lines[i : i + RUN]) for i in range(len(lines) - RUN + 1)}
    total, found, places = 0, 0, []
    for path in sorted(second.rglob("*.py")):
        lines = logical_lines(path, blur=blur)
        total += len(lines)
        here = {
            j
            for i in range(len(lines) - RUN + 1)
            if tuple(lines[i : i + RUN]) in known
            for j in range(i, i + RUN)
        }
        found += len(here)
        places += [f"{path.name}: {lines[j]}" for j in sorted(here)]
    return found, total, places


def main() -> None:
    """Print both figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("--show", action="store_true", help="print the lines")
    words = parser.parse_args()
    for blur in (False, True):
        found, total, places = doubled(words.first, words.second, blur=blur)
        what = "names blurred" if blur else "names as they are"
        print(f"{what}: {found} of {total} lines of {words.second} ({found / max(total, 1):.1%})")
        if words.show:
            print("\n".join(places))


if __name__ == "__main__":
    main()
