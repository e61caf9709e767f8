"""Biomarker rules on series made by hand give what was worked out for each elsewhere."""

from __future__ import annotations

import csv

import pytest
from sqlkit import SqlKit

YES_NO = {
    "response_50": "ctdna_50",
    "response_90": "ctdna_90",
    "decrease_or_clearance": "ctdna_any",
}


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def number(text):
    return float(text) if text else None


@pytest.fixture(scope="module")
def events(reference):
    """(patient, rule set, endpoint) -> row of the event."""
    found = reference.query("SELECT * FROM analysis.biomarker_event")
    names = [column[0] for column in reference.connection.description]
    rows = [dict(zip(names, row, strict=True)) for row in found]
    return {(r["patient_id"].split("/")[1], r["rule_set"], r["endpoint"]): r for r in rows}


def test_ctdna_at_the_landmark(reference, shared):
    found = {
        (patient.split("/")[1], rule_set): rest
        for patient, rule_set, *rest in reference.rows(
            "analysis.biomarker_landmark",
            "patient_id, rule_set, day_used, log10_change, ratio_to_baseline, is_below_limit, "
            "response",
        )
    }
    expected = rows_of(shared / "reference" / "biology" / "ctdna_expected.csv")
    for row in expected:
        for column, rule_set in YES_NO.items():
            day, change, ratio, is_below, response = found[row["patient_id"], rule_set]
            assert response == (row[column] or "not evaluable"), (row["patient_id"], column)
            if row[column]:
                assert day == int(row["day_used"])
                assert is_below == row["log10_change"].startswith("<")
                # The reference is printed to six decimals.
                assert change == pytest.approx(float(row["log10_change"].strip("<")), abs=5.1e-7)
                assert ratio == pytest.approx(float(row["ratio_max"]), abs=5.1e-7)


def test_ctdna_baseline_and_status(reference, shared):
    found = {
        patient.split("/")[1]: rest
        for patient, *rest in reference.rows(
            "analysis.biomarker_series",
            "patient_id, baseline_day, CASE WHEN NOT is_baseline_below_limit THEN baseline_value "
            "END, status",
            "test = 'ctdna'",
        )
    }
    for row in rows_of(shared / "reference" / "biology" / "ctdna_expected.csv"):
        expected = [number(row["baseline_day"]), number(row["baseline_value"]), row["status"]]
        assert found[row["patient_id"]] == expected


def test_ctdna_clearance_and_progression(events, shared):
    for row in rows_of(shared / "reference" / "biology" / "ctdna_expected.csv"):
        patient = row["patient_id"]
        cleared = events[patient, "ctdna_clearance", "clearance"]
        confirmed = events[patient, "ctdna_clearance_confirmed", "clearance"]
        assert cleared["time_upper"] == number(row["clearance_first_day"]), patient
        assert confirmed["time_upper"] == number(row["clearance_confirmed_day"]), patient
        progressed = events[patient, "ctdna_rise_confirmed", "progression"]
        assert progressed["time_upper"] == number(row["molecular_progression_day"]), patient
        for event, column in (
            (cleared, "clearance_interval"), (progressed, "molecular_progression_interval")
        ):  # fmt: skip
            between = f"({event['time_lower']},{event['time_upper']}]"
            assert (between if event["is_event"] else "") == row[column], patient


def test_ca125_psa_cea_and_cells(events, shared):
    expected = {
        (row["test"], row["patient_id"], row["quantity"]): row["expected"]
        for row in rows_of(shared / "reference" / "biology" / "marker_expected.csv")
    }
    checked = 0
    for (test, patient, quantity), value in expected.items():
        answer = _answer(events, test, patient, quantity)
        if answer is not None:
            assert answer == value, (patient, quantity)
            checked += 1
    # 2 of 4 quantities of PSA and the best change are no events.
    assert checked == len(expected) - 10


def _answer(events, test, patient, quantity):
    """What the event says, in the words of the reference; None where it is no event."""
    day = {
        "gcig_response_day": ("gcig", "response"),
        "gcig_progression_day": ("gcig", "progression"),
        "pcwg3_progression_day": ("pcwg3", "progression"),
        "psa50_confirmed_day": ("pcwg3", "response"),
        "surge_first_day": ("cea_surge", "flare"),
        "ctc0_day": ("ctc_0", "clearance"),
    }.get(quantity)
    if day:
        found = events[patient, *day]["time_upper"]
        return "" if found is None else str(found)
    if quantity == "gcig_response_evaluable":
        return "no" if events[patient, "gcig", "response"]["is_event"] is None else "yes"
    if quantity == "gcig_progression_category":
        rule = events[patient, "gcig", "progression"]["rule_id"]
        return "" if rule is None else rule[-1].upper()
    if quantity == "surge":
        event = events[patient, "cea_surge", "flare"]
        return {"event": "yes", "no event": "no"}.get(event["status"], event["status"])
    if quantity == "surge_days_to_fall":
        event = events[patient, "cea_surge", "flare"]
        return str(event["confirmed_day"] - event["time_upper"]) if event["is_event"] else ""
    return _of_cells(events, test, patient, quantity)


