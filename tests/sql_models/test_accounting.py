"""No row vanishes: every hop from raw to core balances, whatever the rows are."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlkit import SqlKit, model_names


def one_of(*values: str | None) -> st.SearchStrategy[str | None]:
    return st.sampled_from(values)


SUBJECTS = one_of("1", "01", "2", "77", None, " ")
LABELS = one_of("T01", "T02", "T01.1", "T01/T02", "NT01", "N01", None)
READERS = one_of(None, "INVESTIGATOR", "Independent assessor")
DAYS = one_of("1", "-3", "0", "43", "85.0", "x", "-100", None)
DATES = one_of("2020-01-01", "2020-02", "2020-02-12T10:00", "2020-02-30", None)
VISITS = one_of("BASELINE", "W8", None)

TR_ROWS = st.fixed_dictionaries(
    {
        "usubjid": SUBJECTS,
        "trlnkid": LABELS,
        "trgrpid": one_of("TARGET", "NON-TARGET", None),
        "trtestcd": one_of("LDIAM", "LPERP", "DIAMETER", "VOLUME", "SUMDIAM", "TUMSTATE", "HU"),
        "trorres": one_of("12", "0", "1,5", "TOO SMALL TO MEASURE", "NE", ".", "PRESENT", None),
        "trorresu": one_of("mm", "cm", "mm3", "stone", None),
        "trstresn": one_of(None, "12"),
        "trstat": one_of(None, None, "NOT DONE"),
        "treval": READERS,
        "tracptfl": one_of(None, "Y"),
        "visit": VISITS,
        "trdy": DAYS,
        "trdtc": DATES,
    }
)
TU_ROWS = st.fixed_dictionaries(
    {
        "usubjid": SUBJECTS,
        "tulnkid": LABELS,
        "tutestcd": one_of("TUMIDENT", "TUSPLIT", "TUMERGE"),
        "tuorres": one_of("TARGET", "NON-TARGET", "NEW", "CYST", None),
        "tuloc": one_of("LIVER", "Lymph nodes", "BODY", None),
        "tueval": READERS,
        "tudy": DAYS,
    }
)
RS_ROWS = st.fixed_dictionaries(
    {
        "usubjid": SUBJECTS,
        "rstestcd": one_of("TRGRESP", "NTRGRESP", "OVRLRESP", "NEWLIND", "BESTRESP", "X"),
        "rsorres": one_of("CR", "PD", "Y", "?", None),
        "rseval": READERS,
        "rsdy": DAYS,
        "rsdtc": DATES,
    }
)
DM_ROWS = st.fixed_dictionaries(
    {
        "usubjid": SUBJECTS,
        "rfstdtc": one_of("2020-01-01", None),
        "rfxstdtc": one_of("2020-01-03", None),
        "dthfl": one_of("Y", None),
        "arm": one_of("FOLFOX4", "Screen Failure", None),
    }
)
EX_ROWS = st.fixed_dictionaries({"usubjid": SUBJECTS, "extrt": one_of("A", "B"), "exstdy": DAYS})
DS_ROWS = st.fixed_dictionaries(
    {"usubjid": SUBJECTS, "dsdecod": one_of("DEATH", "COMPLETED"), "dsstdy": DAYS}
)
SUPP_ROWS = st.fixed_dictionaries(
    {
        "usubjid": SUBJECTS,
        "qnam": one_of("BMI", "TRLOC", None),
        "qval": one_of("25", "LIVER", None),
        "idvar": one_of("TRSEQ", None),
        "idvarval": one_of("1", None),
    }
)
RF_ROWS = st.fixed_dictionaries(
    {
        "usubjid": SUBJECTS,
        "rflnkid": LABELS,
        "rftestcd": one_of("energy", None),
        "rforres": one_of("1.5", "big", None),
        "rfdy": DAYS,
    }
)
SOURCES = st.fixed_dictionaries(
    {
        "dm": st.lists(DM_ROWS, max_size=4),
        "tu": st.lists(TU_ROWS, max_size=12),
        "tr": st.lists(TR_ROWS, max_size=30),
        "rs": st.lists(RS_ROWS, max_size=10),
        "ex": st.lists(EX_ROWS, max_size=4),
        "ds": st.lists(DS_ROWS, max_size=4),
        "suppdm": st.lists(SUPP_ROWS, max_size=4),
        "supptr": st.lists(SUPP_ROWS, max_size=4),
        "supptu": st.lists(SUPP_ROWS, max_size=4),
        "rf": st.lists(RF_ROWS, max_size=6),
    }
)


def build(source: dict[str, list[dict[str, Any]]], threads: int = 2, **study: Any) -> SqlKit:
    kit = SqlKit(threads=threads)
    kit.study("s1", **study)
    for table, rows in source.items():
        kit.add(table, *rows)
    return kit.build(*model_names("staging", "core"), "quality.row_audit", "quality.study_summary")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(source=SOURCES, patients=st.sampled_from(["known", "unknown"]))
def test_every_hop_balances_and_every_row_has_one_fate(source, patients):
    with build(source, patients=patients) as kit:
        unbalanced = "SELECT step, reason FROM quality.row_audit WHERE NOT is_balanced"
        assert kit.query(unbalanced) == []
        kept_twice = """
            SELECT source_row FROM (
                SELECT source_row FROM staging.tumor_result_screen
                WHERE disposition <> 'quarantined'
                UNION ALL
                SELECT source_row FROM quality.quarantine WHERE domain = 'tr'
            ) GROUP BY source_row HAVING count(*) > 1
        """
        assert kit.query(kept_twice) == []
        for table, key in (
            ("core.lesion", "lesion_id"),
            ("core.patient", "patient_id"),
            ("core.measurement", "lesion_id, day"),
            ("core.lesion_assessment", "lesion_id, day"),
            ("core.lesion_assessment", "lesion_id, time_point_id"),
            ("core.measurement", "lesion_id, time_point_id"),
            ("core.time_point", "time_point_id"),
            ("core.response", "patient_id, reader, criterion, time_point_id"),
            ("core.lesion_lineage", "lesion_id, related_lesion_id, relation"),
            ("core.exclusion", "exclusion_id"),
            ("core.radiomic_feature", "lesion_id, day, region, segmentation, feature"),
        ):
            repeated = f"SELECT {key} FROM {table} GROUP BY ALL HAVING count(*) > 1"
            assert kit.query(repeated) == [], table
        orphans = """
            SELECT lesion_id FROM core.measurement ANTI JOIN core.lesion USING (lesion_id)
            UNION ALL
            SELECT lesion_id FROM core.lesion_assessment ANTI JOIN core.lesion USING (lesion_id)
            UNION ALL
            SELECT lesion_id FROM core.lesion ANTI JOIN core.patient USING (patient_id)
            WHERE NOT is_patient_unknown
        """
        assert kit.query(orphans) == []
        twice_excluded = """
            SELECT count(*) FROM core.lesion
            WHERE is_analysed = (lesion_id IN (SELECT lesion_id FROM core.exclusion
                                               WHERE lesion_id IS NOT NULL))
        """
        assert kit.query(twice_excluded) == [(0,)]


def test_the_same_rows_come_of_one_thread_and_of_two():
    rows = [
        {
            "usubjid": str(subject),
            "trlnkid": f"T0{lesion}",
            "trtestcd": test,
            "trorres": str(10 + (7 * subject + 5 * lesion + 3 * visit) % 31),
            "trorresu": "mm",
            "treval": reader,
            "trdy": str(1 + 42 * visit),
        }
        for subject in range(1, 20)
        for lesion in range(1, 5)
        for visit in range(4)
        for test in ("LDIAM", "LPERP", "LDIAM")
        for reader in ("A", "B")
    ]
    found = []
    for threads in (1, 2):
        with build({"tr": rows}, threads=threads) as kit:
            found.append({name: kit.rows(name) for name in model_names("core")})
    assert found[0] == found[1]
    assert len(found[0]["core.measurement"]) == 19 * 4 * 4 * 2


def test_rows_that_could_not_be_loaded_are_in_the_quarantine_too():
    with SqlKit() as kit:
        kit.study("s1")
        kit.add(
            "reject",
            {
                "source_file": "tr.csv",
                "source_row": 7,
                "domain": "tr",
                "value": "a,b,c",
                "reason": "15 fields, 14 names",
                "remedy": "remove the field that is too many",
                "defect_id": "rows.2e",
            },
        )
        kit.add(
            "load_audit",
            {
                "source_file": "tr.csv",
                "domain": "tr",
                "rows_in_file": 10,
                "rows_loaded": 9,
                "rows_quarantined": 1,
            },
        )
        kit.add(
            "derivation",
            {
                "source_file": "tr.csv",
                "domain": "dm",
                "rows_in": 9,
                "rows_out": 2,
                "rows_collapsed": 7,
            },
        )
        kit.build("quality.quarantine", "quality.row_audit", "quality.load_audit")
        assert kit.rows("quality.quarantine", "stage, source_row, defect_id") == [
            ("load", 7, "rows.2e")
        ]
        columns = "rows_in, rows_out, rows_quarantined, rows_collapsed, is_balanced"
        assert kit.rows("quality.row_audit", f"step, {columns}", "step LIKE 'file %'") == [
            ("file s1/tr.csv -> raw.dm (derived)", 9, 2, 0, 7, True),
            ("file s1/tr.csv -> raw.tr", 10, 9, 1, 0, True),
        ]
        assert kit.rows("quality.load_audit", "is_balanced") == [(True,)]
