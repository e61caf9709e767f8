"""Simulated trials as files: readable by the loader, free of defects, the same bytes each time."""

from __future__ import annotations

import csv
import hashlib
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow.parquet
import pytest
from simulate.catalogue_rules import EXTREMES, findings

from udfs.simulate import simulate_hnscc, simulate_mcrc
from udfs.simulate.patients import EXCLUDED_KINDS
from warehouse.errors import LesionsError
from warehouse.simulate import write_numbers, write_trials
from warehouse.simulation.subjects import STYLES
from warehouse.sources.domains import DOMAIN_COLUMNS
from warehouse.studies import find_studies, load_study, read_study


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean")
    write_numbers(folder, simulate_mcrc(120, seed=3))
    return folder


def digests(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def records(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("messy", [False, True])
def test_same_seed_same_bytes(tmp_path: Path, messy: bool) -> None:
    for name, seed in (("one", 9), ("two", 9), ("three", 10)):
        numbers = simulate_mcrc(40, seed=seed, has_habits=not messy)
        write_numbers(tmp_path / name, numbers, messy=messy)
    one = digests(tmp_path / "one")
    assert one == digests(tmp_path / "two")
    assert one["studies/MCRC01/tr.csv"] != digests(tmp_path / "three")["studies/MCRC01/tr.csv"]


def test_clean_trials_have_no_defect(clean: Path) -> None:
    assert findings(clean) == {}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 20230607])
def test_clean_trials_of_full_size_have_no_defect_but_extreme_lesions(
    tmp_path: Path, seed: int
) -> None:
    write_numbers(tmp_path, simulate_mcrc(seed=seed))
    found = findings(tmp_path)
    assert found.keys() <= EXTREMES
    assert sum(len(where) for where in found.values()) <= 5  # of 4,308 patients


def test_every_trial_loads_and_every_record_is_kept(clean: Path, tmp_path: Path) -> None:
    folders = find_studies(clean / "studies")
    assert [folder.study_id for folder in folders] == [f"MCRC0{i}" for i in range(1, 9)]
    for folder in folders:
        report = load_study(folder.path, tmp_path, loaded_at=datetime(2024, 1, 1), threads=1)
        assert {file.domain for file in report.files} >= {"dm", "tu", "tr", "rs", "ex", "lb"}
        assert all(file.rows_quarantined == 0 for file in report.files)
        assert all(
            file.rows_loaded == len(records(folder.path / file.source_file))
            for file in report.files
        )


def test_columns_are_those_of_the_domains(clean: Path) -> None:
    for file in (clean / "studies" / "MCRC05").glob("*.csv"):
        header = [name.lower() for name in next(csv.reader(file.open(encoding="utf-8")))]
        unknown = set(header) - set(DOMAIN_COLUMNS[file.stem]) - {"domain"}
        assert not unknown, (file.name, unknown)


def test_study_documents_say_what_the_files_hold(clean: Path) -> None:
    for number, folder in enumerate(find_studies(clean / "studies")):
        study = read_study(folder.path)
        arms = {row["ARM"] for row in records(folder.path / "dm.csv")}
        assert arms <= {arm.arm for arm in study.arms}
        readers = {row["TREVAL"] for row in records(folder.path / "tr.csv")}
        assert readers <= set(study.readers)
        texts = {row["TRORRES"] for row in records(folder.path / "tr.csv")}
        assert ("TOO SMALL TO MEASURE" in texts) <= STYLES[number].has_too_small_text
        for arm in study.arms:
            assert arm.has_bevacizumab == ("BEVACIZUMAB" in arm.arm.upper())
            assert arm.has_panitumumab == ("PANITUMUMAB" in arm.arm.upper())


def test_study_days_have_no_zero_and_agree_with_the_dates(clean: Path) -> None:
    for folder in find_studies(clean / "studies"):
        first = {row["USUBJID"]: row["RFSTDTC"] for row in records(folder.path / "dm.csv")}
        for row in records(folder.path / "tr.csv"):
            start = datetime.fromisoformat(first[row["USUBJID"]])
            days = (datetime.fromisoformat(row["TRDTC"]) - start).days
            assert int(row["TRDY"]) == (days + 1 if days >= 0 else days)


def test_units_are_stated_and_agree(clean: Path) -> None:
    rows = records(clean / "studies" / "MCRC01" / "tr.csv")
    sizes = [row for row in rows if row["TRSTRESN"]]
    assert {row["TRORRESU"] for row in sizes} == {"cm"}
    assert all(float(row["TRORRES"]) * 10 == pytest.approx(float(row["TRSTRESN"])) for row in sizes)


def test_truth_lies_apart_and_joins_by_study_subject_and_label(clean: Path) -> None:
    truth = clean / "truth"
    with duckdb.connect() as con:
        missing = con.execute(
            "SELECT count(*) FROM read_csv($1, all_varchar = true) AS tu ANTI JOIN "
            "(SELECT DISTINCT usubjid, lesion_label FROM read_parquet($2)) AS t "
            "ON tu.USUBJID = t.usubjid AND tu.TULNKID = t.lesion_label "
            "WHERE TUORRES <> 'NEW' AND TUEVAL <> 'INVESTIGATOR' ",
            [str(clean / "studies/MCRC04/tu.csv"), str(truth / "lesions.parquet")],
        ).fetchone()
    assert missing == (0,)
    excluded = pyarrow.parquet.read_table(truth / "excluded.parquet")
    assert sorted(excluded["kind"].to_pylist()) == sorted(EXCLUDED_KINDS)
    assert not list((clean / "studies").rglob("*.parquet"))


def test_head_and_neck_is_written_the_same_way(tmp_path: Path) -> None:
    report = write_numbers(tmp_path, simulate_hnscc(40, seed=2))
    assert report.n_patients == 40
    assert findings(tmp_path) == {}
    assert [folder.study_id for folder in find_studies(tmp_path / "studies")] == ["HNSCC01"]


def test_a_trial_that_is_there_already_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "studies" / "HNSCC01").mkdir(parents=True)
    with pytest.raises(LesionsError, match="is there already"):
        write_numbers(tmp_path, simulate_hnscc(5, seed=2))


def test_bad_requests_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LesionsError, match="at least 1"):
        write_trials(tmp_path, "mcrc", patients=0, seed=1)
    with pytest.raises(LesionsError, match="no simulator called 'mrcr'"):
        write_trials(tmp_path, "mrcr", patients=5, seed=1)
    with pytest.raises(LesionsError, match="not planted together"):
        write_trials(tmp_path, "mcrc", patients=5, seed=1, habits=True, messy=True)
    assert not list(tmp_path.iterdir())


def test_progress_counts_the_trials(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    write_numbers(tmp_path, simulate_mcrc(8, seed=1), progress=lambda *call: calls.append(call))
    assert calls == [(i, 8) for i in range(1, 9)]
