"""Each rule of the event table by name, and each of its boundaries, worked out by hand."""

from __future__ import annotations

import pytest
from events.event_tables import Core, event

GONE = "recist_1_1/target/disappearance"
DECREASE = "recist_1_1/target/decrease"
BACK = "recist_1_1/target/reappearance"
INCREASE = "recist_1_1/target/increase"


def outcome(
    core: Core, endpoint: str, rule_set: str = "recist_1_1", lesion_id: str = "T1"
) -> tuple[bool, float | None, str | None]:
    with core.build_events() as con:
        row = event(con, lesion_id, endpoint, rule_set)
    return row["is_event"], row["time_days"] if row["is_event"] else None, row["rule_id"]


NO_EVENT = (False, None, None)


# recist_1_1/target/decrease -----------------------------------------------------------------


def test_a_decrease_of_exactly_30_percent_is_a_response(core: Core) -> None:
    core.target({0: 10, 42: 7})
    assert outcome(core, "response") == (True, 42.0, DECREASE)


def test_a_decrease_of_a_little_less_than_30_percent_is_none(core: Core) -> None:
    core.target({0: 10, 42: 7.01})
    assert outcome(core, "response") == NO_EVENT


@pytest.mark.parametrize(
    ("baseline", "scan"), [(17.3, 12.11), (33.3, 23.31), (12.9, 9.03), (0.7, 0.49), (110.1, 77.07)]
)
def test_exactly_30_percent_holds_for_sizes_that_binary_fractions_cannot_write(
    core: Core, baseline: float, scan: float
) -> None:
    core.target({0: baseline, 42: scan})  # scan is 0.7 x baseline to the last decimal
    assert outcome(core, "response")[0]


def test_a_hundredth_of_a_millimetre_short_of_30_percent_is_none_at_any_size(core: Core) -> None:
    core.target({0: 110.1, 42: 77.08})
    assert not outcome(core, "response")[0]


def test_the_decrease_is_from_baseline_not_from_a_later_larger_size(core: Core) -> None:
    core.target({0: 20, 42: 30, 84: 20.9})  # -30.3 % from 30, but +4.5 % from baseline
    assert outcome(core, "response") == NO_EVENT


def test_a_response_counts_though_the_lesion_progressed_before(core: Core) -> None:
    core.target({0: 20, 42: 26, 84: 12})
    assert outcome(core, "progression") == (True, 42.0, INCREASE)
    assert outcome(core, "response") == (True, 84.0, DECREASE)


# recist_1_1/target/disappearance ------------------------------------------------------------


def test_a_lesion_that_is_gone_has_responded_by_disappearance(core: Core) -> None:
    core.target({0: 12, 42: 0})
    assert outcome(core, "response") == (True, 42.0, GONE)


def test_the_first_day_goes_before_the_better_rule(core: Core) -> None:
    core.target({0: 12, 42: 8, 84: 0})  # -33 % first, gone later
    assert outcome(core, "response") == (True, 42.0, DECREASE)


# recist_1_1/target/increase -----------------------------------------------------------------


def test_20_percent_but_only_4_mm_is_no_progression(core: Core) -> None:
    core.target({0: 20, 42: 24})
    assert outcome(core, "progression") == NO_EVENT


def test_exactly_20_percent_and_exactly_5_mm_is_progression(core: Core) -> None:
    core.target({0: 25, 42: 30})
    assert outcome(core, "progression") == (True, 42.0, INCREASE)


def test_5_mm_but_only_17_percent_is_no_progression(core: Core) -> None:
    core.target({0: 30, 42: 35})
    assert outcome(core, "progression") == NO_EVENT


@pytest.mark.parametrize(("nadir", "scan"), [(25.4, 30.48), (31.1, 37.32), (0.3, 5.3), (9.7, 14.7)])
def test_a_threshold_met_exactly_counts_whatever_the_fraction(
    core: Core, nadir: float, scan: float
) -> None:
    core.target({0: nadir, 42: scan})
    assert outcome(core, "progression")[0]


def test_the_baseline_is_the_nadir_when_nothing_was_smaller(core: Core) -> None:
    core.target({0: 25, 42: 27, 84: 31})  # 84: +4 mm from day 42, +6 mm and +24 % from baseline
    assert outcome(core, "progression") == (True, 84.0, INCREASE)


