"""What ``lesions map`` makes of small files: formats, columns, questions, a study that loads."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from warehouse.display import Display
from warehouse.errors import LesionsError
from warehouse.judging import Verdict, judge
from warehouse.mapping import map_files
from warehouse.proposing.make import propose
from warehouse.proposing.unused import unused_parts
from warehouse.proposing.vocabulary import compact, words_of
from warehouse.proposing.write import inline, study_text, yaml_text
from warehouse.settings import default_values
from warehouse.studies import load_study, read_study

START = date(2021, 3, 1)


def judged(folder: Path, tmp_path: Path) -> Verdict:
    """The study of a folder, loaded elsewhere and judged."""
    load_study(folder, tmp_path / "raw", loaded_at=datetime(2026, 1, 1))
    return judge(tmp_path / "raw", read_study(folder).study_id, default_values())


def proposed(folder: Path, **files: str | bytes):
    """The proposal for some files, written to their folder."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        (folder / name.replace("__", ".")).write_bytes(data)
    proposal = propose([folder], "trial")
    (folder / "study.yml").write_text(study_text(proposal), encoding="utf-8")
    return proposal


def german(patients: int = 6) -> bytes:
    """Sizes with dd.mm.yyyy, decimal commas, semicolons and Windows' encoding."""
    lines = ["Patient;Herd;Lokalisation;Untersuchungsdatum;Durchmesser (mm);Therapiebeginn"]
    for patient in range(1, patients + 1):
        start = START + timedelta(days=patient)
        for lesion, site in (("H1", "Liver"), ("H2", "Lung – rechts")):
            for visit, days in enumerate((-10, 42, 84)):
                day = start + timedelta(days=days)
                size = f"{30 + patient - 2.5 * visit:.1f}".replace(".", ",")
                lines.append(f"P{patient};{lesion};{site};{day:%d.%m.%Y};{size};{start:%d.%m.%Y}")
    return "\n".join(lines).encode("cp1252")


def test_german_dates_decimal_commas_and_encoding(tmp_path):
    proposal = proposed(tmp_path / "s", messungen__csv=german())
    entry = proposal.entries[0]
    assert (entry.options.encoding, entry.options.delimiter) == ("cp1252", ";")
    assert "0x96" in entry.reasons["encoding"]
    assert (entry.date_format, entry.decimal) == (("dd.mm.yyyy",), ",")
    assert (
        "cannot be mm.dd.yyyy" in entry.reasons["date_format"]
        or "fit" in entry.reasons["date_format"]
    )
    rules = {line.variable: line.rule for line in entry.lines}
    assert rules["usubjid"] == "Patient"
    assert rules["trlnkid"] == "Herd"
    assert rules["trorres"] == "Durchmesser (mm)"
    assert rules["trorresu"] == {"value": "mm"}
    assert rules["trdtc"] == "Untersuchungsdatum"
    verdict = judged(tmp_path / "s", tmp_path)
    assert verdict.counts["measurements"] == 6 * 2 * 3
    assert verdict.counts["rows quarantined"] == 0
    # Ten days before the first dose, and 84 after it.
    assert (verdict.first_day, verdict.last_day) == (-10, 84)
    assert verdict.time_points[0].diameter_mm == pytest.approx(31.0)
    assert verdict.counts["lesions with an organ"] == 12


