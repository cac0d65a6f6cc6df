from __future__ import annotations

import numpy as np
import pytest

from quietvoxel.quality import body_mask, foreground_mask, patient_mask, tissue_regions


def disc(size: int, radius: float, centre: tuple[float, float] | None = None) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    cy, cx = centre or ((size - 1) / 2, (size - 1) / 2)
    return (y - cy) ** 2 + (x - cx) ** 2 <= radius**2


@pytest.fixture
def patient() -> np.ndarray:
    """Soft tissue with a rim of fat, lungs inside, a table below; HU."""
    plane = np.full((128, 128), -1000.0, np.float32)
    plane[disc(128, 48)] = -100
    plane[disc(128, 36)] = 50
    plane[disc(128, 12)] = -850
    plane[122:125] = 100
    noise = np.random.default_rng(3).normal(0, 15, (3, 128, 128)).astype(np.float32)
    return plane + noise


def test_the_body_is_the_patient_with_lungs_and_without_the_table(patient: np.ndarray) -> None:
    body = body_mask(patient)

    expected = disc(128, 48)
    assert (body == expected).mean() > 0.999
    assert body[:, 64, 64].all()
    assert not body[:, 122:125].any()


def test_nothing_but_air_has_no_body() -> None:
    assert not body_mask(np.full((2, 16, 16), -1000.0)).any()


def test_foreground_is_what_exceeds_the_threshold() -> None:
    assert foreground_mask(np.array([0.0, 0.08, 0.081])).tolist() == [False, False, True]


def test_regions_hold_one_tissue_and_no_edge(patient: np.ndarray) -> None:
    regions = tissue_regions(patient)

    assert set(regions) == {"soft", "fat", "air"}
    for name, value in (("soft", 50), ("fat", -100), ("air", -1000)):
        values = patient[regions[name]]
        assert values.mean() == pytest.approx(value, abs=0.5)
        assert values.std() == pytest.approx(15, rel=0.06)


def test_air_on_the_stored_floor_is_no_region(patient: np.ndarray) -> None:
    clipped = np.maximum(patient, -1000)

    assert "air" in tissue_regions(patient)
    assert "air" not in tissue_regions(clipped)


def test_regions_too_small_to_say_anything_are_left_out(patient: np.ndarray) -> None:
    few = int(tissue_regions(patient)["fat"].sum())

    assert "fat" not in tissue_regions(patient, min_voxels=few + 1)


def test_the_patient_of_an_mr_is_what_has_signal_with_its_dark_inside() -> None:
    head = np.where(disc(64, 24), 100.0, 1.0)
    head[disc(64, 8)] = 2.0

    assert (patient_mask(head[None], "MR")[0] == disc(64, 24)).all()


def test_the_patient_of_a_ct_lies_above_minus_500_hu(patient: np.ndarray) -> None:
    assert (patient_mask(patient, "CT")[:, :110] == disc(128, 48)[:110]).mean() > 0.999
