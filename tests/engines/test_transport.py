"""The laws of consistent transport, and the figures that were derived for the two update rules."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietvoxel.engines.relative_flow.transport import (
    integrate,
    interpolate,
    interpolation_weight,
    step_factor,
    step_schedule,
    velocity_target,
)

GAPS = st.lists(st.floats(0.05, 2.0), min_size=4, max_size=4)


def exact_velocity(clean: float):
    """The velocity at the far end of a step, for a known clean image: what the training target is without noise."""
    return lambda x, delta: math.exp(-delta) * (clean - x)


@given(GAPS, st.floats(-1, 1), st.floats(-1, 1))
def test_interpolating_between_interpolated_images_changes_nothing(
    gaps: list[float], worse: float, better: float
) -> None:
    start, a, t, b = np.cumsum(gaps)
    end = b + 0.7
    x_a, x_b = (interpolate(worse, better, s, start, end) for s in (a, b))

    nested = interpolate(x_a, x_b, t, a, b)

    assert nested == pytest.approx(interpolate(worse, better, t, start, end), abs=1e-12)


@given(st.floats(0, 3), st.floats(0.01, 3))
def test_towards_the_clean_image_weights_multiply_along_a_chain(t: float, step: float) -> None:
    whole = interpolation_weight(t + step, 0.0, math.inf)
    assert whole == pytest.approx(interpolation_weight(t, 0.0, math.inf) * math.exp(-step), rel=1e-12)


@given(st.floats(0.01, 3), st.floats(0.0, 3))
def test_the_training_target_is_the_velocity_at_the_reference(delta: float, t: float) -> None:
    clean, start = 0.3, 0.9

    def path(time: float) -> float:
        return clean + math.exp(-time) * (start - clean)

    assert velocity_target(path(t + delta), path(t), delta) == pytest.approx(
        clean - path(t + delta), abs=1e-12
    )


@given(st.lists(st.floats(0.01, 1.5), min_size=1, max_size=6))
def test_expm1_steps_of_any_size_end_at_the_same_image(deltas: list[float]) -> None:
    clean, noisy = 0.25, 1.0
    image = integrate(noisy, exact_velocity(clean), tuple(deltas), "expm1")
    assert image == pytest.approx(clean + math.exp(-sum(deltas)) * (noisy - clean), abs=1e-12)


@pytest.mark.parametrize(
    ("deltas", "exact", "identity"),
    [
        ((0.2, 0.1, 0.05), 0.7047, 0.7244),
        ((0.35,), 0.7047, 0.7534),
        ((0.05,) * 7, 0.7047, 0.7110),
        ((1.0,), 0.3679, 0.6321),
        ((1.0,) * 3, 0.0498, 0.2526),
    ],
)
def test_both_rules_leave_the_residual_that_was_derived(
    deltas: tuple[float, ...], exact: float, identity: float
) -> None:
    left = {rule: integrate(1.0, exact_velocity(0.0), deltas, rule) for rule in ("expm1", "identity")}
    assert left["expm1"] == pytest.approx(exact, abs=5e-5)
    assert left["identity"] == pytest.approx(identity, abs=5e-5)


def test_step_factors_agree_for_small_steps_only() -> None:
    assert step_factor(1e-6, "expm1") == pytest.approx(step_factor(1e-6, "identity"), rel=1e-5)
    assert step_factor(1.0, "expm1") == pytest.approx(math.e - 1)
    assert step_factor(1.0, "identity") == 1.0


@given(st.floats(1e-4, 20), st.integers(1, 8), st.floats(0.1, 3))
def test_a_schedule_travels_the_whole_time_in_steps_the_model_was_trained_on(
    total: float, steps: int, longest: float
) -> None:
    schedule = step_schedule(total, steps, longest)
    assert sum(schedule) == pytest.approx(total, rel=1e-9)
    assert max(schedule) <= longest * (1 + 1e-8)
    assert all(a >= b * (1 - 1e-12) for a, b in pairwise(schedule))


@given(st.floats(1e-4, 1), st.integers(1, 8))
def test_without_splitting_each_step_is_half_the_one_before(total: float, steps: int) -> None:
    schedule = step_schedule(total, steps, 3.0)
    assert len(schedule) == steps
    assert all(a == pytest.approx(2 * b) for a, b in pairwise(schedule))


def test_a_step_too_long_is_split_into_equal_ones() -> None:
    assert step_schedule(3.5, 3, 1.0) == pytest.approx((1.0, 1.0, 1.0, 0.5))


@pytest.mark.parametrize("total", [0.0, -1.0])
def test_no_time_means_no_steps(total: float) -> None:
    assert step_schedule(total, 3, 1.0) == ()
