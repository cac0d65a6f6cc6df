"""Time and noise belong together by one law each, for adding noise as for removing it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietvoxel.degradation.noise_time import CT_TIME, RICIAN_TIME, NoiseTime, noise_time_for

LAWS = st.sampled_from([CT_TIME, RICIAN_TIME])
TIMES = st.floats(0, 2)


@given(LAWS, TIMES)
def test_the_time_of_a_variance_is_the_inverse_of_the_variance_of_a_time(law: NoiseTime, t: float) -> None:
    assert law.time(law.variance(t)) == pytest.approx(t, abs=1e-9)


@given(LAWS, TIMES, TIMES, TIMES)
def test_variances_of_adjoining_times_add_up(law: NoiseTime, a: float, b: float, c: float) -> None:
    first, middle, last = sorted((a, b, c))
    parts = law.sigma_between(first, middle) ** 2 + law.sigma_between(middle, last) ** 2
    assert parts == pytest.approx(law.sigma_between(first, last) ** 2, rel=1e-9, abs=1e-15)


@given(TIMES, TIMES)
def test_ct_doses_multiply(a: float, b: float) -> None:
    def dose(t: float) -> float:
        return 1 / (1 + CT_TIME.variance(t) / CT_TIME.scale)

    assert dose(a + b) == pytest.approx(dose(a) * dose(b), rel=1e-9)
    assert dose(a) == pytest.approx(math.exp(-5 * a), rel=1e-9)


@given(TIMES, TIMES)
def test_mr_variances_add_with_time(a: float, b: float) -> None:
    assert RICIAN_TIME.variance(a + b) == pytest.approx(RICIAN_TIME.variance(a) + RICIAN_TIME.variance(b))
    assert RICIAN_TIME.variance(1.0) == 0.005


def test_each_modality_has_its_operator() -> None:
    assert noise_time_for("CT") is CT_TIME
    assert noise_time_for("MR") is noise_time_for("OTHER") is RICIAN_TIME
