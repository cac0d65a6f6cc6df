"""What napari.yaml promises is there."""

from __future__ import annotations

import pytest

pytest.importorskip("napari", reason="napari is not installed")

from npe2 import PluginManager, PluginManifest

MANIFEST = PluginManifest.from_distribution("quietvoxel")


def test_every_command_can_be_imported() -> None:
    MANIFEST.validate_imports()


def test_every_contribution_names_a_command_of_ours() -> None:
    commands = {command.id for command in MANIFEST.contributions.commands or ()}
    parts = ("readers", "writers", "sample_data", "widgets")
    used = {item.command for part in parts for item in getattr(MANIFEST.contributions, part) or ()}
    used |= {item.command for items in (MANIFEST.contributions.menus or {}).values() for item in items}

    assert used <= commands


@pytest.mark.parametrize("name", ["ct.nii.gz", "ct.nii", "ct.nrrd", "ct.mha", "ct.mhd", "ct.dcm"])
def test_our_reader_is_offered_for_its_files(name: str) -> None:
    manager = PluginManager.instance()
    manager.discover()

    assert "quietvoxel" in {reader.plugin_name for reader in manager.iter_compatible_readers([name])}


@pytest.mark.parametrize("name", ["out.nii.gz", "out.nii", "out.nrrd", "out.mha"])
def test_our_writer_is_the_one_for_its_endings(name: str) -> None:
    manager = PluginManager.instance()
    manager.discover()

    writer, path = manager.get_writer(name, ["image"], plugin_name="quietvoxel")
    assert writer is not None
    assert (writer.command, path) == ("quietvoxel.write", name)
