"""Curves, links, and their units."""

from __future__ import annotations

import numpy as np
import pytest
from joint.cases import Trial, read

from udfs.growth import TwoPopulation
from udfs.joint import (
    JointDataError,
    Lesions,
    link_labels,
    link_values,
    organ_hazard_ratio,
    time_to_growth,
)

ORGANS = ("liver", "lung")
PHI = np.array([[np.log(0.01), np.log(0.05), np.log(0.25)], [-6.0, -4.0, -1.0], [-5.0, -3.0, 0.5]])


def three_lesions(**options: object) -> Lesions:
    """Two of a first patient, one of a second."""
    return Lesions.of(
        [0, 0, 1],
        [1000.0, 500.0, 4000.0],
        [-20.0, -7.0, 0.0],
        ["lung", "liver", "lung"],
        n_patients=2,
        organs=ORGANS,
        **options,
    )


def test_a_diameter_worked_by_hand():
    lesions = Lesions.of([0], [1000.0], [-20.0], ["lung"], n_patients=1, organs=ORGANS, d0=[12.407])
    found = np.exp(lesions.log_diameter(PHI[:1, None], np.array([[40.0]])))[0, 0, 0]
    assert found == pytest.approx(9.825, abs=5e-4)


@pytest.mark.parametrize("pretreatment", ["growth", "flat"])
def test_diameters_follow_the_growth_model(pretreatment: str):
    lesions = three_lesions(is_flat=pretreatment == "flat")
    days = np.array([0.0, 10.0, 100.0, 700.0])
    model = TwoPopulation(pretreatment=pretreatment)
    psi = [one.to_psi(PHI[:, k, None]) for k, one in enumerate(model.parameters)]
    times = model.times(
        np.tile(days, (3, 1)), lesions.v0[:, None], np.repeat(lesions.t0[:, None], 4, axis=1)
    )
    ratio = model.predict(psi, times) / lesions.v0[:, None]
    found = lesions.log_diameter(PHI[:, None], np.tile(days, (3, 1)))[:, 0]
    np.testing.assert_allclose(found, np.log(lesions.d0[:, None] * np.cbrt(ratio)), rtol=1e-13)


def test_slopes_are_those_of_the_curves():
    lesions, day = three_lesions(), np.array([[3.0, 60.0, 400.0]] * 3)
    step = 1e-3
    rise = lesions.log_diameter(PHI[:, None], day + step)
    rise -= lesions.log_diameter(PHI[:, None], day - step)
    found = lesions.log_slope(PHI[:, None], day)
    np.testing.assert_allclose(found, rise / (2 * step), rtol=1e-7, atol=1e-11)


def test_links_are_what_their_words_say():
    lesions, days = three_lesions(), np.array([[5.0, 200.0], [30.0, 365.0]])
    u = np.arange(6.0).reshape(2, 1, 3)
    found = link_values(
        ("value", "slope", "kg", "ttg", "organ", "shared"), lesions, PHI[:, None], u, days
    )
    labels = link_labels(("value", "slope", "kg", "ttg", "organ", "shared"), ORGANS)
    of = {name: found[:, 0, :, k] for k, name in enumerate(labels)}

    def sld(shift: float, rows: list[int], patient: int) -> np.ndarray:
        each = lesions.log_diameter(PHI[:, None], (days + shift)[lesions.patient])[:, 0]
        return np.exp(each[rows]).sum(axis=0)

    for patient, rows in enumerate(([0, 1], [2])):
        now = sld(0.0, rows, patient)
        np.testing.assert_allclose(of["value"][patient], np.log(now / 50), rtol=1e-13)
        rise = (np.log(sld(1e-3, rows, patient)) - np.log(sld(-1e-3, rows, patient))) / 2e-3
        np.testing.assert_allclose(of["slope"][patient], 30 * rise, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(of["kg"][patient], PHI[rows, 0].mean(), rtol=1e-14)
        ttg = time_to_growth(PHI[rows]).mean() / 100
        np.testing.assert_allclose(of["ttg"][patient], ttg, rtol=1e-14)
        np.testing.assert_allclose(of["shared_kd"][patient], u[patient, 0, 1], rtol=0)
    np.testing.assert_allclose(of["organ_liver"][0], np.log1p(sld(0, [1], 0) / 10), rtol=1e-13)
    np.testing.assert_allclose(of["organ_lung"][1], np.log1p(sld(0, [2], 1) / 10), rtol=1e-13)
    assert (of["organ_liver"][1] == 0).all()


def test_sizes_beyond_all_numbers_keep_their_links_finite():
    lesions = three_lesions()
    wild = np.broadcast_to([8.0, 8.0, 3.0], (3, 1, 3))
    links = ("value", "slope", "organ")
    found = link_values(links, lesions, wild, np.zeros((2, 1, 3)), np.full((2, 1), 3000.0))
    assert np.isfinite(found).all()


def test_times_to_growth_equal_the_reference(trial: Trial, joint_reference):
    expected = read(joint_reference / "tgi_lesion_ttg.csv")["ttg_days"]
    # The reference has 9 digits; days of the true values rounded to 6 decimals.
    np.testing.assert_allclose(time_to_growth(trial.true_phi)[:, 0], expected, rtol=2e-8)


def test_a_patient_without_lesions_has_an_organ_link_of_none():
    lesions = Lesions.of([1], [900.0], [0.0], ["lung"], n_patients=3, organs=ORGANS)
    u, days = np.zeros((3, 1, 3)), np.ones((3, 1))
    found = link_values(("organ",), lesions, PHI[:1, None], u, days)
    assert (found[[0, 2]] == 0).all()
    assert (found[1, ..., 1] > 0).all()
    with pytest.raises(JointDataError, match="2 patients have no lesion"):
        link_values(("value",), lesions, PHI[:1, None], u, days)


def test_lesions_that_cannot_be_are_refused():
    with pytest.raises(JointDataError, match="sorted by patient"):
        Lesions.of([1, 0], [1, 1], [0, 0], ["lung"] * 2, n_patients=2, organs=ORGANS)
    with pytest.raises(JointDataError, match="lesion 2 has a volume of 0 mm3"):
        Lesions.of([0, 0], [1, 0], [0, 0], ["lung"] * 2, n_patients=1, organs=ORGANS)
    with pytest.raises(JointDataError, match="no group of organs is called 'bone'"):
        Lesions.of([0], [1], [0], ["bone"], n_patients=1, organs=ORGANS)
    with pytest.raises(ValueError, match="each once"):
        link_labels(("value", "value"), ORGANS)


def test_ten_millimetres_more_worked_by_hand():
    assert organ_hazard_ratio(0.5, 30.0) == pytest.approx(1.25**0.5)
