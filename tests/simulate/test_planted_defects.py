"""--messy: each defect is where defects.csv says, is found by its rule, and by no other rule."""

from __future__ import annotations

import csv
import re
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from simulate.catalogue_rules import EXTREMES, RULES, findings

from udfs.simulate import simulate_mcrc
from warehouse.simulate import SimulationReport, write_numbers
from warehouse.simulation.defects import catalogue
from warehouse.simulation.planters import PLANTERS
from warehouse.studies import find_studies, load_study

# What the planter leaves in a row that does not simply hold the planted value.
ROW_ONLY = {"time.2g", "rows.2e"}


def write(folder: Path, patients: int, seed: int) -> SimulationReport:
    return write_numbers(folder, simulate_mcrc(patients, seed=seed), messy=True)


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("messy")
    write(folder, 60, 20230607)
    return folder


def lines(folder: Path) -> list[dict[str, str]]:
    with (folder / "truth" / "defects.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def planted(folder: Path) -> dict[str, set[tuple[str, str]]]:
    out: dict[str, set[tuple[str, str]]] = {}
    for line in lines(folder):
        if line["detectable"] == "true":
            out.setdefault(line["defect_id"], set()).add((line["study"], line["subject"]))
    return out


def test_catalogue_and_planters_name_the_same_defects(messy: Path) -> None:
    wanted = {key for key, entry in catalogue().items() if entry["is_planted"] == "true"}
    assert {registered.defect_id for registered in PLANTERS} == wanted
    assert {line["defect_id"] for line in lines(messy)} == wanted


def test_catalogue_is_complete_and_consistent() -> None:
    for key, entry in catalogue().items():
        detectable = entry["handling"] in ("quarantined", "finding")
        assert (entry["is_detectable"] == "true") == detectable, key
        assert bool(entry["rule"]) == detectable, key
        assert bool(entry["reason_undetectable"]) != detectable, key
        assert key == f"{entry['section']}.{entry['bullet']}{entry['letter']}"
    letters = Counter((e["section"], e["bullet"]) for e in catalogue().values())
    for (section, bullet), n in letters.items():
        ids = {f"{section}.{bullet}{chr(ord('a') + i)}" for i in range(n)}
        assert ids <= catalogue().keys()


def test_catalogue_counts_the_bullets_of_the_list(shared: Path) -> None:
    text = (shared / "RAW_LAYOUTS.md").read_text(encoding="utf-8")
    section, bullets = "", Counter[str]()
    for line in text[text.index("## 2. Defects") :].splitlines():
        if re.fullmatch(r"[A-Z][a-z]+", line):
            section = line.lower()
        elif line.startswith("- "):
            bullets[section] += 1
    found = {e["section"]: 0 for e in catalogue().values()}
    for entry in catalogue().values():
        found[entry["section"]] = max(found[entry["section"]], int(entry["bullet"]))
    # What later findings number on behind the list's own bullets, or in a section of their own, is
    # not of the list.
    assert found.keys() == bullets.keys() | {"plausibility"}
    assert all(found[section] >= n for section, n in bullets.items())


def test_each_planted_value_is_in_its_row(messy: Path) -> None:
    for line in lines(messy):
        file = messy / "studies" / line["study"] / line["file"]
        with file.open(encoding="utf-8", newline="") as records:
            reader = csv.reader(records)
            header = next(reader)
            row = list(reader)[int(line["row"]) - 1]
        assert row[header.index("USUBJID")] == line["subject"], line
        if line["defect_id"] == "rows.2e":
            assert len(row) == len(header) + 1
        elif line["defect_id"] not in ROW_ONLY:
            assert row[header.index(line["column"])] == line["planted_value"], line


def to_be_found(folder: Path, patients: int, seed: int) -> dict[str, set[tuple[str, str]]]:
    """What is planted in ``folder/messy``, and what extreme lesions look like without it."""
    write_numbers(folder / "clean", simulate_mcrc(patients, seed=seed))
    by_chance = findings(folder / "clean")
    assert by_chance.keys() <= EXTREMES
    wanted = {key: set(where) for key, where in planted(folder / "messy").items() if key in RULES}
    for key, where in by_chance.items():
        wanted[key] |= where
    return wanted


@pytest.mark.parametrize(("patients", "seed"), [(60, 20230607), (60, 5), (450, 6)])
def test_rules_find_what_was_planted_and_nothing_else(
    tmp_path: Path, patients: int, seed: int
) -> None:
    report = write(tmp_path / "messy", patients, seed)
    assert findings(tmp_path / "messy") == to_be_found(tmp_path, patients, seed)
    assert report.n_defects + len(report.not_planted) == len(PLANTERS)
    assert not report.not_planted


@pytest.mark.slow
def test_full_size_messy_trials_hold_each_defect_twice(tmp_path: Path) -> None:
    write(tmp_path / "messy", 4308, 20230607)
    assert findings(tmp_path / "messy") == to_be_found(tmp_path, 4308, 20230607)
    assert all(len(where) >= 2 for where in planted(tmp_path / "messy").values())


def test_a_baseline_volume_is_taken_from_another_lesion(messy: Path) -> None:
    wrong = [line for line in lines(messy) if line["defect_id"] == "rows.1c"]
    file = messy / "studies" / wrong[0]["study"] / "tr.csv"
    with file.open(encoding="utf-8", newline="") as records:
        rows = list(csv.DictReader(records))
    stated = {}
    for row in rows:
        if row["XBASEVOL"]:
            stated.setdefault((row["USUBJID"], row["TRLNKID"]), []).append(row)
    differs = set()
    for key, mine in stated.items():
        d = float(mine[0]["TRSTRESN"])
        assert mine[0]["VISIT"] == "BASELINE"
        if abs(float(mine[0]["XBASEVOL"]) / (d * (d / 1.31) ** 2 / 2) - 1) > 0.01:
            differs.add(key)
    assert {subject for subject, _ in differs} == {line["subject"] for line in wrong}
    assert len(differs) == 1
    assert len(stated) > 1


def test_messy_trials_load_and_lose_only_the_ragged_record(messy: Path, tmp_path: Path) -> None:
    lost = []
    for folder in find_studies(messy / "studies"):
        report = load_study(folder.path, tmp_path, loaded_at=datetime(2024, 1, 1), threads=1)
        lost += [
            (report.study_id, file.source_file)
            for file in report.files
            for _ in range(file.rows_quarantined)
        ]
    ragged = [(x["study"], x["file"]) for x in lines(messy) if x["defect_id"] == "rows.2e"]
    assert lost == ragged


def test_neighbouring_64_bit_ids_stay_apart(messy: Path) -> None:
    ids = [line["planted_value"] for line in lines(messy) if line["defect_id"] == "identity.1a"]
    assert len(set(ids)) == 2
    assert len({float(x) for x in ids}) == 1