def test_a_workbook_with_a_legend_and_two_header_rows(tmp_path):
    folder = tmp_path / "s"
    folder.mkdir()
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Data"
    sheet["A1"] = "Sizes of target lesions, by CT"
    sheet["A2"] = "0 = not seen"
    sheet["A4"], sheet["C4"] = "Patient", "Lesion"
    sheet.merge_cells("A4:B4")
    sheet.merge_cells("C4:F4")
    for column, name in enumerate(("ID", "Sex", "Number", "Site", "Day", "Diameter (cm)"), 1):
        sheet.cell(5, column, name)
    row = 6
    for patient in range(1, 5):
        for lesion in (1, 2):
            for day in (0, 50, 100):
                values = (f"A{patient}", "female", lesion, "LIVER", day, 2.5 + lesion - day / 100)
                for column, value in enumerate(values, 1):
                    sheet.cell(row, column, value)
                row += 1
    sheet.cell(row + 1, 1, "Exported for the analysis")
    legend = book.create_sheet("Legend")
    legend["A1"] = "words only"
    book.save(folder / "sizes.xlsx")
    proposal = propose([folder], "trial")
    (folder / "study.yml").write_text(study_text(proposal), encoding="utf-8")
    options = proposal.entries[0].options
    assert options.header_rows == (4, 5)
    assert (options.sheet, options.stop_value) == ("Data", "Exported for the analysis")
    verdict = judged(folder, tmp_path)
    assert verdict.counts["measurements"] == 4 * 2 * 3
    assert verdict.counts["rows quarantined"] == 0
    assert verdict.time_points[0].diameter_mm == pytest.approx(35.0)


def test_ids_that_lost_their_zeros_are_evened(tmp_path):
    sizes = "PATIENT,LESION,DAY,SIZE_MM\n" + "".join(
        f"{n},1,{day},{20 + n}\n" for n in (10005, 10006, 10007) for day in (0, 50)
    )
    people = "PATIENT,AGE,SEX\n010005,50,M\n010006,60,F\n010007,70,M\n"
    proposal = proposed(tmp_path / "s", sizes__csv=sizes, people__csv=people)
    assert judged(tmp_path / "s", tmp_path).counts["patients"] == 3
    assert not [q for q in proposal.questions if "in common" in q.text]


def test_what_only_a_second_table_of_patients_says_is_joined(tmp_path):
    proposal = proposed(
        tmp_path / "s",
        people__csv="ID,ARM,AGE,SEX\n1,A,50,M\n2,B,60,F\n3,A,55,F\n4,B,44,M\n",
        dates__csv="ID,FIRST_DOSE,OS_DAYS,OS_EVENT\n"
        "1,2021-03-01,100,1\n2,2021-04-01,400,0\n3,2021-05-01,30,1\n4,2021-05-02,90,0\n",
        sizes__csv="ID,LESION,SCAN_DATE,SIZE_MM\n"
        + "".join(f"{n},1,2021-06-0{n},{n + 20}\n" for n in (1, 2, 3, 4)),
    )
    assert "dates.csv" in str(proposal.entries[0].joins)
    verdict = judged(tmp_path / "s", tmp_path)
    assert verdict.counts["patients with survival"] == 4
    assert verdict.first_day == (date(2021, 6, 3) - date(2021, 5, 1)).days
    assert proposal.day_zero_rule == "first dose"


def question(proposal, words: str):
    found = [q for q in proposal.questions if words in q.text]
    assert len(found) == 1, [q.text for q in proposal.questions]
    return found[0]


def test_what_cannot_be_told_is_asked_with_the_candidates(tmp_path):
    rows = "".join(f"{n},1,0{n}/0{d}/2021,{n + d},{1 + n % 2}\n" for n in (1, 2, 3) for d in (4, 5))
    proposal = proposed(tmp_path / "s", d__csv="patient,lesion,scan_date,diameter,sex\n" + rows)
    dates = question(proposal, "dd/mm/yyyy or mm/dd/yyyy")
    assert dates.candidates == ("date_format: mm/dd/yyyy",)
    unit = question(proposal, "in which unit is diameter")
    assert "trorresu: {value: mm}" in (unit.taken + str(unit.candidates))
    assert "ISO 5218" in question(proposal, "which sex").taken
    assert "first scan" in question(proposal, "first dose").taken
    assert proposal.day_zero_rule == "first scan"
    assert judged(tmp_path / "s", tmp_path).first_day == 0


@pytest.mark.parametrize(
    ("days", "convention"),
    [([-7, 0, 42], "zero_based"), ([-7, -1, 1, 42], "sdtm")],
)
def test_the_day_convention_follows_the_days_that_occur(tmp_path, days, convention):
    rows = "".join(f"{n},1,{d},20\n" for n in (1, 2, 3) for d in days)
    proposal = proposed(tmp_path / "s", d__csv="patient,lesion,day,diameter_mm\n" + rows)
    assert proposal.day_convention == convention


