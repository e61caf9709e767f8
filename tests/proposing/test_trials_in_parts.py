"""Trials in several tables, as exports are: states in words, survival from a flag and a date, a
first dose that no name gives away, treatments in numbered columns."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from proposing.test_proposing import START, judged, proposed, question

PATIENTS = 12


def sheets(first_dose: str = "Erste Gabe") -> dict[str, bytes]:
    """German sheets: lesions with a state where no size is taken, patients with who died."""
    lesions = ["Patient;Läsion;Läsionstyp;Lokalisation;Untersuchungsdatum;Durchmesser (mm);Status"]
    head = ["Patient", "Geschlecht", "Alter", "Arm", first_dose, "Verstorben",
            "Datum letzter Kontakt"]  # fmt: skip
    patients = [";".join(word for word in head if word)]
    for number in range(1, PATIENTS + 1):
        begun = START + timedelta(days=17 * number)
        for visit, days in enumerate((-9, 56, 112)):
            day = f"{begun + timedelta(days=days):%d.%m.%Y}"
            for lesion in (1, 2):
                size = f"{20 + number - 3.5 * visit:.1f}".replace(".", ",")
                lesions.append(f"K{number:02};{lesion};Ziel;Leber;{day};{size};")
            state = "progredient" if visit == 2 else "vorhanden"
            lesions.append(f"K{number:02};3;Nicht-Ziel;Lunge;{day};;{state}")
        died = "ja" if number % 3 else "nein"
        last = begun + timedelta(days=200 + 30 * number)
        dose = [f"{begun:%d.%m.%Y}"] if first_dose else []
        row = [f"K{number:02}", "m" if number % 2 else "w", str(40 + number), "A", *dose, died,
               f"{last:%d.%m.%Y}"]  # fmt: skip
        patients.append(";".join(row))
    return {
        "laesionen__csv": "\n".join(lesions).encode("cp1252"),
        "patienten__csv": "\n".join(patients).encode("cp1252"),
    }


@pytest.mark.parametrize("name", ["Erste Gabe", "Termin 1"])
def test_every_row_counts_and_the_first_dose_is_found_by_name_or_by_its_dates(
    tmp_path: Path, name: str
) -> None:
    proposal = proposed(tmp_path / "s", **sheets(name))
    verdict = judged(tmp_path / "s", tmp_path)
    assert verdict.counts["rows quarantined"] == 0
    assert verdict.counts["measurements"] == PATIENTS * 2 * 3
    assert verdict.counts["patients with survival"] == PATIENTS
    assert (verdict.first_day, verdict.last_day) == (-9, 112)
    assert question(proposal, "no column has the date of death").taken == "yes"
    if name == "Termin 1":
        asked = question(proposal, "the date of the first dose")
        assert "first and the second scan of 12 of 12 patients" in asked.taken


def test_without_a_first_dose_days_count_from_the_first_scan_as_the_question_says(
    tmp_path: Path,
) -> None:
    proposal = proposed(tmp_path / "s", **sheets(""))
    assert question(proposal, "first dose").taken == "each patient's first scan is day 0"
    verdict = judged(tmp_path / "s", tmp_path)
    assert verdict.counts["measurements"] == PATIENTS * 2 * 3
    assert verdict.counts["rows quarantined"] == 0
    assert (verdict.first_day, verdict.last_day) == (0, 121)


def test_states_become_rows_of_their_own(tmp_path: Path) -> None:
    proposal = proposed(tmp_path / "s", **sheets())
    (entry,) = [one for one in proposal.entries if one.domain == "tr"]
    (states,) = [one for one in entry.derived if one.domain == "tr"]
    rules = {line.variable: line.rule for line in states.lines}
    assert rules["trtestcd"] == {"value": "TUMSTATE"}
    assert rules["trorres"] == {
        "column": "Status",
        "map": {"vorhanden": "PRESENT", "progredient": "UNEQUIVOCAL PROGRESSION"},
    }
    assert states.require == ("trorres",)


TREATMENTS = """Subject,Age,Sex,OS days,Death,Chemo 1 drug,Chemo 1 start,Chemo 1 end,\
Chemo 2 drug,Chemo 2 start,Chemo 2 end,Surgery date,Radiotherapy 1 start,\
Prior therapy 1 drug,Prior therapy 1 start,Rt lung date
{}
"""


def test_numbered_treatments_become_doses_and_procedures_but_not_earlier_ones(
    tmp_path: Path,
) -> None:
    rows = [
        f"S{n},{50 + n},M,{300 + n},1,FOLFOX,{n},{n + 90},{'CAPOX' if n % 2 else ''},"
        f"{n + 100 if n % 2 else ''},,{n + 200},{n + 250},5-FU,-{n + 300},{n}"
        for n in range(1, 9)
    ]
    proposal = proposed(tmp_path / "s", patients__csv=TREATMENTS.format("\n".join(rows)))
    (entry,) = proposal.entries
    made = [
        {line.variable: line.rule for line in one.lines}
        for one in entry.derived
        if one.domain in ("ex", "pr")
    ]
    assert [{k: v for k, v in one.items() if k != "usubjid"} for one in made] == [
        {"extrt": "Chemo 1 drug", "exstdy": "Chemo 1 start", "exendy": "Chemo 1 end"},
        {"extrt": "Chemo 2 drug", "exstdy": "Chemo 2 start"},
        {"prtrt": {"value": "Surgery"}, "prcat": {"value": "SURGERY"}, "prstdy": "Surgery date"},
        {
            "prtrt": {"value": "Radiotherapy"},
            "prcat": {"value": "RADIOTHERAPY"},
            "prstdy": "Radiotherapy 1 start",
        },
    ]
    # 'Rt' is the right side here.
    left = {"Prior therapy 1 drug", "Prior therapy 1 start", "Rt lung date"}
    assert set(entry.unused) >= left


def test_a_flag_with_one_value_means_that_a_blank_is_no_event(tmp_path: Path) -> None:
    rows = "\n".join(f"S{n},{50 + n},{300 + n},{'1' if n % 2 else ''}" for n in range(1, 9))
    proposal = proposed(
        tmp_path / "s", patients__csv=f"Subject,Age,Death | Days,Death | Occurrence\n{rows}\n"
    )
    (entry,) = proposal.entries
    (survival,) = [one for one in entry.derived if one.domain == "adtte"]
    rules = {line.variable: line.rule for line in survival.lines}
    assert rules["aval"] == "Death | Days"
    assert "THEN '1' ELSE '0'" in rules["cnsr"]["sql"]
    assert "blank = none" in question(proposal, "mean that the event happened").taken


def test_stretches_of_time_give_new_lesions_and_survival(tmp_path: Path) -> None:
    """Start, stop, new lesion, state: the second of two stretches ends in death (1) or not."""
    rows = "id,start,stop,new.lesions,state\n"
    for n in range(1, 21):
        rows += f"{n},0,{100 + n},1,0\n{n},{100 + n},{400 + n},0,{n % 2}\n"
    people = "id,age,sex,first dose date\n" + "".join(
        f"{n},{50 + n},M,2020-01-01\n" for n in range(1, 21)
    )
    proposal = proposed(tmp_path / "s", events__csv=rows, people__csv=people)
    (entry,) = [one for one in proposal.entries if one.domain == "rs"]
    rules = {line.variable: line.rule for line in entry.lines}
    assert rules["rsorres"] == {"column": "new.lesions", "map": {"1": "Y", "0": "N"}}
    verdict = judged(tmp_path / "s", tmp_path)
    assert verdict.counts["patients with survival"] == 20
    assert verdict.counts["new lesions"] == 20
    assert verdict.counts["rows quarantined"] == 0
    with duckdb.connect() as connection:
        folder = next((tmp_path / "raw").glob("*"))
        found = connection.execute(
            f"SELECT CAST(aval AS INTEGER), cnsr, count(*) FROM '{folder}/adtte*.parquet' "
            "GROUP BY ALL ORDER BY 1"
        ).fetchall()
    assert found == [(400 + n, str(1 - n % 2), 1) for n in range(1, 21)]


def test_rows_that_do_not_follow_each_other_are_no_stretches(tmp_path: Path) -> None:
    rows = "id,start,stop,new.lesions,state\n" + "".join(
        f"{n},{7 * n},{100 + n},1,0\n{n},0,{400 + n},0,1\n" for n in range(1, 21)
    )
    people = "id,age,sex\n" + "".join(f"{n},{50 + n},M\n" for n in range(1, 21))
    proposal = proposed(tmp_path / "s", events__csv=rows, people__csv=people)
    assert [name for name, _ in proposal.not_read] == ["events.csv"]
