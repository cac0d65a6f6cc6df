"""The section Train in the user's hands; the training itself is a stand-in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .conftest import on_a_display, tick, until

if TYPE_CHECKING:
    import pytest

pytestmark = on_a_display


def test_the_user_trains_and_knows_before_what_it_takes(
    opened: Any, add_volume: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = add_volume()
    widget = opened()
    ui, session = widget.ui, widget.panel.session
    ran: list[list[str]] = []

    class Child:
        """A training that says what the real one says, and has ended then."""

        running = False

        def start(self, command: list[str], listener: Any) -> None:
            ran.append(command)
            if "--measure" in command:
                plans = {"quick": 600.0, "standard": 3600.0}
                for plan, seconds in plans.items():
                    event = {"event": "foreseen", "plan": plan, "steps": 40, "seconds": seconds}
                    listener.line(json.dumps(event | {"memory_bytes": 2.1e9, "device": "cpu"}))
            else:
                message = "The training 'x' is unfinished; go on with --resume, or set --patch."
                listener.line(json.dumps({"event": "failed", "message": message, "code": 2}))
                listener.ended(2, "")

        def kill_tree(self) -> None:
            """Nothing runs."""

        def poll(self) -> None:
            """Nothing comes."""

    monkeypatch.setattr(session.foresight, "_make_process", Child)
    monkeypatch.setattr(session.training, "_make_process", Child)
    monkeypatch.setattr(session.training, "option_words", {"--resume": "Resume", "--patch": "Patch"})
    ui.inputSelector.setCurrentNode(node)
    ui.trainSection.collapsed = False
    ui.addVolumeButton.click()
    assert ui.referencesList._q.count() == 1
    assert ui.planLine.text == "measuring time and memory on this machine…"
    until(lambda: "steps" in ui.planLine.text, lambda: tick(widget))
    assert ui.planLine.text == "40 steps, about 10:00 and 2.1 GB of memory, on cpu"
    assert ran[0][-4:-2] == ["--measure", "--no-save"] or "--measure" in ran[0]
    ui.planBox.currentIndex = ui.planBox.findData("standard")
    assert "about 1:00:00" in ui.planLine.text
    assert len(ran) == 1  # all plans were measured at once

    ui.startTrainingButton.click()
    assert ui.trainStatus.text.startswith("Give the model a name first")
    ui.trainNameEdit.text = "my-ct"
    ui.trainTitleEdit.text = "Our CT"
    ui.trainUseEdit.text = "low-dose abdomen"
    _, patch = widget.panel.train._settings.controls["patch"]
    patch.value = 64
    ui.startTrainingButton.click()
    until(lambda: len(ran) == 2 and not session.training.busy, lambda: tick(widget))
    words = ran[1]
    assert words[:4] == [*session.program, "train"]
    assert {"--title=Our CT", "--intended-use=low-dose abdomen"} <= set(words)
    assert words[words.index("--patch") + 1] == "64"
    assert words[words.index("--modality") + 1] == "CT"
    assert words[words.index("--plan") + 1] == "standard"
    assert words[-1].endswith(".nrrd")
    assert ui.trainStatus.text == "The training 'x' is unfinished; go on with Resume, or set Patch."
    assert ui.startTrainingButton.enabled
