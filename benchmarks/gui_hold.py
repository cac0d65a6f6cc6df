"""How long the window is held while a volume is denoised, and how fast the picture follows a slider.

xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/gui_hold.py                     # 512 x 512 x 96
xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/gui_hold.py --size 128 --slices 12 --sliders 3

A timer asks for 5 ms; what lies between two of its ticks is the time the GUI's thread was held, whatever held it:
adding the result's layer, filling slices, drawing. Under Xvfb the drawing is done by the processor too.
Goals: 99th percentile at most 60 ms, never above 500 ms; the first new pixels within 300 ms of a slider's move; the
final ones within the engine's own time and 100 ms.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from machine import facts_of_the_machine
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from quietvoxel.inference.speed import noise_volume
from quietvoxel.jobs.preview_job import Quality

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietvoxel.jobs import PreviewPicture
    from quietvoxel.napari_plugin.denoise_dock import DenoiseDock

TICK_MS = 5
LONGEST = 3600.0


class Metronome:
    """A timer in the event loop that writes down when it ticked."""

    def __init__(self) -> None:
        self.ticks: list[float] = []
        self.timer = QTimer()
        self.timer.setInterval(TICK_MS)
        self.timer.timeout.connect(lambda: self.ticks.append(time.perf_counter()))

    def gaps(self, during: Callable[[], None]) -> np.ndarray:
        """Milliseconds between ticks while something is done."""
        self.ticks = [time.perf_counter()]
        self.timer.start()
        during()
        self.timer.stop()
        self.ticks.append(time.perf_counter())
        return 1000.0 * np.array([b - a for a, b in pairwise(self.ticks)])


def until(so: Callable[[], bool], seconds: float = LONGEST) -> None:
    """Run the event loop as napari does, until something is so."""
    end = time.perf_counter() + seconds
    loop = QApplication.instance()
    while not so():
        if time.perf_counter() > end:
            msg = f"not so after {seconds:.0f} s"
            raise TimeoutError(msg)
        loop.processEvents()
        time.sleep(0.0005)


def scrolling(viewer: Any, slices: int) -> QTimer:
    """Ten times a second another slice."""
    timer = QTimer()
    timer.setInterval(100)

    def step() -> None:
        viewer.dims.set_current_step(0, (viewer.dims.current_step[0] + 1) % slices)

    timer.timeout.connect(step)
    timer.start()
    return timer


def held_in_a_run(viewer: Any, dock: DenoiseDock, slices: int, scroll: bool) -> tuple[np.ndarray, float]:
    """Gaps from the press of the button until it is back, and seconds of it."""
    timers = [scrolling(viewer, slices)] if scroll else []
    began = time.perf_counter()

    def run() -> None:
        dock.bar.button.click()
        until(lambda: not dock.bar.run.state.busy)

    gaps = Metronome().gaps(run)
    seconds = time.perf_counter() - began
    for timer in timers:
        timer.stop()
    result = dock.results.current
    if result is None:
        raise RuntimeError(dock.bar.status.text())
    result.remove()
    return gaps, seconds


def slider_times(dock: DenoiseDock, moves: int) -> dict[str, list[float]]:
    """Milliseconds from a slider's move to the first and to the final pixels on screen, and the engine's own."""
    times: dict[str, list[float]] = {"first": [], "final": [], "engine": []}
    shown: list[tuple[float, PreviewPicture]] = []

    def noted(picture: PreviewPicture) -> None:
        QApplication.instance().processEvents()  # so that it is drawn
        shown.append((time.perf_counter(), picture))

    dock.preview.shown.connect(noted)
    for strength in np.linspace(0.6, 1.4, moves):
        shown.clear()
        moved = time.perf_counter()
        dock.forms["relativeflow"]["strength"].value = float(round(strength, 2))
        until(lambda: bool(shown) and shown[-1][1].quality is Quality.FINAL and not dock.preview.busy, 120)
        times["first"].append(1000 * (shown[0][0] - moved))
        times["final"].append(1000 * (shown[-1][0] - moved))
        times["engine"].append(1000 * shown[-1][1].seconds)
    dock.preview.shown.disconnect(noted)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--slices", type=int, default=96)
    parser.add_argument("--sliders", type=int, default=20, help="moves of the slider")
    arguments = parser.parse_args()
    size, slices = arguments.size, arguments.slices

    # The user's own settings are neither read nor written; napari looks for them when it is imported.
    home = Path(tempfile.mkdtemp(prefix="quietvoxel-gui-hold-"))
    os.environ["QUIETVOXEL_HOME"] = str(home)
    os.environ["NAPARI_CONFIG"] = str(home / "napari.yaml")
    import napari

    from quietvoxel.napari_plugin.adapter import add_volume
    from quietvoxel.napari_plugin.denoise_dock import DenoiseDock

    viewer = napari.Viewer(show=True)
    viewer.window.resize(1400, 900)
    volume = noise_volume(slices, size)
    volume = volume.with_data(np.rint(volume.data).astype(np.int16))
    add_volume(viewer, volume, "CT")
    dock = DenoiseDock(viewer)
    viewer.window.add_dock_widget(dock, name="Denoise")
    viewer.dims.set_current_step(0, slices // 2)
    dock.preview_box.setChecked(False)
    dock.preview_box.setChecked(True)  # the original is shown until a control is touched
    until(lambda: "final" in dock.preview_line.text() and not dock.preview.busy, 600)

    table: list[tuple[str, str]] = []

    def row(name: str, gaps: np.ndarray) -> None:
        p50, p99 = np.percentile(gaps, (50, 99))
        table.append((name, f"{p50:.1f} / {p99:.1f} / {gaps.max():.0f}"))

    row("at rest", Metronome().gaps(lambda: wait(3.0)))
    sliders = slider_times(dock, arguments.sliders)
    dock.preview_box.setChecked(False)
    for scroll in (False, True):
        gaps, seconds = held_in_a_run(viewer, dock, slices, scroll)
        row(f"denoising{', 10 slices scrolled a second' if scroll else ''} ({seconds:.0f} s)", gaps)
    print(f"{facts_of_the_machine()}; {size} x {size} x {slices}\n")
    print_holds(table)
    print(f"\n| slider, {size} x {size} | median / worst ms |\n|---|---|")
    beyond = [final - engine for final, engine in zip(sliders["final"], sliders["engine"], strict=True)]
    for name, values in (
        ("to the first new pixels", sliders["first"]),
        ("to the final pixels", sliders["final"]),
        ("engine alone, final picture", sliders["engine"]),
        ("final, beyond the engine's time (draft included)", beyond),
    ):
        print(f"| {name} | {np.median(values):.0f} / {max(values):.0f} |")
    viewer.close()


def print_holds(table: list[tuple[str, str]]) -> None:
    """What was done, and how long the GUI's thread was held by it."""
    print("| GUI thread held | p50 / p99 / longest ms |\n|---|---|")
    for name, value in table:
        print(f"| {name} | {value} |")


def wait(seconds: float) -> None:
    """Let the viewer live for so long."""
    end = time.perf_counter() + seconds
    until(lambda: time.perf_counter() > end)


if __name__ == "__main__":
    main()
