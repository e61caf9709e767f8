"""The real trials that a study.yml of tests/data/studies maps, with the counts of their provenance.

The numbers are those of each PROVENANCE.md, or counted in the source file itself in another way.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sources.studykit import Workspace

from warehouse.raw import DOMAINS

STUDIES = Path(__file__).parents[1] / "data" / "studies"
LALEH = "laleh2022_fir_poplar_imvigor"


@pytest.fixture
def load_real(make_workspace, shared) -> Callable[..., Workspace]:
    """Loads a mapped study, its data files linked beside its study.yml."""

    def load(study: str, *folder: str, only: str = "*") -> Workspace:
        workspace = make_workspace()
        text = (STUDIES / study / "study.yml").read_text("utf-8")
        workspace.write({}, text)
        for file in sorted(shared.joinpath("data", *folder).glob(only)):
            if file.is_file() and file.name != "PROVENANCE.md":
                (workspace.folder / file.name).symlink_to(file)
        workspace.report = workspace.load()
        for file in workspace.report.files:
            assert file.rows_in_file == file.rows_loaded + file.rows_quarantined
        return workspace

    return load


def counts(workspace: Workspace) -> dict[str, int]:
    """Rows of each raw domain that has any."""
    found = {domain: len(workspace.table(domain, "1")) for domain in DOMAINS}
    return {domain: rows for domain, rows in found.items() if rows}


PHARMAVERSE_ROWS = {
    **{"dm": 306, "suppdm": 1197, "tu": 7734, "tr": 55995, "rs": 5808},
    **{"ex": 591, "ds": 850, "ae": 1191},
}


def test_pharmaverse_from_csv_and_from_transport_files_is_equal(load_real):
    from_csv = load_real("pharmaverse_onco", "pharmaverse_sdtm_onco", "csv")
    from_xpt = load_real("pharmaverse_onco", "pharmaverse_sdtm_onco", "xpt")
    assert counts(from_csv) == PHARMAVERSE_ROWS
    assert "tr_onco_recist.csv" in from_csv.report.ignored_files
    for domain in PHARMAVERSE_ROWS:
        columns = [c for c in from_csv.columns(domain) if c not in ("_sha256", "_source_file")]
        assert columns == [
            c for c in from_xpt.columns(domain) if c not in ("_sha256", "_source_file")
        ]
        listed = ", ".join(columns)
        assert from_csv.table(domain, listed) == from_xpt.table(domain, listed)


def test_pharmaverse_counts(load_real):
    workspace = load_real("pharmaverse_onco", "pharmaverse_sdtm_onco", "csv")
    assert workspace.table("dm", "count(*) FILTER (actarm <> 'Screen Failure')") == [(254,)]
    assert workspace.table("dm", "count(dthfl)") == [(3,)]
    assert workspace.table("tr", "count(DISTINCT usubjid)") == [(254,)]
    assert workspace.table("rs", "count(DISTINCT usubjid)") == [(205,)]
    readers = workspace.table("tr", "DISTINCT concat_ws(' / ', treval, trevalid) AS r")
    assert {row[0] for row in readers} == {
        *("INVESTIGATOR", "INDEPENDENT ASSESSOR / RADIOLOGIST 1"),
        "INDEPENDENT ASSESSOR / RADIOLOGIST 2",
    }
    assert workspace.table("tr", "count(*) FILTER (trstat = 'NOT DONE')") == [(820,)]
    assert workspace.table("tr", "count(*) FILTER (trstat = 'NOT DONE' AND trreasnd <> '')") == [
        (820,)
    ]
    assert workspace.table("tr", "count(*) FILTER (length(trdtc) < 10)") == [(16,)]
    blank = "count(*) FILTER (trtestcd IN ('DIAMETER', 'LDIAM') AND trorres IS NULL)"
    assert workspace.table("tr", blank) == [(264,)]
    key = "(usubjid, treval, trevalid, trlnkid, visitnum)"
    repeated = f"count(*) - count(DISTINCT {key})"
    sizes = f"(SELECT {repeated} FROM raw.tr WHERE trtestcd = 'LDIAM')"
    assert workspace.table("tr", f"DISTINCT {sizes}") == [(15,)]
    assert workspace.table("study_reader", "priority")[-1] == (3,)


LALEH_STUDIES = [
    # study, file, rows, patients, arms, NOT EVALUABLE, too small, blank, 0, blank day
    ("laleh_fir", "s006_Study1.csv", 456, 76, 3, 2, 0, 0, 44, 0),
    ("laleh_poplar", "s006_Study2.csv", 966, 165, 2, 14, 7, 2, 21, 0),
    ("laleh_imvigor210", "s006_Study5.csv", 835, 143, 1, 12, 3, 0, 128, 1),
]


@pytest.mark.parametrize("case", LALEH_STUDIES, ids=[case[0] for case in LALEH_STUDIES])
def test_laleh(load_real, shared, case):
    study, file, rows, patients, arms, *odd = case
    workspace = load_real(study, LALEH, only=file)
    assert counts(workspace) == {"tr": rows, "dm": patients, "tu": patients}
    assert workspace.table("dm", "count(DISTINCT arm)") == [(arms,)]
    assert workspace.table("study_arm", "count(*)") == [(arms,)]
    found = workspace.table(
        "tr",
        "count(*) FILTER (trorres = 'NOT EVALUABLE'), "
        "count(*) FILTER (trorres = 'TOO SMALL TO MEASURE'), count(*) FILTER (trorres IS NULL), "
        "count(*) FILTER (trorres = '0'), count(*) FILTER (trdy IS NULL)",
    )
    assert found == [tuple(odd)]
    # Ids beyond 2^53 are the file's own digits.
    with (shared / "data" / LALEH / file).open(newline="") as handle:
        ids = [row["Patient_Anonmyized"] for row in csv.DictReader(handle)]
    assert [row[0] for row in workspace.table("tr", "usubjid")] == ids
    assert workspace.table("study", "too_small_values, day_convention") == [
        (["TOO SMALL TO MEASURE"], "sdtm")
    ]


def test_laleh_days_follow_sdtm(load_real):
    """The convention that the three study.yml state: no day 0 in any study, days -1 and 1 are."""
    days = []
    for study, file, *_ in LALEH_STUDIES:
        workspace = load_real(study, LALEH, only=file)
        days += [row[0] for row in workspace.table("tr", "trdy")]
    assert len(days) == 2257
    assert (days.count("-1"), days.count("0"), days.count("1")) == (8, 0, 3)


def test_laleh_same_day_twice(load_real):
    workspace = load_real("laleh_imvigor210", LALEH, only="s006_Study5.csv")
    other = load_real("laleh_poplar", LALEH, only="s006_Study2.csv")
    rows = workspace.table("tr", "usubjid, trdy, trorres") + other.table(
        "tr", "usubjid, trdy, trorres"
    )
    same = sorted(row[2] for row in rows if row[:2] == ("2457866781645406208", "57"))
    assert same == ["12", "41"]


def test_poplar_clinical(load_real):
    workspace = load_real("poplar_clinical", LALEH, only="poplar_clinical.csv")
    assert counts(workspace) == {"dm": 287, "adtte": 574, "rs": 261, "suppdm": 287 + 287 + 72}
    # 90 of 144 and 110 of 143 died; medians of survival are in months.
    deaths = workspace.connection.sql(
        "SELECT dm.arm, count(*), count(*) FILTER (adtte.cnsr = '0') FROM raw.adtte "
        "JOIN raw.dm USING (usubjid) WHERE adtte.paramcd = 'OS' GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert deaths == [("Docetaxel", 143, 110), ("MPDL3280A", 144, 90)]
    assert workspace.table("adtte", "DISTINCT avalu") == [("MONTHS",)]
    assert workspace.table("adtte", "aval")[0] == ("18.2340862422998",)
    lines = workspace.connection.sql(
        "SELECT qval, count(*) FROM raw.suppdm WHERE qnam = 'LINETHER' GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert lines == [("2", 189), ("3", 98)]


def test_hnscc265(load_real):
    workspace = load_real("hnscc265", "hnscc265_zhou2023", only="265*.csv")
    assert counts(workspace) == {"tr": 3574, "tu": 777}
    assert workspace.table("tr", "count(DISTINCT trlnkid), count(usubjid)") == [(777, 0)]
    assert workspace.table("tr", "count(*) FILTER (trorres = '0')") == [(433,)]
    # Below the limit of 200 mm3: sizes whose volume d x (d / 1.31)^2 / 2 is not above it.
    below = "count(*) FILTER (pow(CAST(trorres AS DOUBLE), 3) / (2 * 1.31 * 1.31) <= 200)"
    assert workspace.table("tr", below) == [(565,)]
    first = workspace.table("tr", "trlnkid, trdy, trorres, xbasevol")
    lesion = [row for row in first if row[0] == "1369"]
    stated, size = float(lesion[0][3]), float(lesion[0][2])
    assert stated != pytest.approx(size**3 / (2 * 1.31**2), rel=1e-3)
    again = next(row for row in lesion if row[1] == "141")
    assert stated == pytest.approx(float(again[2]) ** 3 / (2 * 1.31**2), rel=1e-3)
    assert workspace.table("study", "patients") == [("unknown",)]
    assert workspace.table("study_reader") == []


def test_openbtai(load_real, shared):
    workspace = load_real("openbtai_mets", "openbtai_mets", only="*.xlsx")
    found = counts(workspace)
    assert (found["tu"], found["tr"], found["dm"], found["adtte"]) == (160, 2 * 499, 75, 75)
    lesions = {row[:2] for row in workspace.table("tu", "usubjid, tulnkid")}
    measured = {row[:2] for row in workspace.table("tr", "DISTINCT usubjid, trlnkid")}
    assert len(measured) == 154
    assert measured <= lesions
    assert lesions - measured == {
        *(("040001", "2"), ("040011", "1"), ("040058", "2")),
        *(("040084", "2"), ("040109", "2"), ("040156", "1")),
    }
    units = workspace.table("tr", "DISTINCT trtestcd, trorresu")
    assert set(units) == {("LDIAM", "cm"), ("VOLUME", "cm3")}
    assert workspace.table("tr", "count(DISTINCT (usubjid, trdy))") == [(293,)]


def test_openbtai_workbooks_equal_their_flat_copies(load_real, shared):
    """The flat CSV files were made from the same workbooks by other means."""
    workspace = load_real("openbtai_mets", "openbtai_mets", only="*.xlsx")
    folder = shared / "data" / "openbtai_mets"
    with (folder / "morphological_measurements.csv").open(newline="") as handle:
        flat = list(csv.DictReader(handle))
    rows = workspace.table("tr", "usubjid, trlnkid, trorres, trtestcd")
    sizes = sorted((row[0], row[1], float(row[2])) for row in rows if row[3] == "LDIAM")
    assert sizes == sorted(
        (row["PATIENT"].zfill(6), row["LESION"], float(row["MAXDIAMETER3D"])) for row in flat
    )
    with (folder / "clinical_flat.csv").open(newline="") as handle:
        clinical = list(csv.DictReader(handle))
    assert workspace.table("tu", "usubjid, tulnkid") == [
        (row["patient_id"], row["lesion_id"]) for row in clinical
    ]
    deaths = {row["patient_id"]: row["death_time"] for row in clinical}
    assert dict(workspace.table("adtte", "usubjid, aval")) == deaths
    assert {row[0] for row in workspace.table("adtte", "cnsr")} == {"0"}
    # Each scan is on one of the patient's MRI dates of the clinical sheet.
    original = [json.loads(row[0]) for row in workspace.table("tu", "_source_values")]
    dates = {
        (row["PATIENT DATA | Patient ID"], value)
        for row in original
        for name, value in row.items()
        if "| MR" in name and value
    }
    scans = {
        (row["PATIENT"].zfill(6), "-".join((t[:4], t[4:6], t[6:])))
        for row in flat
        for t in [row["TIME POINT"]]
    }
    assert len(scans) == 293
    assert scans <= dates
