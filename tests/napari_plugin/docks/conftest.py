"""Docks in a real viewer, and an engine whose every step can be held back or made to fail."""

from __future__ import annotations

import sys
import threading
import types
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
from pydantic import Field

import quietvoxel.jobs.thread
from quietvoxel.engines import registry
from quietvoxel.engines.settings import EngineSettings
from quietvoxel.volume import Geometry, Modality, Source, Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WEIGHTS = count(1)


class FakeSettings(EngineSettings):
    """A setting of each kind."""

    steps: int = Field(
        default=2,
        ge=1,
        le=9,
        title="Fake steps",
        description="How many.",
        json_schema_extra={"turns_off": "fast", "draft": 1},
    )
    fast: bool = True
    offset: float = Field(
        default=10.0,
        gt=0.0,
        lt=100.0,
        title="Offset",
        description="What is removed.",
        json_schema_extra={"step": 0.5},
    )
    latent: Literal["zero", "sampled"] = Field(
        default="zero", title="Noise latent", json_schema_extra={"widget": "RadioButtons"}
    )
    rule: Literal["a", "b"] = Field(default="a", title="Fake rule", json_schema_extra={"advanced": True})


@dataclass
class Control:
    """The strings of the fake engine.

    Attributes
    ----------
    gate : acquired before each step while `held`.
    reached : released when a step begins.
    error : raised in the step.
    """

    held: bool = False
    error: BaseException | None = None
    spread: float | None = None
    gate: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    reached: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    steps: int = 0

    def let_go(self) -> None:
        self.held = False
        self.gate.release(10_000)


class FakeEngine:
    """Takes a constant off: `offset` times `strength` thousandths of a network unit."""

    name = "fake"

    def __init__(self, control: Control) -> None:
        self.control = control

    def halo(self, _settings: Any) -> int:
        return 1

    def evaluations(self, settings: Any, _context: Any) -> int:
        return settings.steps

    def denoise(self, noisy: Any, settings: Any, context: Any) -> Any:
        import torch

        from quietvoxel.engines.contract import EngineOutput
        from quietvoxel.errors import CancelledError

        control = self.control
        for step in range(settings.steps):
            if control.held:
                control.reached.release()
                control.gate.acquire()
            if context.cancelled():
                raise CancelledError
            if control.error is not None:
                raise control.error
            control.steps += 1
            context.progress(step + 1, settings.steps)
        image = noisy[:, 1:2] - 1e-3 * settings.offset * settings.strength
        return EngineOutput(image, None if control.spread is None else torch.full_like(image, control.spread))


@pytest.fixture(autouse=True, scope="session")
def _on_equal_terms() -> Iterator[None]:
    """On a busy test machine a thread of low priority would hardly ever get its turn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quietvoxel.jobs.thread, "NICENESS", 0)
        yield


@pytest.fixture
def fake(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Control]:
    """Register the fake engine beside the real ones, with a model for CT and one for MR."""
    import torch

    from quietvoxel.models import save_model

    control = Control()
    module: Any = types.ModuleType("quietvoxel_fake_engine")
    module.FakeSettings = FakeSettings
    module.load = lambda _architecture, _tensors, _device: FakeEngine(control)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    info = registry.EngineInfo(
        "fake", "Fake", "Pick it in tests.", f"{module.__name__}:FakeSettings", f"{module.__name__}:load"
    )
    monkeypatch.setitem(registry.ENGINES, "fake", info)
    for modality in ("CT", "MR"):
        card = {
            "name": f"fake-{modality.lower()}",
            "title": f"{modality} fake",
            "engine": "fake",
            "modality": modality,
            "description": "Takes a constant off.",
            "architecture": {},
            "intensity": "as ever",
            "training_data": ["nobody's scans <b>"],
            "training": {},
            "noise_range": "all",
            "intended_use": "Tests.",
            "licence": "Apache-2.0",
            "version": "0",
        }
        # Engines are kept by the hash of their weights: every test has its own.
        save_model(own_home / "models", {"x": torch.full((1,), float(next(WEIGHTS)))}, card)
    yield control
    control.let_go()


@pytest.fixture
def viewer(own_home: Path, make_napari_viewer: Callable[..., Any]) -> Any:
    """Open a real viewer that draws only when a picture is asked for.

    These tests remove layers, after which vispy on Mesa's software OpenGL may crash when it next draws
    (add two images, remove and forget the first, refresh the second: no code of ours is needed for it).
    """
    return make_napari_viewer(show=False)


@pytest.fixture
def small() -> Volume:
    """A CT of five slices, int16, off the origin, with a window of its own."""
    rng = np.random.default_rng(5)
    data = np.rint(40 + rng.normal(0.0, 20.0, (5, 40, 48))).astype(np.int16)
    geometry = Geometry((0.7, 0.8, 3.0), (-11.0, 22.0, -33.0))
    return Volume(data, geometry, Modality.CT, Source(stored_dtype="int16", window=350.0, level=50.0))


@pytest.fixture
def layer(viewer: Any, small: Volume) -> Any:
    """The small CT in the viewer, its third slice on screen."""
    from quietvoxel.napari_plugin.adapter import add_volume

    added = add_volume(viewer, small, "scan")
    viewer.dims.set_current_step(0, 2)
    return added


@pytest.fixture
def until(qtbot: Any) -> Callable[..., None]:
    """Let Qt run until something is so."""

    def wait(so: Callable[[], bool], seconds: float = 30.0) -> None:
        qtbot.waitUntil(so, timeout=round(1000 * seconds))

    return wait


@pytest.fixture
def open_dock(viewer: Any, until: Callable[..., None]) -> Callable[..., Any]:
    """Open the Denoise dock as the menu does; with the fake engine chosen, and no preview, unless asked for."""

    def open_it(*, preview: bool = False, engine: str | None = None) -> Any:
        _, dock = viewer.window.add_plugin_dock_widget("quietvoxel", "Denoise")
        dock.preview_box.setChecked(preview)
        dock.engines.choose_engine(engine or ("fake" if "fake" in registry.ENGINES else "relativeflow"))
        if dock.chooser.layer is not None and dock.bar.button.isEnabled():
            until(lambda: dock.noise.origin.text() != "measuring…")
        return dock

    return open_it


@pytest.fixture
def run_to_the_end(until: Callable[..., None]) -> Callable[[Any], None]:
    """Press the button, and wait until it is back."""

    def run(dock: Any) -> None:
        dock.bar.button.click()
        until(lambda: not dock.bar.run.state.busy)

    return run


@pytest.fixture
def settled(until: Callable[..., None]) -> Callable[[Any], None]:
    """Wait for the final picture of what is wanted now."""

    def wait(dock: Any) -> None:
        until(lambda: not dock.preview.busy and "final" in dock.preview_line.text())
        assert "DRAFT" not in dock.preview_line.text()

    return wait


@pytest.fixture
def previewed(open_dock: Callable[..., Any], settled: Callable[[Any], None]) -> Callable[..., Any]:
    """Open the dock with a preview and wait for the final picture."""

    def open_it(**more: Any) -> Any:
        dock = open_dock(preview=True, **more)
        settled(dock)
        return dock

    return open_it


@pytest.fixture
def preview_of() -> Callable[[Any], Any]:
    """Find the layer of the preview."""

    def find(viewer: Any) -> Any:
        return next(layer for layer in viewer.layers if layer.name.endswith("[preview]"))

    return find
