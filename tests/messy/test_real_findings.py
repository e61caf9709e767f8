"""What is found in the real sources: each is known to be there, and no rule cries wolf."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlkit import SqlKit

from warehouse.raw import RAW_TABLES, build_raw_table
from warehouse.studies import load_study

STUDIES = Path(__file__).resolve().parents[1] / "data" / "studies"
PHARMAVERSE = "pharmaverse_sdtm_onco/csv/"
FILES = {
    "openbtai_mets": [
        "openbtai_mets/OpenBTAI_METS_ClinicalData_Nov2023.xlsx",
        "openbtai_mets/OpenBTAI_MORPHOLOGICAL_MEASUREMENTS.xlsx",
    ],
    "laleh_fir": ["laleh2022_fir_poplar_imvigor/s006_Study1.csv"],
    "laleh_poplar": ["laleh2022_fir_poplar_imvigor/s006_Study2.csv"],
    "laleh_imvigor210": ["laleh2022_fir_poplar_imvigor/s006_Study5.csv"],
    "poplar_clinical": ["laleh2022_fir_poplar_imvigor/poplar_clinical.csv"],
    "hnscc265": ["hnscc265_zhou2023/265target_monolix.csv"],
    "pharmaverse_onco": [
        *(PHARMAVERSE + f"{stem}.csv" for stem in ("dm", "suppdm", "ds", "ex", "ae")),
        *(PHARMAVERSE + name for name in ("tu_onco.csv", "tr_onco.csv.gz", "rs_onco.csv")),
    ],
}


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlKit]:
    """All real sources and what is found in them."""
    folder = tmp_path_factory.mktemp("real_findings")
    for study, names in FILES.items():
        (folder / study).mkdir()
        shutil.copy(STUDIES / study / "study.yml", folder / study)
        for name in names:
            source = shared / "data" / name
            (folder / study / source.name).symlink_to(source)
        load_study(folder / study, folder / "raw", loaded_at=datetime(2024, 1, 1), threads=1)
    with SqlKit() as kit:
        for table in RAW_TABLES:
            build_raw_table(kit.connection, folder / "raw", table)
        kit.build("quality.finding", "quality.defect_count")
        yield kit


def counts(kit: SqlKit, study: str) -> dict[str, int]:
    """Findings of a study, by defect_id."""
    return dict(
        kit.query(
            "SELECT defect_id, count(*) FROM quality.finding "
            f"WHERE study_id = '{study}' GROUP BY defect_id ORDER BY defect_id"
        )
    )


def values(kit: SqlKit, study: str, defect_id: str, columns: str) -> list[tuple[object, ...]]:
    return kit.rows(
        "quality.finding", columns, f"study_id = '{study}' AND defect_id = '{defect_id}'"
    )


def test_hnscc_lesion_1369_and_eight_odd_sizes(real: SqlKit) -> None:
    """By hand: six zeros between 10 mm and more, one 5 mm between 37 and 70 mm, no site at all."""
    assert counts(real, "hnscc265") == {"rows.1c": 1, "rows.3a": 1, "sizes.3c": 6, "sizes.4f": 1}
    assert values(real, "hnscc265", "rows.1c", "lesion_id") == [("hnscc265/?/-/1369",)]
    assert values(real, "hnscc265", "sizes.4f", "message") == [
        ("5 mm between 37 mm on the scan before and 70 mm on the scan after.",)
    ]


def test_laleh_double_measurement_repeats_and_quarantined_rows(real: SqlKit) -> None:
    assert counts(real, "laleh_fir") == {"rows.3a": 1}
    assert counts(real, "laleh_poplar") == {"rows.1a": 1, "rows.3a": 1}
    assert counts(real, "laleh_imvigor210") == {"rows.1a": 2, "rows.1b": 1, "rows.3a": 1}
    assert values(real, "laleh_imvigor210", "rows.1b", "patient_id, day, value") == [
        ("laleh_imvigor210/2457866781645406208", 56, "LDIAM 12, LDIAM 41")
    ]
    quarantined = real.query(
        "SELECT study_id, defect_id, count(*) FROM quality.quarantine "
        "WHERE study_id LIKE 'laleh%' GROUP BY ALL ORDER BY ALL"
    )
    assert quarantined == [
        ("laleh_fir", "sizes.1b", 2),
        ("laleh_imvigor210", "sizes.1b", 12),
        ("laleh_imvigor210", "time.2a", 1),
        ("laleh_poplar", "sizes.1b", 14),
        ("laleh_poplar", "sizes.1c", 2),
    ]


def test_openbtai_unmeasured_lesions_gaps_and_local_therapy(real: SqlKit) -> None:
    """Small metastases stated in cm are no centimetres labelled mm, and a first scan after the
    first MRI is no late baseline.
    """
    assert counts(real, "openbtai_mets") == {
        "identity.1h": 17,
        "identity.4a": 6,
        "plausibility.1d": 4,
        "plausibility.3a": 4,
        "plausibility.6d": 1,
        "rows.4e": 115,
        "rows.4f": 9,
        "rows.4g": 4,
        "rows.4k": 2,
        "time.5c": 1,
    }
    unmeasured = values(real, "openbtai_mets", "identity.4a", "lesion_id")
    assert [str(lesion).split("/", 1)[1] for (lesion,) in unmeasured] == [
        "040001/-/2", "040011/-/1", "040058/-/2", "040084/-/2", "040109/-/2", "040156/-/1",
    ]  # fmt: skip


def test_openbtai_gaps_and_treated_lesions_are_those_of_the_sheet(real: SqlKit) -> None:
    """Worked out again from raw: missing numbers, and lesions with a local therapy after day 0."""
    numbers: dict[str, set[int]] = {}
    for usubjid, label in real.query(
        "SELECT usubjid, tulnkid FROM raw.tu WHERE _study_id = 'openbtai_mets'"
    ):
        numbers.setdefault(usubjid, {0}).add(int(label))
    gaps = sum(n > 0 and n - 1 not in mine for mine in numbers.values() for n in mine)
    (treated,) = real.query(
        "SELECT count(DISTINCT usubjid || prlnkid) FILTER (WHERE prcat = 'RADIOTHERAPY'), "
        "count(DISTINCT usubjid || prlnkid) FILTER (WHERE prcat = 'SURGERY') FROM raw.pr "
        "WHERE _study_id = 'openbtai_mets' AND CAST(prstdy AS DOUBLE) > 0"
    )
    found = counts(real, "openbtai_mets")
    assert treated == (found["rows.4e"], found["rows.4f"])
    assert gaps == found["identity.1h"]


def test_pharmaverse_duplicate_keys_and_partial_dates(real: SqlKit) -> None:
    """15 LDIAM keys twice and 16 partial TRDTC are in its PROVENANCE; 5 of TUDTC come with them."""
    found = counts(real, "pharmaverse_onco")
    assert found["rows.5g"] == 15
    assert {
        subject for (subject,) in values(real, "pharmaverse_onco", "rows.5g", "DISTINCT patient_id")
    } == {"pharmaverse_onco/01-711-1143"}
    partial = real.query(
        "SELECT domain, count(*) FROM quality.finding WHERE study_id = 'pharmaverse_onco' "
        "AND defect_id = 'time.2b' GROUP BY domain ORDER BY domain"
    )
    assert partial == [("tr", 16), ("tu", 5)]


def test_pharmaverse_contradictions(real: SqlKit) -> None:
    found = counts(real, "pharmaverse_onco")
    assert set(found) == {
        "plausibility.1a", "plausibility.2b", "plausibility.3c", "rows.3a", "rows.3e", "rows.4a",
        "rows.5c", "rows.5g", "rows.5m", "rows.6b", "rows.7a",
        "sizes.3c", "sizes.6d", "time.1f", "time.2b", "time.4a",
    }  # fmt: skip
    # Its sizes are made up at random: one finding for all of them, not one for each pair.
    assert found["plausibility.1a"] == 1
    assert values(real, "pharmaverse_onco", "rows.7a", "value") == [("CHECK",)] * 3
    # Twelve subjects of the high dose arm were given the low dose.
    assert found["rows.4a"] == 12
    # A suicide of 31 October, dated 1 November in DM.
    assert values(real, "pharmaverse_onco", "rows.5c", "message") == [
        ("AE tells of the subject dead on day 173; DM of the death on day 174.",)
    ]
    # TRDY is the planned day of the visit: most rows after the baseline are off, one finding.
    ((off, dated, subjects, days),) = real.query(
        "WITH day AS (SELECT tr.usubjid, CAST(trdy AS INTEGER) AS stated, "
        "CAST(trdtc AS DATE) - CAST(rfstdtc AS DATE) AS since FROM raw.tr JOIN raw.dm "
        "USING (_study_id, usubjid) WHERE _study_id = 'pharmaverse_onco' AND length(trdtc) = 10 "
        "AND trdy IS NOT NULL), compared AS (SELECT usubjid, since + CAST(since >= 0 AS INTEGER) "
        "- stated AS apart FROM day) SELECT count(*) FILTER (apart <> 0), count(*), "
        "count(DISTINCT usubjid) FILTER (apart <> 0), max(abs(apart)) FROM compared"
    )
    assert off > dated / 2
    planned = values(real, "pharmaverse_onco", "time.1f", "domain, message")
    assert [message for domain, message in planned if domain == "tr"] == [
        f"Study day and date disagree on {off} of {dated} rows, of {subjects} subjects, "
        f"by up to {days} days."
    ]
    # Sites: 'BODY', and none on non-target and new lesions.
    assert values(real, "pharmaverse_onco", "rows.3e", "value") == [("BODY",)]
    assert found["rows.3a"] == 2


def test_patients_without_lesions_have_times_without_dates(real: SqlKit) -> None:
    """287 patients, OS and PFS of each in months from day 0, without a date."""
    assert counts(real, "poplar_clinical") == {"time.5c": 2}
    assert values(real, "poplar_clinical", "time.5c", "message") == [
        (
            f"287 rows of {endpoint} have no date of their end: their first day was taken for "
            "day 0, by day_convention.",
        )
        for endpoint in ("OS", "PFS")
    ]


def test_what_is_normal_in_real_sources_is_counted(real: SqlKit) -> None:
    """820 rows NOT DONE and 499 sizes in cm are in the PROVENANCE files; zeros counted again."""
    handled = dict(
        real.query("SELECT defect_id, n_handled FROM quality.defect_count WHERE n_handled > 0")
    )
    assert handled["rows.2a"] == 820
    assert handled["sizes.4a"] == 499
    zeros = real.query(
        "SELECT count(*) FROM raw.tr WHERE trtestcd IN ('LDIAM', 'DIAMETER', 'LPERP') "
        "AND try_cast(trorres AS DOUBLE) = 0"
    )
    quarantined = real.query(
        "SELECT count(*) FROM staging.tumor_result_screen WHERE disposition <> 'kept' "
        "AND value_raw = '0'"
    )
    assert handled["sizes.1d"] == zeros[0][0] - quarantined[0][0]
    assert handled["identity.2a"] == 254
    assert handled["identity.1a"] == 384
