"""`quietvoxel view` opens a real napari in a process of its own, with everything in its place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("napari", reason="napari is not installed")

from npe2 import PluginManager

from quietvoxel.io import write
from quietvoxel.napari_plugin.launch import RIGHT, open_before_after, plugin_widgets

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietvoxel.volume import Volume

SOURCE = Path(__file__).resolve().parents[2] / "src"

# Looks at the viewer once its event loop runs, then closes its window as a user does.
PROGRAM = """
import json, sys
from napari.qt import get_qapp
from qtpy.QtCore import QTimer
from quietvoxel.cli import main

def look(tries=300):
    import napari
    viewer = napari.current_viewer()
    if len(sys.argv) > 1 and tries and not (viewer and viewer.layers):
        # On a busy machine the docks are drawn before the study is there.
        QTimer.singleShot(100, lambda: look(tries - 1))
        return
    print(json.dumps({
        "layers": [layer.name for layer in viewer.layers],
        "scale": [float(v) for v in viewer.layers[0].scale] if viewer.layers else [],
        "docks": list(viewer.window.dock_widgets),
        "letters": viewer.canvas.overlays["quietvoxel_left"].text,
    }))
    viewer.close()

get_qapp()
QTimer.singleShot(0, lambda: QTimer.singleShot(300, look))
sys.exit(main(["view", *sys.argv[1:]]))
"""


def run_view(tmp_path: Path, *words: object) -> tuple[int, dict[str, Any], str]:
    environment = os.environ | {
        "PYTHONPATH": str(SOURCE),
        "QUIETVOXEL_HOME": str(tmp_path / "home"),
        "NAPARI_CONFIG": str(tmp_path / "settings.yaml"),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, words)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    shown = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return done.returncode, json.loads(shown[-1]) if shown else {}, done.stderr


@pytest.mark.usefixtures("qapp")  # a display
def test_view_opens_a_study_with_the_docks_and_ends_with_its_window(
    oblique_volume: Volume, tmp_path: Path
) -> None:
    write(oblique_volume, tmp_path / "abdomen.nii.gz")

    code, shown, err = run_view(tmp_path, tmp_path / "abdomen.nii.gz")

    assert (code, "Traceback" in err) == (0, False)
    assert shown["layers"] == ["abdomen"]
    np.testing.assert_allclose(shown["scale"], oblique_volume.geometry.spacing_zyx, rtol=1e-6)
    assert shown["letters"] == "R"
    PluginManager.instance().discover()
    expected = [name for name in RIGHT if name in plugin_widgets()]
    assert shown["docks"] == [f"{name} (quietvoxel)" for name in ("View", *expected)]


@pytest.mark.usefixtures("qapp")
def test_view_of_a_broken_file_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "broken.nii").write_bytes(b"no image")

    code, shown, err = run_view(tmp_path, tmp_path / "broken.nii")

    assert (code, shown) == (2, {})
    assert "broken.nii is damaged" in err
    assert "Traceback" not in err


def test_before_and_after_stand_side_by_side_in_one_window(
    make_napari_viewer: Callable[..., Any], ct_volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari.Viewer", make_napari_viewer)  # so that it is closed again
    monkeypatch.setattr("quietvoxel.napari_plugin.launch.RIGHT", ())  # the docks have tests of their own

    viewer = open_before_after("CT", ct_volume, ct_volume.with_data(ct_volume.data // 2), "RelativeFlow")

    left, right = viewer.layers
    assert (left.name, right.name) == ("CT", "CT [RelativeFlow]")
    assert tuple(left.scale) == tuple(right.scale) == ct_volume.geometry.spacing_zyx
    assert list(left.contrast_limits) == list(right.contrast_limits) == [-160.0, 240.0]
    assert viewer.canvas.grid.enabled
    assert list(viewer.window.dock_widgets) == ["View (quietvoxel)", "Compare (quietvoxel)"]
