"""Real trials from their files to core: counts of each PROVENANCE, or worked out from the file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest
from sqlkit import SqlKit, model_names

from warehouse.studies import load_study

STUDIES = Path(__file__).parents[1] / "data" / "studies"
LALEH = "laleh2022_fir_poplar_imvigor"
FOLDERS = {
    "hnscc265": "hnscc265_zhou2023",
    "laleh_fir": LALEH,
    "laleh_poplar": LALEH,
    "laleh_imvigor210": LALEH,
    "poplar_clinical": LALEH,
    "openbtai_mets": "openbtai_mets",
    "pharmaverse_onco": "pharmaverse_sdtm_onco/csv",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory, shared) -> Iterator[Callable[..., SqlKit]]:
    """Loads real studies by the name of their mapping and builds staging, core and quality."""
    with ExitStack() as stack:

        def build(*studies: str, folder: str | None = None) -> SqlKit:
            root = tmp_path_factory.mktemp("real")
            for study in studies:
                place = root / "studies" / study
                place.mkdir(parents=True)
                text = (STUDIES / study / "study.yml").read_text("utf-8")
                (place / "study.yml").write_text(text, "utf-8")
                for file in sorted((shared / "data" / (folder or FOLDERS[study])).iterdir()):
                    if file.is_file():
                        (place / file.name).symlink_to(file)
                load_study(place, root / "raw", loaded_at=datetime(2026, 1, 2))
            kit = stack.enter_context(SqlKit()).take(root / "raw")
            return kit.build(
                *model_names("staging", "core"),
                *("quality.row_audit", "quality.study_summary", "quality.unmapped_site"),
            )

        yield build


@pytest.fixture(scope="module")
def hnscc(built) -> SqlKit:
    return built("hnscc265")


@pytest.fixture(scope="module")
def laleh(built) -> SqlKit:
    return built("laleh_fir", "laleh_poplar", "laleh_imvigor210", "poplar_clinical")


@pytest.fixture(scope="module")
def openbtai(built) -> SqlKit:
    return built("openbtai_mets")


@pytest.fixture(scope="module")
def pharmaverse(built) -> SqlKit:
    return built("pharmaverse_onco")


@pytest.mark.parametrize("source", ["hnscc", "laleh", "openbtai", "pharmaverse"])
def test_every_hop_of_every_source_balances(source, request):
    kit = request.getfixturevalue(source)
    assert kit.rows("quality.row_audit", "step", "NOT is_balanced") == []
    counts = dict(kit.rows("quality.row_audit", "step, rows_in"))
    assert counts["raw.tr -> staging.tumor_result"] > 0


def test_hnscc_counts_are_those_of_the_published_file(hnscc):
    counts = "SELECT count(*), count(DISTINCT lesion_id), count(*) FILTER (is_below_limit), "
    counts += "count(*) FILTER (diameter_mm = 0), count(patient_id) FROM core.measurement"
    assert hnscc.query(counts) == [(3574, 777, 565, 433, 0)]
    analysed = "SELECT count(*) FROM core.lesion WHERE is_analysed AND is_patient_unknown"
    assert hnscc.query(analysed) == [(777,)]
    assert hnscc.query("SELECT count(*) FROM core.patient") == [(0,)]


def test_hnscc_volumes_are_those_of_the_published_file(hnscc, shared):
    path = shared / "data" / "hnscc265_zhou2023" / "265target_monolix.csv"
    with path.open(encoding="utf-8") as file:
        stated = sorted(
            (row["lesionID"], int(row["time"]), float(row["volume"]))
            for row in csv.DictReader(file)
        )
    ours = hnscc.query(
        "SELECT lesion_label, day, volume_mm3 FROM core.measurement "
        "JOIN core.lesion USING (lesion_id) ORDER BY ALL"
    )
    assert [row[:2] for row in ours] == [row[:2] for row in stated]
    for (_, _, found), (_, _, wanted) in zip(ours, stated, strict=True):
        assert found == pytest.approx(wanted, rel=1e-8)


def test_lesion_1369_states_a_baseline_volume_that_is_not_its_own(hnscc):
    columns = "lesion_label, round(stated_baseline_volume_mm3, 4), round(baseline_volume_mm3, 2)"
    found = hnscc.rows("core.lesion", columns, "is_stated_baseline_different")
    assert found == [("1369", 2330.8665, 12491.99)]


def test_text_sizes_of_three_trials_are_sorted_out(laleh):
    columns = "study_id, n_patients, n_measurements, n_imputed, n_zero, n_conflicts, n_quarantined"
    assert laleh.rows("quality.study_summary", columns) == [
        # 456 rows, 2 not evaluable.
        ("laleh_fir", 76, 454, 0, 44, 0, 2),
        # 835 rows: 12 not evaluable, 1 without a day, 2 repeated (of size 0), one day with two.
        ("laleh_imvigor210", 143, 819, 3, 126, 1, 13),
        # 966 rows: 14 not evaluable, 2 blank, 1 repeated (of size 0).
        ("laleh_poplar", 165, 949, 7, 20, 0, 16),
        ("poplar_clinical", 287, 0, 0, 0, 0, 0),
    ]


def test_ids_beyond_2_to_the_53_stay_exact(laleh, shared):
    with (shared / "data" / LALEH / "s006_Study5.csv").open(encoding="utf-8") as file:
        ids = {row["Patient_Anonmyized"] for row in csv.DictReader(file)}
    where = "study_id = 'laleh_imvigor210'"
    assert {row[0] for row in laleh.rows("core.patient", "usubjid", where)} == ids


def test_the_same_day_double_measurement_is_flagged(laleh):
    columns = "lesion_id, diameter_mm, conflicting_values"
    assert laleh.rows("core.measurement", columns, "has_conflict") == [
        ("laleh_imvigor210/2457866781645406208/-/T1", 41.0, "LDIAM 12, LDIAM 41")
    ]


def test_patients_without_lesions_keep_their_survival(laleh):
    # R survival on the same file: median OS 12.55 and 9.72 months, 90/144 and 110/143 deaths.
    found = laleh.query(
        "SELECT treatment, count(*), count(*) FILTER (os_event), count(os_days), "
        "count(*) FILTER (is_analysed), any_value(exclusion_reason) FROM core.patient "
        "WHERE study_id = 'poplar_clinical' GROUP BY treatment ORDER BY 1"
    )
    reason = "No lesion in TU or TR: known from the clinical tables only."
    assert found == [
        ("atezolizumab", 144, 90, 144, 0, reason),
        ("docetaxel", 143, 110, 143, 0, reason),
    ]


def test_brain_metastases_have_their_keys_units_and_gaps(openbtai):
    assert openbtai.query(
        "SELECT count(*), count(DISTINCT lesion_id), count(DISTINCT patient_id), "
        "count(*) FILTER (volume_source = 'measured') FROM core.measurement"
    ) == [(499, 154, 75, 499)]
    never = openbtai.query(
        "SELECT split_part(patient_id, '/', 2), lesion_label FROM core.lesion "
        "WHERE n_measurements = 0 ORDER BY ALL"
    )
    assert never == [
        ("040001", "2"),
        ("040011", "1"),
        ("040058", "2"),
        ("040084", "2"),
        ("040109", "2"),
        ("040156", "1"),
    ]
    # The first row of the file: 0.783567 cm, 0.162125 cm3.
    assert openbtai.query(
        "SELECT round(diameter_mm, 5), round(volume_mm3, 4) FROM core.measurement "
        "WHERE lesion_id = 'openbtai_mets/010005/-/1' ORDER BY day LIMIT 1"
    ) == [(7.83567, 162.1246)]
    assert openbtai.query("SELECT DISTINCT organ FROM core.lesion") == [("brain_cns",)]
    assert openbtai.query("SELECT count(*) FROM core.patient WHERE os_event <> is_dead") == [(0,)]


def test_three_readers_of_one_trial_are_all_accounted_for(pharmaverse):
    assert pharmaverse.query(
        "SELECT count(*), count(DISTINCT patient_id), count(DISTINCT reader) FROM core.lesion"
    ) == [(7734, 254, 3)]
    assert pharmaverse.rows("quality.study_summary", "n_not_done, n_partial_dates") == [(820, 16)]
    assert pharmaverse.rows(
        "quality.row_disposition",
        "disposition, reason_id, n_rows",
        "step = 'staging.tumor_result -> core.measurement'",
    ) == [
        # 3 x 887 sums; LDIAM, LPERP and DIAMETER of 13,173 measured lesion days.
        ("collapsed", "other_axis_or_repeat_on_the_day", 26346),
        ("excluded", "not_done", 820),
        ("excluded", "state", 12995),
        ("excluded", "sum", 2661),
    ]


def test_a_visit_label_used_on_two_dates_is_two_days(pharmaverse):
    repeated = """
        SELECT count(*) FROM (
            SELECT lesion_id, visit FROM core.measurement GROUP BY ALL HAVING count(*) > 1
        )
    """
    assert pharmaverse.query(repeated) == [(15,)]
    assert pharmaverse.query("SELECT count(*) FROM core.measurement") == [(13173,)]


def test_screen_failures_stay_and_are_not_analysed(pharmaverse):
    assert pharmaverse.query(
        "SELECT count(*), count(*) FILTER (is_screen_failure) FROM core.patient"
    ) == [(306, 52)]
    assert pharmaverse.query(
        "SELECT count(*) FROM core.patient WHERE is_dead AND is_death_date_known"
    ) == [(3,)]


def test_csv_and_transport_files_give_equal_core_tables(built, pharmaverse):
    from_xpt = built("pharmaverse_onco", folder="pharmaverse_sdtm_onco/xpt")
    for table in model_names("core"):
        columns = ", ".join(
            row[0]
            for row in pharmaverse.query(f"DESCRIBE {table}")
            if row[0] not in ("source_file", "source_row")
        )
        assert pharmaverse.rows(table, columns) == from_xpt.rows(table, columns), table


def test_readers_named_by_role_are_those_named_in_full(shared, tmp_path):
    """README's order of readers: every patient whom an independent assessor measured is theirs."""
    place = tmp_path / "study"
    place.mkdir()
    text = (STUDIES / "pharmaverse_onco" / "study.yml").read_text("utf-8")
    order = "  - INDEPENDENT ASSESSOR / RADIOLOGIST 1\n  - INDEPENDENT ASSESSOR / RADIOLOGIST 2\n"
    assert order in text
    text = text.replace(order, "  - INDEPENDENT ASSESSOR\n")
    (place / "study.yml").write_text(text, "utf-8")
    for file in sorted((shared / "data" / FOLDERS["pharmaverse_onco"]).iterdir()):
        (place / file.name).symlink_to(file)
    load_study(place, tmp_path / "raw", loaded_at=datetime(2026, 1, 2))
    with SqlKit().take(tmp_path / "raw") as kit:
        kit.build("staging.analysis_reader")
        chosen = kit.query("SELECT reader, count(*) FROM staging.analysis_reader GROUP BY reader")
        measured = kit.query(
            "SELECT count(DISTINCT patient_id) FROM staging.tumor_result "
            "WHERE result_kind = 'size' AND reader LIKE 'INDEPENDENT ASSESSOR%'"
        )
    by_role: dict[str, int] = {}
    for reader, count in chosen:
        by_role[reader.split(" / ")[0]] = by_role.get(reader.split(" / ")[0], 0) + count
    assert by_role["INDEPENDENT ASSESSOR"] == measured[0][0] == 254
    assert set(by_role) == {"INDEPENDENT ASSESSOR"}
