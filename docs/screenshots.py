"""Make the pictures of the documentation: a real viewer on a virtual display, one function a picture.

    xvfb-run -a -s "-screen 0 1600x1000x24" python docs/screenshots.py [NAME…] [--study PATH] [--out FOLDER]

Without a study the phantoms are shown; pictures of those are what docs/images holds. To add one, write a function
that takes a `Stage`, arranges the viewer and calls `stage.shoot(name)`, and give it the decorator `picture`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

# The pictures show napari as it is out of the box, and the settings of whoever makes them stay as they are.
os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp(prefix="quietvoxel-napari-")) / "settings.yaml")
os.environ.setdefault("QUIETVOXEL_HOME", tempfile.mkdtemp(prefix="quietvoxel-home-"))

import numpy as np
from qtpy.QtWidgets import QApplication

from quietvoxel.inference import denoise
from quietvoxel.inference.simulate import simulate
from quietvoxel.io import read
from quietvoxel.napari_plugin.adapter import add_volume
from quietvoxel.napari_plugin.compare_view import Mode
from quietvoxel.napari_plugin.launch import open_viewer
from quietvoxel.napari_plugin.reading import name_of
from quietvoxel.napari_plugin.tall_area import TallArea
from quietvoxel.phantoms import ct_phantom, mr_phantom

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietvoxel.volume import Volume

WINDOW = (1440, 860)
SETTLE_S = 1.0

TRAINED, TRAINED_STEPS = {"patch": 64, "batch": 2, "learning_rate": 3e-5}, 120
"""How the pictures' training is made short."""

PICTURES: dict[str, Callable[[Stage], None]] = {}


class Stage:
    """One viewer with one volume, and where its pictures go.

    Attributes
    ----------
    viewer : napari's, with the docks arranged.
    volume : what its first layer shows.
    subject : "ct" or "mr", the first word of each file name.
    """

    def __init__(self, name: str, volume: Volume, out: Path) -> None:
        self.volume = volume
        self.subject = volume.modality.value.lower()
        self.out = out
        self.viewer: Any = open_viewer([(name, volume)])
        self.viewer.window.resize(*WINDOW)
        self.settle()
        self.viewer.fit_to_view()

    def settle(self, seconds: float | None = None, until: Callable[[], bool] | None = None) -> None:
        """Let the event loop run for a while, or until something is true (a minute at most, or so many seconds)."""
        end = time.monotonic() + (seconds or (SETTLE_S if until is None else 60.0))
        while time.monotonic() < end and not (until is not None and until()):
            QApplication.processEvents()
            time.sleep(0.005)

    def front(self, dock: str) -> Any:
        """Bring a dock of the plugin to the front and give its widget."""
        area, widget = self.viewer.window.add_plugin_dock_widget("quietvoxel", dock)
        area.show()
        area.raise_()
        self.settle()
        return widget

    def shoot(self, name: str) -> Path:
        """Write the whole window to `<subject>-<name>.png`."""
        self.settle()
        path = self.out / f"{self.subject}-{name}.png"
        self.viewer.screenshot(str(path), canvas_only=False, flash=False)
        sys.stdout.write(f"{path}\n")
        return path


def picture(function: Callable[[Stage], None]) -> Callable[[Stage], None]:
    """Put a function on the list, under its name."""
    PICTURES[function.__name__] = function
    return function


@picture
def looking(stage: Stage) -> None:
    """The three planes, with letters, window and values."""
    view = stage.viewer.window.dock_widgets["View (quietvoxel)"]
    for plane, button in view.planes.items():
        button.click()
        view.values.position = stage.viewer.dims.point
        view.values.update()
        stage.shoot(plane.lower())
    view.planes["Axial"].click()


