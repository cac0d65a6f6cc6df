"""What `view` and `demo` say where no viewer can be opened; the viewer itself is tested in tests/napari_plugin."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from quietvoxel.cli import view as view_module
from quietvoxel.cli.view import has_display

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be on a Linux machine without a display."""
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


def test_a_display_is_looked_for(no_display: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not has_display()
    monkeypatch.setenv("DISPLAY", ":9")
    assert has_display()


def test_view_without_a_display_says_so_in_one_sentence(
    no_display: None, quietvoxel: Callable[..., object], ct_file: Path
) -> None:
    outcome = quietvoxel("view", ct_file)

    assert outcome.code == 1
    assert "there is no display" in outcome.err
    assert outcome.err.count("\n") == 1


def test_view_without_napari_says_how_to_get_it(
    quietvoxel: Callable[..., object], ct_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_module, "find_spec", lambda name: None)

    outcome = quietvoxel("view", ct_file)

    assert outcome.code == 1
    assert "pip install 'quietvoxel[napari,pyqt6]'" in outcome.err
