"""Real studies from their raw files through core to phases, heterogeneity and survival."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from heterogeneity.pipeline import run_pipeline
from sqlkit import SqlKit

from warehouse.studies import load_study

STUDIES = Path(__file__).parents[1] / "data" / "studies"
FILES = {
    "poplar_clinical": ["laleh2022_fir_poplar_imvigor/poplar_clinical.csv"],
    "deeplesion_dls": ["deeplesion_dls/lesion_tracks.csv"],
    "ffcd_colorectal": ["ffcd_colorectal/colorectal.csv", "ffcd_colorectal/colorectalLongi.csv"],
    "openbtai_mets": [
        "openbtai_mets/OpenBTAI_METS_ClinicalData_Nov2023.xlsx",
        "openbtai_mets/OpenBTAI_MORPHOLOGICAL_MEASUREMENTS.xlsx",
    ],
}


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlKit]:
    """The four studies side by side."""
    root = tmp_path_factory.mktemp("real")
    for study, files in FILES.items():
        place = root / "studies" / study
        place.mkdir(parents=True)
        (place / "study.yml").write_text((STUDIES / study / "study.yml").read_text("utf-8"))
        for file in files:
            (place / Path(file).name).symlink_to(shared / "data" / file)
        load_study(place, root / "raw", loaded_at=datetime(2026, 1, 2))
    with SqlKit() as kit:
        kit.take(root / "raw")
        run_pipeline(kit, survival__resamples=20)
        kit.build("core.response", "analysis.new_lesion")
        yield kit


POPLAR = "subset = 'study poplar_clinical' AND endpoint = 'OS'"


def test_poplar_medians_of_all_its_patients(real: SqlKit) -> None:
    """12.55 and 9.72 months (R, from the same file); a month is 30.4375 days; CNSR 1 = censored."""
    found = {
        name: (n, events, median / 30.4375)
        for name, n, events, median in real.rows(
            "analysis.survival_summary", "group_name, n_patients, n_events, median_days", POPLAR
        )
    }
    assert found["MPDL3280A"][:2] == (144, 90)
    assert found["Docetaxel"][:2] == (143, 110)
    assert found["MPDL3280A"][2] == pytest.approx(12.55, abs=0.005)
    assert found["Docetaxel"][2] == pytest.approx(9.72, abs=0.005)


def test_poplar_hazard_ratio(real: SqlKit) -> None:
    """0.675 (0.511 to 0.893), R's survival, not stratified."""
    [row] = real.rows(
        "analysis.survival_cox",
        "level, reference, hazard_ratio, ci_lower, ci_upper, n_patients, n_events",
        f"{POPLAR} AND model = 'arm'",
    )
    assert row[:2] == ("MPDL3280A", "Docetaxel")
    assert row[2:5] == pytest.approx((0.675, 0.511, 0.893), abs=0.0005)
    assert row[5:] == (287, 200)
    [progression] = real.rows(
        "analysis.survival_cox",
        "hazard_ratio",
        "subset = 'study poplar_clinical' AND endpoint = 'PFS' AND model = 'arm'",
    )
    assert progression[0] == pytest.approx(0.913, abs=0.0005)


def test_poplar_patients_have_no_lesion_and_say_so(real: SqlKit) -> None:
    assert real.query(
        "SELECT gower_null_reason, count(*) FROM analysis.patient_profile "
        "WHERE study_id = 'poplar_clinical' GROUP BY ALL"
    ) == [("no analysed target lesion", 287)]


@pytest.mark.parametrize(
    ("study", "patients", "compared_patients"),
    # In OpenBTAI 36 patients have two analysed lesions; 6 of them by irradiation one or none that
    # is followed.
    [("deeplesion_dls", 210, 123), ("openbtai_mets", 75, 30)],
)
def test_lesions_in_scan_order_have_heterogeneity(
    real: SqlKit, study: str, patients: int, compared_patients: int
) -> None:
    [(n, with_two, with_distance, with_reason)] = real.query(
        "SELECT count(*), count(*) FILTER (n_lesions >= 2), count(patient_gower_distance), "
        f"count(gower_null_reason) FROM analysis.patient_profile WHERE study_id = '{study}'"
    )
    assert n == patients
    assert with_two == with_distance == compared_patients
    assert with_distance + with_reason == n
    compared = real.query(
        "SELECT count(is_consistent_with_total), count(*) FILTER (NOT is_consistent_with_total) "
        f"FROM analysis.lesion_phase WHERE starts_with(patient_id, '{study}/')"
    )
    assert compared[0][0] > 100
    assert 0 < compared[0][1] < compared[0][0]


