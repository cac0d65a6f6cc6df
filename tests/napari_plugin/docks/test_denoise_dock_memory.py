"""What the Denoise dock keeps from one session to the next."""

from __future__ import annotations

import json
import shutil


def test_the_last_settings_are_there_in_the_next_session(viewer, layer, fake, own_home, open_dock):
    dock = open_dock()
    dock.forms["fake"]["offset"].value = 44.5
    dock.options_form["tile"].value = 256
    dock.blend.setValue(70)
    viewer.window.remove_dock_widget(dock)
    kept = json.loads((own_home / "docks.json").read_text())
    assert kept["denoise"]["engine"] == "fake"
    again = open_dock()
    assert again.engines.engine == "fake"
    assert again.settings("fake").offset == 44.5
    assert again.options().tile == 256
    assert again.blend.value() == 70


def test_damaged_or_outdated_settings_are_passed_over(viewer, layer, fake, own_home, open_dock):
    (own_home / "docks.json").write_text(
        json.dumps({"denoise": {"engine": "gone", "settings": {"fake": {"offset": 1e9, "steps": 5, "x": 1}}}})
    )
    assert open_dock().settings("fake").model_dump()["steps"] == 5
    (own_home / "docks.json").write_text("{")
    viewer.window.remove_dock_widget("all")
    assert open_dock().settings("fake").offset == 10.0


def test_preferences_say_how_the_dock_starts(viewer, layer, fake, own_home, tmp_path, monkeypatch):
    from napari.settings import get_plugin_settings

    from quietvoxel.models import model_folder

    monkeypatch.setenv("QUIETVOXEL_MODELS", "")
    docks = get_plugin_settings("quietvoxel").docks
    before = docks.model_dump()
    elsewhere = shutil.copytree(own_home / "models", tmp_path / "elsewhere")
    docks.engine, docks.device, docks.preview, docks.model_folder = "fake", "cpu", False, str(elsewhere)
    try:
        _, dock = viewer.window.add_plugin_dock_widget("quietvoxel", "Denoise")
        assert dock.engines.engine == "fake"
        assert dock.options().device == "cpu"
        assert not dock.preview_box.isChecked()
        assert model_folder() == elsewhere
    finally:
        docks.update(before)