def test_a_wide_sheet_has_an_entry_per_visit(tmp_path):
    text = "Patient,Baseline SLD (mm),Week 8 SLD (mm),Week 16 SLD (mm)\n"
    text += "".join(f"{n},{50 + n},{40 + n},{30 + n}\n" for n in range(1, 6))
    proposal = proposed(tmp_path / "s", wide__csv=text)
    days = [{ln.variable: ln.rule for ln in e.lines}["trdy"] for e in proposal.entries]
    assert days == [{"value": "0"}, {"value": "56"}, {"value": "112"}]


def test_a_size_that_is_worked_out_from_another_is_not_taken_for_a_measurement(tmp_path):
    rows = "".join(f"{n},1,{d},{20 + n},{(20 + n) / 1.31}\n" for n in (1, 2, 3) for d in (0, 50))
    proposal = proposed(
        tmp_path / "s", d__csv="patient,lesion,day,long_axis_mm,short_axis_mm\n" + rows
    )
    assert len(proposal.entries) == 1
    assert "times 1/1.31" in dict(proposal.not_read)["d.csv, short_axis_mm"]


def test_files_without_a_table_that_could_be_told(tmp_path):
    with pytest.raises(LesionsError, match=r"notes.csv: no column was found"):
        proposed(tmp_path / "s", notes__csv="a,b\n1,2\n")
    with pytest.raises(LesionsError, match="no data file in"):
        propose([tmp_path], "x")


def test_unused_parts_of_a_finished_study(tmp_path):
    folder = tmp_path / "s"
    folder.mkdir()
    (folder / "d.csv").write_text(
        "patient,lesion,day,mm,sex,arm,empty\n1,1,0,20,f,A,\n2,1,0,30,m,B,\n"
    )
    (folder / "extra.csv").write_text("a\n1\n")
    (folder / "study.yml").write_text(
        "study_id: t\nlayout: mapped\nfiles:\n  - file: d.csv\n    domain: tr\n    columns:\n"
        "      usubjid: patient\n      trlnkid: lesion\n      trtestcd: {value: LDIAM}\n"
        "      trorres: mm\n      trdy: day\n    derive:\n      - domain: dm\n        columns:\n"
        "          usubjid: patient\n          sex: {column: sex, map: {f: F, male: M}}\n"
    )
    parts = list(unused_parts(read_study(folder)))
    assert parts[0] == "extra.csv: no entry of study.yml reads it."
    assert "d.csv: not used: arm." in parts
    assert "d.csv: blank throughout: empty." in parts
    assert any("arm may be the arm or treatment" in part for part in parts)
    assert any("no record of sex is 'male'" in part for part in parts)


def test_the_command_links_writes_and_shows_a_patient(tmp_path, capsys):
    source = tmp_path / "source"
    source.mkdir()
    (source / "m.csv").write_bytes(german())
    target = map_files([source], Display(quiet=True), into=tmp_path / "studies" / "klinik")
    assert target == tmp_path / "studies" / "klinik" / "study.yml"
    assert (target.parent / "m.csv").resolve() == source / "m.csv"
    assert read_study(target.parent).study_id == "klinik"
    out = capsys.readouterr().out
    assert "First time points of klinik/P" in out
    with pytest.raises(LesionsError, match=r"is there already.*--check"):
        map_files([source], Display(quiet=True), into=target.parent)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("TargetLesionLongDiam_mm", "target lesion long diam mm"),
        ("PID_A", "pid a"),
        ("OS.CNSR", "os cnsr"),
        ("MRI LD 1-3dAC", "mri ld 1 3 d ac"),
        ("PATIENT DATA | Sex", "patient data | sex"),
    ],
)
def test_words_of_names(name, words):
    assert words_of(name) == words
    assert compact("PID_A") == "pida"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1))
def test_texts_come_back_from_yaml(text):
    assert yaml.load(f"key: {yaml_text(text)}", yaml.BaseLoader)["key"] == text
    assert yaml.load(f"key: {inline({text: [text]})}", yaml.BaseLoader)["key"] == {text: [text]}
