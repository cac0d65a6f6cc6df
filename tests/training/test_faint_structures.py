"""Faint structures: where they may be, how strong and how large, and what they leave alone."""

from __future__ import annotations

import numpy as np

from quietvoxel.training.faint_structures import CONTRASTS, RADII, SHARE, add_faint_structures


def slabs(level: float, count: int = 300, ratio: float = 2.0) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(count):
        slab = np.full((5, 64, 64), level, np.float32)
        add_faint_structures(slab, ratio, rng)
        found.append(slab - np.float32(level))
    return found


def test_half_of_the_slabs_get_some_and_they_stay_faint_and_small() -> None:
    added = slabs(0.5)
    some = [one for one in added if np.abs(one[2]).max() > 0.3 * CONTRASTS[0]]
    assert 0.6 * SHARE < len(some) / len(added) <= 1.1 * SHARE
    # Several may lie on top of each other, which is rare.
    strengths = [np.abs(one).max() for one in some]
    assert np.quantile(strengths, 0.9) < 1.5 * CONTRASTS[1]
    areas = [(np.abs(one[2]) > 0).sum() for one in some]
    assert np.median(areas) < 0.2 * 64 * 64
    assert min(areas) < np.pi * (RADII[0] + 4) ** 2
    signs = [np.sign(one.sum()) for one in some]
    assert 0.3 < np.mean(np.array(signs) > 0) < 0.7


def test_they_have_their_shape_in_space() -> None:
    """Where slices lie far apart, fewer of them show the same structure."""

    def shown(ratio: float) -> float:
        several = [one for one in slabs(0.5, 300, ratio) if np.abs(one[2]).max() > 0]
        return float(np.mean([(np.abs(one).max(axis=(1, 2)) > 0).sum() for one in several]))

    assert shown(1.0) > 4.5
    assert shown(1.0) - shown(6.0) > 1


def test_missing_slices_air_and_exact_zeros_of_a_magnitude_stay() -> None:
    rng = np.random.default_rng(1)
    changed = 0
    for _ in range(100):
        slab = np.zeros((5, 64, 64), np.float32)
        slab[1:4, :, :32] = 0.12  # the outermost slices are missing, half of the others is zero
        slab[1:4, :8, 32:] = 0.05  # air with noise
        before = slab.copy()
        add_faint_structures(slab, 1.0, rng)
        assert (slab >= 0).all()
        assert not slab[[0, 4]].any()
        assert not slab[:, 8:, 32:].any()
        changed += not np.array_equal(slab[:, :, :32], before[:, :, :32])
    assert 20 < changed < 60


def test_a_signed_image_may_go_below_zero() -> None:
    added = slabs(-0.05)
    assert min(float(one.min()) for one in added) < -0.05
