"""The structure check: an oracle is believed, an erased vessel or lesion is found."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from scipy import ndimage

from quietvoxel.degradation.ct_noise import unit_noise
from quietvoxel.degradation.rician import add_rician
from quietvoxel.errors import BadInputError, CancelledError
from quietvoxel.io import read
from quietvoxel.phantoms import ct_phantom, mr_phantom, scatter_structures
from quietvoxel.quality import StructureCheck, Verdict, check_structure

if TYPE_CHECKING:
    from pathlib import Path

CT_SPACING = (2.5, 1.0, 1.0)
MR_SPACING = (3.0, 1.0, 1.0)
KINDS = ["lesion", "vessel", "vessel through the slices"]


@functools.cache
def ct() -> tuple[np.ndarray, np.ndarray]:
    """A chest and abdomen, and noise of an FBP of SD 1 HU in its soft tissue."""
    truth = ct_phantom((4, 320, 320), CT_SPACING, seed=31, centre_z_mm=-60.0).data
    hu = torch.from_numpy(truth)[:, None]
    unit = unit_noise(hu, CT_SPACING[1:], generator=torch.Generator().manual_seed(31)).matched(hu, 1.0)
    return truth, unit.at(0.5)[:, 0].numpy()


@functools.cache
def head(contrast: str = "T1") -> np.ndarray:
    truth = mr_phantom((4, 224, 224), MR_SPACING, seed=32, contrast=contrast).data
    return truth / np.percentile(truth, 99.5)


def rician(truth: np.ndarray, sigma: float, seed: int = 33) -> np.ndarray:
    generator = torch.Generator().manual_seed(seed)
    return add_rician(torch.from_numpy(truth)[:, None], sigma, generator)[:, 0].numpy()


def found(check: StructureCheck, structures: list[np.ndarray]) -> float:
    """Share of the structures that a flagged tile touches."""
    flagged = check.overlay() > 0
    return float(np.mean([(flagged & one).any() for one in structures]))


@pytest.mark.parametrize("sd_hu", [10.0, 20.0, 40.0])
def test_a_perfect_denoiser_of_a_ct_is_believed(sd_hu: float) -> None:
    truth, noise = ct()

    check = check_structure(truth + sd_hu * noise, truth, CT_SPACING)

    assert check.share <= 0.01
    assert check.verdict is Verdict.GREEN
    assert check.strengths.checked.sum() > 2500
    assert "looks like noise" in check.sentence


def test_ct_noise_cut_off_at_the_lowest_stored_value_is_noise_too() -> None:
    truth, noise = ct()
    before = np.maximum(truth + 40 * noise, -1024).round().astype(np.int16)

    assert check_structure(before, truth, CT_SPACING).share <= 0.01


@pytest.mark.parametrize("sigma", [0.03, 0.1])
@pytest.mark.parametrize("contrast", ["T1", "T2", "FLAIR"])
def test_a_perfect_denoiser_of_an_mr_is_believed_though_the_noise_depends_on_the_signal(
    contrast: str, sigma: float
) -> None:
    truth = head(contrast)

    check = check_structure(rician(truth, sigma), truth, MR_SPACING)

    assert check.share <= 0.01
    assert check.verdict is Verdict.GREEN


def test_dark_muscle_and_bone_of_a_real_scan_are_not_structure(shared_data: Path) -> None:
    volume = read(shared_data / "val" / "mr" / "prostatex0218_T2tra_s5.nii.gz", modality="MR")
    middle = len(volume.data) // 2
    truth = volume.as_float32()[middle - 4 : middle + 4]
    truth = truth / np.percentile(truth, 99.5)
    # What a network makes of it: thin lines are there, a little noise is left.
    left = 0.006 * np.random.default_rng(37).standard_normal(truth.shape).astype(np.float32)
    output = truth + ndimage.gaussian_filter(left, (0, 1, 1))

    check = check_structure(rician(truth, 0.03), output, volume.geometry.spacing_zyx)

    assert check.share <= 0.005
    assert check.verdict is Verdict.GREEN


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_erased_from_a_ct_is_found(kind: str) -> None:
    truth, noise = ct()
    smooth = ndimage.uniform_filter(truth, (1, 9, 9))
    where = (smooth > 0) & (smooth < 120)
    picture, each = scatter_structures(kind, where, CT_SPACING, seed=34)

    check = check_structure(truth + 20 * noise + 60 * picture, truth, CT_SPACING)

    assert len(each) == 20
    assert found(check, each) >= 0.95
    assert check.verdict is not Verdict.GREEN


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_erased_from_an_mr_is_found(kind: str) -> None:
    truth = head()
    where = np.stack([ndimage.binary_erosion(plane > 0.15, iterations=4) for plane in truth])
    picture, each = scatter_structures(kind, where, MR_SPACING, seed=35)

    check = check_structure(rician(truth - 0.15 * picture, 0.06), truth, MR_SPACING)

    assert len(each) == 20
    assert found(check, each) >= 0.95
    assert check.verdict is not Verdict.GREEN


def test_a_blur_is_caught_at_the_edges_it_took() -> None:
    truth, noise = ct()
    before = truth + 10 * noise

    check = check_structure(before, ndimage.gaussian_filter(before, (0, 1.5, 1.5)), CT_SPACING)

    assert check.verdict is Verdict.RED
    assert "edge" in {place.kind for place in check.places}


def test_places_come_strongest_first_and_lie_where_the_structure_was() -> None:
    truth, noise = ct()
    strong, weak = np.zeros_like(truth), np.zeros_like(truth)
    strong[1, 150:155, 100:105], weak[2, 200:205, 220:225] = 200, 110
    before = truth + 20 * noise + strong + weak

    places = check_structure(before, truth, CT_SPACING).places

    assert places[0].kind in ("spot", "line")
    assert np.abs(np.subtract(places[0].index, (1, 152, 102))).max() <= 3
    assert np.abs(np.subtract(places[1].index, (2, 202, 222))).max() <= 3
    assert places[0].strength > places[1].strength > 1


def test_only_the_patient_is_checked_where_a_mask_says_so() -> None:
    truth, noise = ct()
    before = truth + 20 * noise
    before[2, 20:26, 20:26] += 400  # in the air
    body = truth > -500

    assert check_structure(before, truth, CT_SPACING).places
    masked = check_structure(before, truth, CT_SPACING, body)
    assert not any(max(place.index[1:]) < 40 for place in masked.places)


def test_nothing_removed_is_nothing_to_check() -> None:
    truth, _ = ct()

    check = check_structure(truth, truth, CT_SPACING)

    assert (check.share, check.places, check.verdict) == (0, (), Verdict.GREEN)
    assert "Nothing was removed" in check.sentence
    assert not check.overlay().any()


def test_padding_and_missing_values_do_no_harm() -> None:
    truth, noise = ct()
    before, after = truth + 20 * noise, truth.copy()
    before[:, :, :60] = after[:, :, :60] = -2000
    before[1, 100:105, 200:205] = np.nan

    check = check_structure(before, after, CT_SPACING)

    assert np.isfinite(check.strengths.strength).all()
    assert check.share <= 0.01


def test_progress_is_told_and_cancelling_stops() -> None:
    truth, noise = ct()
    seen: list[tuple[int, int]] = []

    check_structure(truth + noise, truth, CT_SPACING, progress=lambda *at: seen.append(at))

    assert seen == [(n, 4) for n in range(1, 5)]
    with pytest.raises(CancelledError):
        check_structure(truth + noise, truth, CT_SPACING, cancelled=lambda: True)


def test_volumes_that_do_not_fit_are_said() -> None:
    with pytest.raises(BadInputError, match="one size"):
        check_structure(np.zeros((2, 64, 64)), np.zeros((2, 64, 60)), CT_SPACING)
    with pytest.raises(BadInputError, match="too small"):
        check_structure(np.zeros((2, 10, 64)), np.zeros((2, 10, 64)), CT_SPACING)