@picture
def denoising(stage: Stage) -> None:
    """The Denoise dock in the middle of a run, and after it; the Simulate dock."""
    dock = stage.front("Denoise")
    stage.settle(until=lambda: dock.noise.origin.text() != "measuring…")
    dock.bar.button.click()
    stage.settle(until=lambda: dock.bar.bar.value() >= dock.bar.bar.maximum() // 2)
    stage.shoot("denoise-running")
    stage.settle(until=lambda: not dock.bar.run.state.busy)
    stage.shoot("denoise")
    stage.front("Simulate")
    stage.shoot("simulate")


@picture
def comparing(stage: Stage) -> None:
    """Each view of the Compare dock, regions, and the structure check, on a volume denoised about its middle."""
    viewer, volume = stage.viewer, stage.volume
    middle = volume.shape[0] // 2
    near = range(max(0, middle - 3), min(volume.shape[0], middle + 4))
    part = volume.with_data(volume.data[near.start : near.stop])
    before, name = viewer.layers[0], viewer.layers[0].name
    viewer.layers.remove(before)
    layers = [add_volume(viewer, part, name)]
    layers.append(add_volume(viewer, denoise(part).volume, f"{name} [RelativeFlow]"))
    viewer.dims.set_current_step(0, len(near) // 2)
    dock = stage.front("Compare")
    dock.blink.setChecked(False)
    for mode in Mode:
        dock.compare(layers, mode)
        stage.shoot(f"compare-{mode.name.lower().replace('_', '-')}")
    dock.show_mode(Mode.CURTAIN)
    regions = dock.evidence.ensure_layer()
    _, height, width = part.shape
    corners = np.array([[0, -1, -1], [0, -1, 1], [0, 1, 1], [0, 1, -1]]) * [1, height / 24, height / 24]
    at = len(near) // 2
    regions.add_ellipses(
        [np.add(corners, [at, 0.45 * height, 0.42 * width]), np.add(corners, [at, 0.5 * height, 0.6 * width])]
    )
    regions.add_lines(np.array([[at, 0.5 * height, 0.25 * width], [at, 0.5 * height, 0.75 * width]]))
    stage.shoot("compare-regions")
    dock.structure.start()
    stage.settle(until=lambda: dock.structure.result is not None)
    dock.findChild(TallArea).ensureWidgetVisible(dock.structure)
    stage.shoot("compare-structure")


@picture
def training(stage: Stage) -> None:
    """The Train dock with its references, in the middle of a training, and after it."""
    viewer = stage.viewer
    viewer.window.resize(WINDOW[0], WINDOW[1] + 100)
    name, second = list(phantoms(seed=8).items())[stage.subject == "mr"]
    add_volume(viewer, second, f"{name} 2").visible = False
    dock = stage.front("Train")
    dock.references.add_layers(list(viewer.layers))
    stage.settle(until=lambda: not dock.references.looking)
    dock.choices.choose(plan="quick")
    stage.settle(until=lambda: "steps" in dock.choices.plan_line.text(), seconds=300)
    stage.shoot("train-plan")
    for setting, value in TRAINED.items():
        dock.choices.form[setting].value = value
    dock.choices.most_steps.setValue(TRAINED_STEPS)
    dock.bar.start_button.click()
    stage.settle(until=lambda: len(dock.watch.curves.stage.judged) > 2 or not dock.busy, seconds=600)
    dock.plots.tabs.setCurrentWidget(dock.plots.psnr)
    stage.shoot("train-running")
    stage.settle(until=lambda: not dock.busy, seconds=600)
    dock.plots.tabs.setCurrentWidget(dock.plots.loss)
    stage.shoot("train")


def phantoms(seed: int = 7) -> dict[str, Volume]:
    """A CT and an MR with known truth and realistic noise."""
    ct = ct_phantom((32, 288, 288), (2.5, 1.25, 1.25), seed=seed)
    mr = mr_phantom((32, 240, 200), (4.0, 0.95, 0.95), seed=seed)
    return {
        "CT phantom": simulate(ct, sigma=25.0, seed=seed).volume,
        "MR phantom": simulate(mr, sigma=0.06 * float(mr.data.max()), seed=seed).volume,
    }


def main() -> None:
    """Make the pictures that were asked for, all of them by default."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(PICTURES)}")
    parser.add_argument("--study", type=Path, help="a file or DICOM folder to show instead of the phantoms")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "images")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    study = arguments.study
    volumes = {name_of(study): read(study)} if study else phantoms()
    for name, volume in volumes.items():
        for function in arguments.names or PICTURES:
            stage = Stage(name, volume, arguments.out)
            PICTURES[function](stage)
            stage.viewer.close()
            stage.settle(0.2)


if __name__ == "__main__":
    main()
