"""Computed arrays give what a whole array would, however they are sliced; sentences are said in the docks' words."""

from __future__ import annotations

import numpy as np
import pytest

from quietvoxel.jobs.wording import in_dock_words
from quietvoxel.napari_plugin.pixels import Difference, Overlay
from quietvoxel.napari_plugin.result_layers import mixed

KEYS = [
    np.s_[2],
    np.s_[2, :, :],
    np.s_[:, 1, :],
    np.s_[:, :, -1],
    np.s_[1:4, 2:3, ::2],
    np.s_[:, 2, 3],
    np.s_[2, 1, 4],
    np.s_[-3, 1:],
]


@pytest.mark.parametrize("key", KEYS, ids=str)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_overlay_is_the_volume_with_slices_painted_over(axis, key):
    rng = np.random.default_rng(0)
    base = rng.integers(-100, 100, (5, 4, 6)).astype(np.int16)
    overlay = Overlay(base, axis, lambda painted, _base: painted + 0.5)
    whole = base.astype(np.float32)
    for index in (1, 2):
        pixels = rng.normal(size=np.moveaxis(base, axis, 0).shape[1:]).astype(np.float32)
        overlay.paint(index, pixels)
        np.moveaxis(whole, axis, 0)[index] = pixels + 0.5
    np.testing.assert_array_equal(overlay[key], whole[key])
    np.testing.assert_array_equal(np.asarray(overlay), whole)
    assert (overlay.shape, overlay.ndim, overlay.size, len(overlay)) == (whole.shape, 3, whole.size, 5)
    overlay.wipe(but=2)
    assert list(overlay.painted) == [2]


def test_a_difference_follows_both_volumes_and_does_not_overflow():
    before, after = np.full((2, 3, 4), 200, np.uint8), np.full((2, 3, 4), 250, np.uint8)
    difference = Difference(before, after)
    assert difference[0].min() == -50
    after[0] = 190
    assert difference[0, 1, 1] == 10
    assert np.asarray(difference, dtype=np.float64).dtype == np.float64


def test_a_mixture_lies_between_its_parts():
    low, high = np.full((3, 3), -32768, np.int16), np.full((3, 3), 32767, np.int16)
    for blend in (0.0, 0.3, 0.999):
        image = mixed(high, low, blend, low.dtype)
        assert image.dtype == np.int16
        assert ((low <= image) & (image <= high)).all()
    assert mixed(high, low, 1.0, low.dtype) is high


def test_options_of_the_command_line_become_controls_of_the_dock():
    said = in_dock_words("close other programs or use --device cpu; give --sigma or try --precision float32.")
    assert said == "close other programs or use Device: cpu; give Noise or try Precision: float32."
    assert "--fill-nonfinite" in in_dock_words("replace them first (--fill-nonfinite does on reading).")