def test_the_nadir_is_the_smallest_size_before_the_scan(core: Core) -> None:
    core.target({0: 40, 42: 20, 84: 25, 126: 26})  # 84: +25 % and +5 mm from 20
    assert outcome(core, "progression") == (True, 84.0, INCREASE)


def test_a_slow_creep_adds_up_against_the_nadir(core: Core) -> None:
    core.target({0: 30, 42: 32, 84: 34, 126: 36, 168: 38})  # 126: +20 % and +6 mm from 30
    assert outcome(core, "progression") == (True, 126.0, INCREASE)


def test_what_was_measured_before_baseline_is_not_in_the_nadir(core: Core) -> None:
    core.target({-40: 15, -3: 20, 42: 24}, baseline_day=-3)  # +60 % from 15, but +4 mm from 20
    assert outcome(core, "progression") == NO_EVENT


def test_a_scan_on_or_before_the_baseline_is_no_event(core: Core) -> None:
    core.target({-40: 50, -3: 20, 42: 21}, baseline_day=-3)
    assert outcome(core, "response") == NO_EVENT


# recist_1_1/target/reappearance -------------------------------------------------------------


def test_a_lesion_seen_again_after_it_was_gone_progresses_at_any_size(core: Core) -> None:
    core.target({0: 12, 42: 0, 84: 3})
    assert outcome(core, "progression") == (True, 84.0, BACK)


def test_a_lesion_that_stays_gone_does_not_reappear(core: Core) -> None:
    core.target({0: 12, 42: 0, 84: 0})
    assert outcome(core, "progression") == NO_EVENT


def test_a_lesion_that_was_only_small_does_not_reappear(core: Core) -> None:
    core.target({0: 12, 42: 1, 84: 4})  # +300 % but 3 mm
    assert outcome(core, "progression") == NO_EVENT


# zhou2023 -----------------------------------------------------------------------------------

SHRINK = "zhou2023/target/decrease"
GROW = "zhou2023/target/increase"


def volumes(core: Core, *mm3: float) -> None:
    """A lesion with measured volumes six weeks apart, its diameter left alone."""
    days = [42 * place for place in range(len(mm3))]
    core.target(dict.fromkeys(days, 20.0), volumes=dict(zip(days, mm3, strict=True)))


@pytest.mark.parametrize(
    ("mm3", "is_response"), [((1000, 800), True), ((1000, 800.1), False), ((1000, 0), True)]
)
def test_zhou_response_is_20_percent_of_the_volume(
    core: Core, mm3: tuple[float, ...], is_response: bool
) -> None:
    volumes(core, *mm3)
    wanted = (True, 42.0, SHRINK) if is_response else NO_EVENT
    assert outcome(core, "response", "zhou2023") == wanted


@pytest.mark.parametrize(
    ("mm3", "is_progression"),
    [
        ((500, 650), True),  # exactly 30 %, 150 mm3
        ((500, 649.9), False),
        ((1000, 1200), True),  # 20 %, exactly 200 mm3
        ((1000, 1199.9), False),
        ((1000, 500, 650), True),  # from the nadir
        ((1000, 0, 1), True),  # any volume is 30 % more than none
        ((1000, 0, 0), False),
    ],
)
def test_zhou_progression_is_30_percent_or_200_mm3(
    core: Core, mm3: tuple[float, ...], is_progression: bool
) -> None:
    volumes(core, *mm3)
    last_day = 42.0 * (len(mm3) - 1)
    wanted = (True, last_day, GROW) if is_progression else NO_EVENT
    assert outcome(core, "progression", "zhou2023") == wanted


def test_zhou_response_is_7_percent_in_diameter(core: Core) -> None:
    core.target({0: 30, 42: 27.9, 84: 27.8})  # (27.9/30)^3 = 0.8044, (27.8/30)^3 = 0.7957
    assert outcome(core, "response", "zhou2023") == (True, 84.0, SHRINK)
    assert outcome(core, "response") == NO_EVENT


def test_200_mm3_are_3_percent_in_the_diameter_of_a_20_mm_lesion(core: Core) -> None:
    core.target({0: 20, 42: 20.5, 84: 20.6})  # 2330.9, 2510.1, 2547.0 mm3
    assert outcome(core, "progression", "zhou2023") == (True, 84.0, GROW)
    assert outcome(core, "progression") == NO_EVENT


