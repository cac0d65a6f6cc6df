"""What GUI tests share: a real viewer on whatever display there is, small volumes, nothing of the user's touched.

`make_napari_viewer` comes from napari's own pytest plugin, `qtbot` from pytest-qt. Neither a mock viewer nor the
"offscreen" platform is used: napari's canvas needs OpenGL.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

# Read once, when napari is imported: the settings of whoever runs the tests stay as they are.
os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp(prefix="quietvoxel-napari-")) / "settings.yaml")

from quietvoxel.phantoms import ct_phantom, mr_phantom
from quietvoxel.volume import Geometry, Modality, Source, Volume

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

GUI_FIXTURES = {"qtbot", "qapp", "make_napari_viewer", "viewer"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what opens windows where none can be opened: Qt would end the whole run."""
    if sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return
    skip = pytest.mark.skip(reason="no display: run it under xvfb-run, as `make test` does")
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and GUI_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep models and remembered settings of the user out; `model_home` puts small random models there."""
    monkeypatch.setenv("QUIETVOXEL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def viewer(own_home: Path, make_napari_viewer: Callable[..., Any]) -> Any:
    """Open a real viewer, shown, with a canvas of a size that does not depend on the screen."""
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1000, 700)
    return viewer


@pytest.fixture
def pixels(qtbot: Any) -> Callable[[Any], NDArray[np.uint8]]:
    """Give what is on the canvas now, (rows, columns, RGB), after Qt has done what is waiting."""

    def grab(viewer: Any) -> NDArray[np.uint8]:
        qtbot.wait(20)
        return np.asarray(viewer.screenshot(canvas_only=True, flash=False))[..., :3]

    return grab


@pytest.fixture(scope="session")
def ct_clean() -> Volume:
    """Draw a small CT without noise."""
    return ct_phantom((12, 96, 112), (5.0, 3.6, 3.6), seed=7)


@pytest.fixture(scope="session")
def ct_volume(ct_clean: Volume) -> Volume:
    """Make a small int16 CT with 25 HU of white noise."""
    noise = np.random.default_rng(0).normal(0.0, 25.0, ct_clean.shape)
    data = np.rint(ct_clean.data + noise).astype(np.int16)
    source = Source(stored_dtype="int16", window=400.0, level=40.0)
    return Volume(data, ct_clean.geometry, Modality.CT, source)


@pytest.fixture(scope="session")
def mr_volume() -> Volume:
    """Make a small float32 MR with noise."""
    clean = mr_phantom((10, 80, 96), (5.0, 2.4, 2.4), seed=3)
    noise = np.random.default_rng(1).normal(0.0, 0.03 * float(clean.data.max()), clean.shape)
    data = np.abs(clean.data + noise).astype(np.float32)
    return Volume(data, clean.geometry, Modality.MR, Source())


@pytest.fixture(scope="session")
def oblique_volume(ct_volume: Volume) -> Volume:
    """Turn the CT by 20 degrees about the patient's left-right axis, away from the origin."""
    turn = np.radians(20.0)
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    direction = (1.0, 0.0, 0.0, 0.0, cos, -sin, 0.0, sin, cos)
    geometry = Geometry((0.7, 0.8, 2.5), (-31.0, 22.0, -417.5), direction)
    return Volume(ct_volume.data, geometry, Modality.CT, ct_volume.source)
