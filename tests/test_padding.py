"""Padding is what the scanner filled in: found where it is, never mistaken for tissue, air or noise."""

from __future__ import annotations

import numpy as np
import pytest

from quietvoxel.padding import padding_mask
from quietvoxel.volume import Modality, Source, Volume

Y, X = np.mgrid[-1:1:48j, -1:1:48j]
OUTSIDE = np.broadcast_to(np.hypot(Y, X) > 1.0, (2, 48, 48))
RNG = np.random.default_rng(3)


def ct(fill: float, **metadata: float) -> Volume:
    data = np.rint(RNG.normal(-500, 300, OUTSIDE.shape)).clip(-1024, 1000).astype(np.int16)
    data[:, 20:24, 20:24] = -1024  # air that is no padding
    return Volume(
        np.where(OUTSIDE, fill, data).astype(np.int16), modality=Modality.CT, source=Source(metadata=metadata)
    )


@pytest.mark.parametrize("fill", [-1500, -2000, -2048, -3024])
def test_ct_outside_the_field_of_view(fill: int) -> None:
    np.testing.assert_array_equal(padding_mask(ct(fill)), OUTSIDE)


def test_ct_without_padding_has_none() -> None:
    assert padding_mask(ct(-1000)) is None


def test_ct_padding_that_the_file_states_is_found_at_the_edge_only() -> None:
    mask = padding_mask(ct(-1024, padding_value=-1024.0))

    assert mask is not None
    assert mask[OUTSIDE].all()
    assert not mask[:, 20:24, 20:24].any()


def test_a_few_metal_voxels_are_no_padding() -> None:
    volume = ct(-1000)
    volume.data[0, 24, 24] = -2000

    assert padding_mask(volume) is None


def test_zeroed_background_of_mr_is_padding_and_single_zeros_are_noise() -> None:
    data = RNG.integers(1, 500, OUTSIDE.shape)
    data[0, 10:40:5, 10:40:5] = 0
    zeroed = Volume(np.where(OUTSIDE, 0, data), modality=Modality.MR)
    noisy = Volume(RNG.integers(0, 4, OUTSIDE.shape), modality=Modality.MR)

    mask = padding_mask(zeroed)

    assert mask is not None
    np.testing.assert_array_equal(mask, OUTSIDE)
    assert padding_mask(noisy) is None