# recist_volume ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mm3", "rule"),
    [
        ((1000, 343), "decrease"),  # exactly -65.7 %
        ((1000, 343.1), None),
        ((1000, 0), "disappearance"),
    ],
)
def test_recist_volume_response_is_65_7_percent(
    core: Core, mm3: tuple[float, ...], rule: str | None
) -> None:
    volumes(core, *mm3)
    wanted = NO_EVENT if rule is None else (True, 42.0, f"recist_volume/target/{rule}")
    assert outcome(core, "response", "recist_volume") == wanted


@pytest.mark.parametrize(
    ("mm3", "rule"),
    [
        ((1000, 1728), "increase"),  # exactly +72.8 %
        ((1000, 1727.9), None),
        ((1000, 500, 864), "increase"),
        ((1000, 0, 1), "reappearance"),
    ],
)
def test_recist_volume_progression_is_72_8_percent(
    core: Core, mm3: tuple[float, ...], rule: str | None
) -> None:
    volumes(core, *mm3)
    last_day = 42.0 * (len(mm3) - 1)
    wanted = NO_EVENT if rule is None else (True, last_day, f"recist_volume/target/{rule}")
    assert outcome(core, "progression", "recist_volume") == wanted


def test_recist_volume_has_no_5_mm_so_small_lesions_progress_earlier(core: Core) -> None:
    core.target({0: 10, 42: 12, 84: 15})  # 12: +20 % but 2 mm; 15: +5 mm
    assert outcome(core, "progression", "recist_volume")[1] == 42.0
    assert outcome(core, "progression")[1] == 84.0


def test_recist_in_volume_and_in_diameter_agree_exactly_at_30_percent(core: Core) -> None:
    core.target({0: 17.3, 42: 12.11})
    assert outcome(core, "response", "recist_volume")[0]


# non-target and new lesions -----------------------------------------------------------------


@pytest.mark.parametrize("rule_set", ["recist_1_1", "zhou2023", "recist_volume"])
class TestOtherLesions:
    def test_a_nontarget_lesion_progresses_at_its_first_pd(self, core: Core, rule_set: str) -> None:
        core.nontarget({0: "SD", 42: "SD", 84: "PD", 126: "PD"})
        assert outcome(core, "progression", rule_set, "NT1") == (
            True,
            84.0,
            f"{rule_set}/non-target/progression",
        )

    def test_a_nontarget_lesion_responds_at_its_first_pr(self, core: Core, rule_set: str) -> None:
        core.nontarget({42: "SD", 84: "PR", 126: "CR"})
        assert outcome(core, "response", rule_set, "NT1") == (
            True,
            84.0,
            f"{rule_set}/non-target/partial",
        )

    def test_a_nontarget_lesion_responds_at_its_first_cr(self, core: Core, rule_set: str) -> None:
        core.nontarget({42: "CR", 84: "PR"})
        assert outcome(core, "response", rule_set, "NT1") == (
            True,
            42.0,
            f"{rule_set}/non-target/complete",
        )

    def test_a_nontarget_word_at_baseline_is_no_event(self, core: Core, rule_set: str) -> None:
        core.nontarget({-7: "CR", 0: "PD", 42: "SD"}, baseline_day=None)
        assert outcome(core, "progression", rule_set, "NT1") == NO_EVENT
        assert outcome(core, "response", rule_set, "NT1") == NO_EVENT

    def test_a_new_lesion_progresses_when_it_is_detected(self, core: Core, rule_set: str) -> None:
        core.target({0: 20, 42: 20, 84: 20})
        core.new(84)
        assert outcome(core, "progression", rule_set, "N1") == (
            True,
            84.0,
            f"{rule_set}/new/detection",
        )


def test_a_new_lesion_has_no_response_row(core: Core) -> None:
    core.new(84)
    with core.build_events() as con:
        found = con.execute(
            "SELECT DISTINCT endpoint FROM analysis.lesion_event WHERE lesion_type = 'new'"
        ).fetchall()
    assert found == [("progression",)]


def test_every_analysed_lesion_has_one_row_per_endpoint_and_rule_set(core: Core) -> None:
    core.target({0: 20, 42: 20})
    core.target({0: 20}, "T2", is_analysed=False)
    core.nontarget({42: "SD"})
    core.new(42)
    with core.build_events() as con:
        found = con.execute(
            "SELECT lesion_id, count(*) FROM analysis.lesion_event GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    assert found == [("N1", 3), ("NT1", 6), ("T1", 6)]