def test_deeplesion_counts_are_those_of_its_file(real: SqlKit, shared: Path) -> None:
    """538 tracks of 210 patients; those on two scans or more are followed."""
    import csv

    scans: dict[tuple[str, str], set[str]] = {}
    with (shared / "data" / "deeplesion_dls" / "lesion_tracks.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            scans.setdefault((row["patient"], row["lesion"]), set()).add(row["study"])
    followed = {key for key, seen in scans.items() if len(seen) >= 2}
    assert len(scans) == 538
    lesions = real.query(
        "SELECT count(*), count(nadir_ratio) FROM analysis.lesion_phase "
        "WHERE starts_with(patient_id, 'deeplesion_dls/')"
    )
    assert lesions == [(len(followed), len(followed))]


def test_ffcd_sums_have_phases_and_a_reason_for_no_heterogeneity(real: SqlKit) -> None:
    assert real.query(
        "SELECT gower_null_reason, sum_source, count(*), count(patient_gower_distance) "
        "FROM analysis.patient_profile WHERE study_id = 'ffcd_colorectal' GROUP BY ALL"
    ) == [("only the sum of diameters is known", "stated", 150, 0)]
    rows = real.query(
        "SELECT count(*), count(nadir_ratio), sum(n_scans) FROM analysis.stated_sum_phase"
    )
    # 15 patients have a baseline and no more. Of the 906 sums two of patient 31, of days 661 and
    # 662, are of one assessment.
    assert rows == [(150, 135, 905)]


def test_ffcd_first_patient_by_hand(real: SqlKit, shared: Path) -> None:
    """Sums are (0.3 y + 1)^(10/3) cm."""
    import csv

    with (shared / "data" / "ffcd_colorectal" / "colorectalLongi.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["id"] == "1"]
    sums = [(0.3 * float(row["tumor.size"]) + 1) ** (10 / 3) for row in rows]
    [(nadir, last, baseline)] = real.rows(
        "analysis.stated_sum_phase",
        "nadir_ratio, last_ratio, baseline_sum_mm",
        "patient_id = 'ffcd_colorectal/1'",
    )
    assert baseline == pytest.approx(10 * sums[0], abs=0.005)
    assert (nadir, last) == pytest.approx((min(sums[1:]) / sums[0], sums[-1] / sums[0]), rel=1e-4)


def test_ffcd_new_lesions_and_deaths(real: SqlKit) -> None:
    """139 new-lesion events and 121 deaths, as PROVENANCE counts them."""
    assert real.query(
        "SELECT count(*), count(detected_day) FROM analysis.new_lesion "
        "WHERE starts_with(patient_id, 'ffcd_colorectal/')"
    ) == [(139, 139)]
    assert real.query(
        "SELECT count(*) FILTER (has_new_lesion) FROM core.response "
        "WHERE study_id = 'ffcd_colorectal'"
    ) == [(139,)]
    assert real.query(
        "SELECT sum(n_patients), sum(n_events) FROM analysis.survival_summary "
        "WHERE subset = 'study ffcd_colorectal' AND grouping = 'everyone' AND endpoint = 'OS'"
    ) == [(150, 121)]


def test_each_tumor_type_is_a_subset_of_its_own(real: SqlKit) -> None:
    """Of several tumor types each is compared by itself."""
    subsets = real.query(
        "SELECT study.tumor_type, subset.subset, count(*), count(DISTINCT patient.patient_id) "
        "FROM analysis.patient_profile AS patient "
        "JOIN core.study AS study USING (study_id) "
        "JOIN analysis.patient_subset AS subset "
        "ON subset.patient_id = patient.patient_id AND subset.subset_kind = 'tumor type' "
        "GROUP BY ALL ORDER BY ALL"
    )
    assert [row[1] for row in subsets] == [f"tumor type {row[0]}" for row in subsets]
    assert {row[1]: row[2] for row in subsets}["tumor type colorectal"] == 150
    assert all(n == patients for _, _, n, patients in subsets)
    planned = {row[0] for row in real.query("SELECT subset FROM analysis.survival_test")}
    assert {row[1] for row in subsets} <= planned
