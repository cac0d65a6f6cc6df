"""How long the window is held while an engine is trained beside it.

xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/gui_hold_training.py                # two minutes of training
xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/gui_hold_training.py --seconds 30 --size 128 --slices 12

The Train dock is given a noisy phantom-like volume as a layer, starts, draws its curves and pictures, pauses, resumes
and is cancelled, while slices are scrolled ten times a second. A timer asks for 5 ms; what lies between two of its
ticks is the time the GUI's thread was held. The training is a process of its own with a lower priority.
Goal: 99th percentile under 100 ms.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from gui_hold import Metronome, print_holds, scrolling, until, wait
from machine import facts_of_the_machine

from quietvoxel.inference.speed import noise_volume


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--slices", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=120.0, help="of training, from its first step")
    parser.add_argument("--patch", type=int, default=64)
    parser.add_argument("--batch", type=int, default=2)
    arguments = parser.parse_args()

    # The user's own settings are neither read nor written; napari looks for them when it is imported.
    home = Path(tempfile.mkdtemp(prefix="quietvoxel-gui-hold-"))
    os.environ["QUIETVOXEL_HOME"] = str(home)
    os.environ["NAPARI_CONFIG"] = str(home / "napari.yaml")
    import napari

    from quietvoxel.napari_plugin.adapter import add_volume
    from quietvoxel.napari_plugin.train_dock import TrainDock

    viewer = napari.Viewer(show=True)
    viewer.window.resize(1400, 900)
    volume = noise_volume(arguments.slices, arguments.size)
    layer = add_volume(viewer, volume.with_data(np.rint(volume.data).astype(np.int16)), "CT")
    dock = TrainDock(viewer)
    viewer.window.add_dock_widget(dock, name="Train")
    table: list[tuple[str, str]] = []

    def row(name: str, gaps: np.ndarray) -> None:
        p50, p99 = np.percentile(gaps, (50, 99))
        table.append((name, f"{p50:.1f} / {p99:.1f} / {gaps.max():.0f}"))

    def reading() -> None:
        dock.references.add_layers([layer])
        until(lambda: not dock.references.looking)

    def starting() -> None:
        dock.bar.start_button.click()
        until(lambda: len(dock.watch.curves.stage.steps) > 0 or not dock.busy)

    def training() -> None:
        end = time.perf_counter() + arguments.seconds
        until(lambda: time.perf_counter() > end or not dock.busy)

    def pausing() -> None:
        dock.bar.pause_button.click()
        until(lambda: dock.bar.pause_button.text() == "Resume" or not dock.busy)
        dock.bar.pause_button.click()
        until(lambda: dock.bar.pause_button.text() == "Pause" or not dock.busy)

    def ending() -> None:
        dock.bar.cancel_button.click()
        until(lambda: not dock.busy)

    row("at rest", Metronome().gaps(lambda: wait(3.0)))
    row("references read", Metronome().gaps(reading))
    dock.choices.form["patch"].value, dock.choices.form["batch"].value = arguments.patch, arguments.batch
    row("started: layer written, process started, references prepared", Metronome().gaps(starting))
    timer = scrolling(viewer, arguments.slices)
    row("trained, 10 slices scrolled a second", Metronome().gaps(training))
    steps, judged = dock.watch.curves.stage.steps, dock.watch.curves.stage.judged
    timer.stop()
    row("paused and resumed", Metronome().gaps(pausing))
    row("cancelled", Metronome().gaps(ending))
    print(f"{facts_of_the_machine()}; {arguments.size} x {arguments.size} x {arguments.slices}")
    print(f"{steps[-1] if steps else 0} steps, judged {len(judged)} times; {dock.bar.status.text()}\n")
    print_holds(table)
    viewer.close()


if __name__ == "__main__":
    main()