def _of_cells(events, test, patient, quantity):
    if not test.startswith("CTC"):
        return None
    rule_set = "ctc_3" if test.endswith("COLORECTAL") else "ctc_5"
    better = events[patient, rule_set, "conversion"]
    worse = events[patient, rule_set, "progression"]
    at_first = "favourable" if better["is_event"] is None else "unfavourable"
    if quantity == "baseline_unfavourable":
        return "no" if at_first == "favourable" else "yes"
    is_changed = bool(better["is_event"] or worse["is_event"])
    other = {"favourable": "unfavourable", "unfavourable": "favourable"}[at_first]
    return f"{at_first} to {other if is_changed else at_first}"


def test_psa_of_68_patients_as_two_other_programs_have_it(shared):
    """ASCENT-2 (tumgr): the first record is the baseline; two programs agree on all days."""
    series = rows_of(shared / "data" / "tumgr_ascent2" / "sampleData.csv")
    first = {}
    for row in series:
        first[row["name"]] = min(float(row["date"]), first.get(row["name"], float("inf")))
    with SqlKit() as kit:
        kit.study("s1", tumor_type="prostate")
        for patient in first:
            kit.subject(patient)
        kit.add("lb", *(
            {"usubjid": row["name"], "lbtestcd": "PSA", "lborres": row["size"], "lborresu": "ng/mL",
             "lbdy": str(int(float(row["date"]) - first[row["name"]]) + 1)}
            for row in series
        ))  # fmt: skip
        kit.build("analysis.biomarker_event")
        found = {
            (patient.split("/")[1], endpoint): day
            for patient, endpoint, day in kit.rows(
                "analysis.biomarker_event", "patient_id, endpoint, time_upper"
            )
        }
    expected = rows_of(shared / "reference" / "biology" / "psa_ascent2_pcwg3.csv")
    for row in expected:
        assert found.get((row["name"], "response")) == number(row["psa50_confirmed_day"])
        assert found.get((row["name"], "progression")) == number(row["pcwg3_progression_day"])
    assert sum(1 for (_, endpoint), day in found.items() if endpoint == "response" and day) == 43


def test_what_is_not_followed_has_its_reason():
    with SqlKit() as kit:
        kit.study("s1")
        kit.subject("1")
        common = {"usubjid": "1", "lbtestcd": "CTDNA", "lborresu": "%"}
        kit.add(
            "lb",
            {**common, "lborres": "2", "lbdy": "-1"},
            {**common, "lborres": "1", "lbdy": "22"},
            {**common, "lborres": "3", "lbdy": "22"},
            {**common, "lborres": "0.5", "lbdy": None},
            {**common, "lborres": "Not detected", "lbdy": "43"},
            {**common, "lborres": "Not detected", "lbdy": "64", "lblloq": "0.1"},
            {**common, "lborres": "0", "lbdy": "85"},
            {**common, "lborres": "-1", "lbdy": "86"},
            {**common, "lborres": "haemolysed", "lbdy": "87"},
            {**common, "lborres": "12", "lborresu": "copies/mL", "lbdy": "88"},
            {"usubjid": "1", "lbtestcd": "LDH", "lborres": "200", "lbdy": "1"},
        )
        kit.build("analysis.biomarker_course")
        assert kit.rows(
            "analysis.biomarker_result", "day, value, is_below_limit, exclusion_reason"
        ) == [
            (-1, 2.0, False, None),
            (21, 1.0, False, "another result of the day"),
            (21, 3.0, False, None),
            (42, None, False, "not detected, without a limit"),
            (63, 0.1, True, None),
            (84, 0.0, False, "zero without a limit"),
            (85, -1.0, False, "negative"),
            (86, None, False, "no number"),
            (87, 12.0, False, "other unit, assay or specimen"),
            (None, 0.5, False, "no day"),
        ]
        assert kit.rows("analysis.biomarker_course", "day, nadir_value, previous_day") == [
            (-1, None, None), (21, 2.0, -1), (63, 2.0, 21)
        ]  # fmt: skip


def test_a_number_below_its_limit_is_the_limit():
    with SqlKit() as kit:
        kit.study("s1")
        kit.subject("1")
        kit.add("lb", {"usubjid": "1", "lbtestcd": "CTDNA", "lborres": "0.09", "lblloq": "0.1",
                       "lbdy": "1"})  # fmt: skip
        kit.build("core.biomarker")
        assert kit.rows("core.biomarker", "value, detection_limit, is_below_limit, value_raw") == [
            (0.1, 0.1, True, "0.09")
        ]
