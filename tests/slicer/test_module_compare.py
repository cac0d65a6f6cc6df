"""The section Compare in the user's hands."""

from __future__ import annotations

from typing import Any

import numpy as np

from .conftest import on_a_display, tick, until

pytestmark = on_a_display


def test_the_user_compares_measures_and_checks(opened: Any, add_volume: Any, views: Any, scene: Any) -> None:
    from QuietVoxelLib.volume_nodes import add_beside, array_of, matrix_of

    a = add_volume()
    views(a)
    b = add_beside(a, (array_of(a) // 2).astype(np.int16), "B")
    widget = opened()
    ui = widget.ui
    ui.compareASelector.setCurrentNode(a)
    ui.compareBSelector.setCurrentNode(b)
    for button in ("sideBySideButton", "fadeButton", "curtainButton", "checkerboardButton", "residualButton"):
        getattr(ui, button).click()
        assert getattr(ui, button).checked, button
        assert ui.compareLine.text == ""
    ui.flickerButton.click()
    assert ui.shownLine.text == "Now A: CT abdomen"
    widget.panel.compare.flip()
    assert ui.shownLine.text == "Now B: B"
    space = widget.panel.compare._space
    assert space.on
    space._shortcut._q.activated.emit()
    assert ui.shownLine.text == "Now A: CT abdomen"
    ui.windowBox.currentIndex = ui.windowBox.findData("Lung")
    ui.windowBox._q.activated.emit(ui.windowBox.currentIndex)
    assert b.GetDisplayNode().GetWindow() == 1500.0
    assert ui.widthBox.value == 1500.0
    ui.levelBox.value = -500.0
    assert a.GetDisplayNode().GetLevel() == -500.0
    ui.flickerButton.click()
    assert not ui.flickerButton.checked
    assert not space.on  # everybody else's again

    ui.curtainButton.click()
    widget.panel.session.comparison.dragged(0.25)
    assert ui.revealSlider.value == 25.0
    assert widget.panel.session.comparison._curtain._cut == 12
    ui.curtainButton.click()

    ui.measureButton.click()
    assert "Draw a region or a line first" in ui.regionsLine.text
    roi = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "R")
    roi.SetCenter(*(matrix_of(a) @ [24, 20, 2, 1])[:3])
    roi.SetSize(12.0, 12.0, 5.0)
    ui.regionSelector.setCurrentNode(roi)
    ui.measureButton.click()
    until(lambda: ui.regionTable._q.rowCount() == 3 or ui.regionsLine.text, lambda: tick(widget))
    assert ui.regionsLine.text == ""
    assert ui.regionTable._q.item(1, 0).text() == "1  SD"
    ui.curvesBox._q.activated.emit(ui.curvesBox.findData("profile"))
    assert ui.regionsLine.text.startswith("Measure first; a line profile needs a line")
    ui.regionsLine.text = ""

    ui.referenceSelector.setCurrentNode(a)
    until(lambda: "PSNR" in ui.referenceLine.text, lambda: tick(widget))
    ui.structureButton.click()
    assert ui.structureButton.text == "Cancel"
    until(lambda: ui.structureButton.text == "Check structure", lambda: tick(widget))
    assert ui.structureLine.text
