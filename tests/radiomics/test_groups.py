"""Few lesions against many: as R has the tests, intervals by bootstrap."""

from __future__ import annotations

import numpy as np
import pytest

from udfs.radiomics.groups import lesion_group, one_sample, two_sample

A = [0.31, 0.52, 0.18, 0.77, 0.44, 0.93, 0.26]
B = [0.61, 0.82, 1.18, 0.57, 1.44]
# t.test(a) and wilcox.test(a, b) in R 4.2
R_T, R_T_P = 4.67137897829580950, 0.00342651204770518
R_W, R_W_P = 5, 0.047979797979798


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_one_sample_as_in_r() -> None:
    found = one_sample(A, rng())
    assert found.statistic == pytest.approx(R_T, rel=1e-12)
    assert found.p_value == pytest.approx(R_T_P, rel=1e-11)
    assert found.lower < found.mean < found.upper


def test_wilcoxon_as_in_r() -> None:
    found = two_sample(A, B, rng())
    assert (found.statistic, found.is_exact) == (R_W, True)
    assert found.p_value == pytest.approx(R_W_P, rel=1e-12)
    assert found.difference == pytest.approx(np.mean(A) - np.mean(B))


def test_bootstrap_interval_of_a_large_sample_is_student_s() -> None:
    """Of 2,000 values the percentiles are mean +- 1.96 standard errors, to a tenth of one."""
    x = np.random.default_rng(2).gamma(2, 1, 2000)
    found = one_sample(x, rng(), resamples=4000)
    error = x.std(ddof=1) / np.sqrt(x.size)
    assert found.lower == pytest.approx(x.mean() - 1.96 * error, abs=0.1 * error)
    assert found.upper == pytest.approx(x.mean() + 1.96 * error, abs=0.1 * error)


def test_order_of_patients_changes_nothing() -> None:
    assert two_sample(A, B, rng()) == two_sample(A[::-1], B[::-1], rng())


@pytest.mark.parametrize(
    ("n", "wanted"),
    [(1, None), (2, "oligo"), (5, "oligo"), (6, None), (14, None), (15, "multi"), (90, "multi")],
)
def test_groups_by_number_of_lesions(n: int, wanted: str | None) -> None:
    assert lesion_group(n) == wanted


def test_equal_values_and_empty_groups() -> None:
    assert np.isnan(one_sample([0.5, 0.5], rng()).p_value)
    assert np.isnan(one_sample([0.5], rng(), resamples=0).lower)
    with pytest.raises(ValueError, match="0 values"):
        two_sample([], B, rng())
    with pytest.raises(ValueError, match="NaN"):
        one_sample([1, np.nan], rng())
