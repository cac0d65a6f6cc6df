"""The sections Denoise and Simulate in the user's hands: real MRML, the real worker."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from .conftest import centre_on, noisy_array, on_a_display, tick, until

pytestmark = on_a_display


@pytest.fixture
def on_a_volume(opened: Any, add_volume: Any, views: Any) -> tuple[Any, dict[str, Any], Any]:
    """A volume, the views of it, and the widget where its noise has been estimated."""
    node = add_volume()
    shown = views(node)
    centre_on(shown["Red"], node, (10, 10, 1))
    widget = opened()
    widget.ui.inputSelector.setCurrentNode(node)
    until(lambda: widget.ui.sigmaLine.text == "(estimated)", lambda: tick(widget))
    return node, shown, widget


def test_the_user_denoises_a_volume(on_a_volume: Any) -> None:
    from QuietVoxelLib.volume_nodes import array_of

    node, shown, widget = on_a_volume
    ui = widget.ui
    assert ui.volumeLine.text == "48×40×4 · 0.8×0.8×2.5 mm"
    assert ui.sigmaBox.value == pytest.approx(20.0, abs=2.0)
    assert ui.modalityBox.currentText == "CT"
    assert ui.denoiseButton.enabled
    widget.exit()
    widget.enter()
    for _ in range(20):
        tick(widget)
        time.sleep(0.01)
    assert widget.panel.session.preview.node is None  # the original, until a control is touched

    _, steps = widget.panel.denoise.engines._forms["relativeflow"].controls["steps"]
    assert (steps.minimum, steps.maximum, steps.decimals) == (1, 8, 0)
    steps.value = 2.0
    until(lambda: ui.previewLine.text.startswith(("final", "draft")), lambda: tick(widget))
    assert widget.panel.session.preview.node is not None

    ui.denoiseButton.click()
    assert ui.denoiseButton.text == "Cancel"
    until(lambda: ui.denoiseButton.text == "Denoise volume", lambda: tick(widget))
    result = ui.resultSelector.currentNode()
    assert result.GetName() == "CT abdomen [RelativeFlow]"
    assert ui.denoiseStatus.text.endswith("Not for primary diagnosis.")
    assert ui.compareASelector.currentNode() is node
    assert ui.compareBSelector.currentNode() is result

    denoised = array_of(result).copy()
    ui.blendSlider.value = 0.0
    until(lambda: np.array_equal(array_of(result), array_of(node)), lambda: tick(widget))
    ui.blendSlider.value = 100.0
    until(lambda: np.array_equal(array_of(result), denoised), lambda: tick(widget))

    assert ui.resultsList._q.item(0).text() == "CT abdomen [RelativeFlow]"
    ui.showResidualBox.checked = True
    composite = shown["Red composite"]
    residual = widget.panel.denoise.results.view.residual
    assert composite.GetForegroundVolumeID() == residual.GetID()
    assert array_of(residual).any()
    ui.showResidualBox.checked = False
    assert composite.GetForegroundVolumeID() == result.GetID()
    assert residual.GetScene() is None
    assert not ui.showUncertaintyBox.enabled

    parameters = widget._parameters
    assert parameters.engine == "relativeflow"
    assert '"steps": 2' in parameters.settings


def test_a_view_that_moves_moves_the_preview(on_a_volume: Any) -> None:
    node, shown, widget = on_a_volume
    ui = widget.ui
    widget.panel.denoise.engines._forms["relativeflow"].controls["strength"][1].value = 1.5
    until(lambda: ui.previewLine.text.startswith(("final", "draft")), lambda: tick(widget))
    preview = widget.panel.session.preview
    assert preview.node.GetAttribute("QuietVoxel.slice") == "1"
    centre_on(shown["Red"], node, (10, 10, 3))
    until(lambda: preview.node.GetAttribute("QuietVoxel.slice") == "3", lambda: tick(widget))
    widget.exit()
    assert preview.node is None


def test_the_user_simulates_and_is_ready_to_denoise_it(opened: Any, add_volume: Any, views: Any) -> None:
    node = add_volume(noisy_array(dtype="float32"))
    views(node)
    widget = opened()
    ui = widget.ui
    ui.simulateSelector.setCurrentNode(node)
    until(lambda: ui.measureBox.count == 3, lambda: tick(widget))
    ui.measureBox.currentIndex = ui.measureBox.findData("sigma")
    ui.valueBox.value = 25.0
    ui.simulateButton.click()
    until(lambda: ui.simulateStatus.text, lambda: tick(widget))
    assert ui.simulateStatus.text == "Added noise of SD 25. Simulated; not for diagnosis."
    assert ui.inputSelector.currentNode().GetName() == "CT abdomen [noise 25]"
    assert ui.referenceSelector.currentNode() is node
