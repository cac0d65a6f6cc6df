"""What `demo` opens where napari is installed and there is a display."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from quietvoxel.cli.demo import _has_display
from quietvoxel.volume import Geometry, Modality, Volume


def test_a_display_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not _has_display()
    monkeypatch.setenv("DISPLAY", ":9")
    assert _has_display()


def test_before_and_after_stand_side_by_side_in_millimetres() -> None:
    components = pytest.importorskip("napari.components", reason="napari is not installed")
    from quietvoxel.napari_plugin.show import add_before_after

    rng = np.random.default_rng(0)
    before = Volume(
        rng.normal(40, 20, (6, 32, 24)).astype(np.float32), Geometry((0.8, 0.9, 3.0)), Modality.CT
    )
    viewer = components.ViewerModel()

    add_before_after(viewer, before, before.with_data(before.data * 0.5))

    left, right = viewer.layers
    assert tuple(left.scale) == tuple(right.scale) == (3.0, 0.9, 0.8)
    assert left.contrast_limits == right.contrast_limits == [-160.0, 240.0]
    assert viewer.canvas.grid.enabled
    assert viewer.dims.current_step[0] == 3
