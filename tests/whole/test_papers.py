"""The comparison with the papers: what is judged, by which rule, and the page that says so."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import duckdb
import pytest
from sqlkit import SqlKit

from warehouse.database import open_published
from warehouse.errors import LesionsError
from warehouse.papers import Line, compare_papers, page
from warehouse.project import Project, open_project

ROOT = Path(__file__).parents[2]
NAMED_CLUSTERS = ("association", "cluster survival", "interval: all: second_interval_days")
"""Numbers of clusters: only where several, or one of that name, are found."""
LARGE_TRIALS = (
    "clusters",
    "probability",
    "rank",
    "response hazard",
    "antibody hazard",
    "prediction",
    "radiomics",
    "inconsistent lesions: bone",
    "inconsistent lesions: liver - bone",
    "phenotype",
    "summary: all: gower_distance: pooled organ: gi_tract",
    "summary: all: gower_distance: pooled organ: lung",
    "survival difference: all: liver and lymph node response",
    "characteristic: Best overall response: CR",
)
"""Numbers that need more patients, or lesions of rare organs, than a small project has."""


def seed() -> list[dict[str, str]]:
    with (ROOT / "sql/seeds/mart.published_finding.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_finding_asks_for_a_number_that_there_is(built: Project) -> None:
    with open_published(built.published) as con:
        items = {row[0] for row in con.execute("SELECT item FROM mart.paper_measure").fetchall()}
    asked = {row["item"] for row in seed()}
    assert len(asked) == len(seed())
    missing = {item for item in asked - items if not item.startswith(NAMED_CLUSTERS + LARGE_TRIALS)}
    assert missing == set()


def test_differences_are_those_of_the_medians_with_the_p_of_their_pair(built: Project) -> None:
    with open_published(built.published) as con:
        medians = dict(con.execute(
            "SELECT group_name, median_days FROM analysis.survival_summary WHERE subset = 'all' "
            "AND grouping = 'Gower quarters' AND endpoint = 'OS'"
        ).fetchall())  # fmt: skip
        [(p,)] = con.execute(
            "SELECT p_value FROM analysis.survival_test WHERE subset = 'all' AND grouping = "
            "'Gower quarters' AND endpoint = 'OS' AND test = 'log-rank' AND group_a IN "
            "('low', 'high') AND group_b IN ('low', 'high')"
        ).fetchall()
        found = {
            item: (value, p_value)
            for item, value, p_value in con.execute(
                "SELECT item, value, p_value FROM mart.paper_measure "
                "WHERE item LIKE 'survival difference: all: Gower quarters: %: OS'"
            ).fetchall()
        }
    prefix = "survival difference: all: Gower quarters: "
    assert found[prefix + "low - high: OS"] == (medians["low"] - medians["high"], p)
    assert found[prefix + "high - low: OS"] == (medians["high"] - medians["low"], p)
    assert len(found) == 6


def test_first_progressions_are_those_of_the_responses_as_recorded(built: Project) -> None:
    with open_published(built.published) as con:
        rows = con.execute(
            "SELECT patient.patient_id, patient.best_overall_response, visit.day, "
            "visit.target_response FROM analysis.visit_response AS visit "
            "JOIN core.patient AS patient USING (patient_id) WHERE visit.is_analysis_reader "
            "AND visit.overall_response = 'PD' AND patient.is_analysed ORDER BY visit.day"
        ).fetchall()
        found = dict(con.execute(
            "SELECT item, value FROM mart.paper_measure WHERE item LIKE 'first progression%'"
        ).fetchall())  # fmt: skip
    first: dict[str, tuple[str, str]] = {}
    for patient, best, _, target in rows:
        first.setdefault(patient, (best, target))
    for best in ("PD", "SD"):
        targets = [target for of, target in first.values() if of == best]
        share = 100 * sum(target == "PD" for target in targets) / len(targets)
        assert found[f"first progression of target lesions: {best}"] == pytest.approx(share)


RULES = [
    # rule, published, criterion, significant, value, lower, upper, p, agreement
    ("within", 10, 2, None, 12, None, None, None, "yes"),
    ("within", 10, 2, None, 12.1, None, None, None, "no"),
    ("above", None, 1, True, 1.5, 1.1, 2.0, 0.01, "yes"),
    ("above", None, 1, True, 1.5, 0.9, 2.4, 0.1, "same direction"),
    ("above", None, 1, True, 1.5, 1.1, 2.0, None, "yes"),
    ("above", None, 1, True, 1.5, 0.9, 2.0, None, "same direction"),
    ("above", None, 1, None, 1.5, None, None, None, "yes"),
    ("above", None, 1, True, 0.5, 0.3, 0.8, 0.001, "no"),
    ("below", None, 0, True, -3, None, None, 0.04, "yes"),
    ("below", None, 0, True, 3, None, None, 0.04, "no"),
    ("no difference", None, None, False, 1.1, None, None, 0.05, "yes"),
    ("no difference", None, None, False, 1.1, None, None, 0.049, "no"),
    ("no difference", None, None, False, 1.1, None, None, None, "not here"),
    ("within", 10, 2, None, None, None, None, None, "not here"),
]


def test_each_rule_judges_as_it_says() -> None:
    with SqlKit() as kit:
        kit.study("s1", tumor_type="metastatic colorectal cancer")
        kit.build("mart.fig_paper_comparison")
        run = kit.connection.execute
        run("DELETE FROM mart.published_finding")
        run("DELETE FROM mart.paper_measure")
        for k, (rule, published, criterion, significant, *found, _) in enumerate(RULES):
            run("INSERT INTO mart.published_finding VALUES (?, 'Zhou 2023', 'Fig. 1', 'It', ?, '', "
                "?, NULL, ?, ?, ?, 'planted')",
                [k, f"i{k}", published, rule, criterion, significant])  # fmt: skip
            run("INSERT INTO mart.paper_measure VALUES (?, ?, ?, ?, ?, 9)", [f"i{k}", *found])
        kit.build_one("mart.fig_paper_comparison")
        rows = kit.rows("mart.fig_paper_comparison", "finding_order, agreement, in_simulation")
    # These trials are not simulated, so that nothing is said of a simulation.
    assert rows == [(k, rule[-1], None) for k, rule in enumerate(RULES)]


def test_other_cancers_are_not_compared() -> None:
    with SqlKit() as kit:
        kit.study("s1", tumor_type="breast cancer")
        kit.build("mart.fig_paper_comparison")
        assert kit.rows("mart.fig_paper_comparison") == []


def test_the_page_says_each_number_as_one_reads_it() -> None:
    lines = [
        Line("Zhou 2023", "Fig. 1", "Patients", "4,308", "", 4308.0, None, None, None, "yes",
             "calibrated"),
        Line("Zhou 2021", "Fig. 2D", "Ratio", "1.14", "per 0.1", 1.094, 1.061, 1.13, 2e-9, "yes",
             "planted"),
        Line("Zhou 2021", "Fig. 2C", "Days", "80", "days", -11.5, None, None, 0.0312,
             "same direction", "planted"),
        Line("Zhou 2021", "Fig. 4", "None", "5", "", None, None, None, None, "not here", ""),
    ]  # fmt: skip
    text = page(lines)
    assert "Of 4 findings 2 agree, 1 have the same direction only, 0 do not agree, and 1" in text
    assert "| Fig. 1 | Patients | 4,308 | 4,308 | yes | calibrated |" in text
    assert "| 1.14 | 1.09 (1.06 to 1.13), p < .0001 | yes | planted |" in text
    assert "| Fig. 2C | Days (days) | 80 | -11.5, p .031 | same direction | planted |" in text
    assert "| Fig. 4 | None | 5 |  | not here |  |" in text


def test_the_page_says_where_patients_of_another_cancer_are_counted_too() -> None:
    line = Line("Zhou 2023", "Fig. 1", "Patients", "4,308", "", 4701.0, None, None, None, "no",
                "calibrated")  # fmt: skip
    mixed = "This warehouse holds other tumor types too (metastatic head and neck cancer)."
    assert mixed in page([line], ["metastatic head and neck cancer"])
    assert "other tumor types" not in page([line])
    assert "other tumor types" not in page([line._replace(paper="Henry 2022")], ["melanoma"])


def test_the_command_writes_what_it_shows(built: Project, tmp_path: Path) -> None:
    file = tmp_path / "papers.md"
    text = compare_papers(built, file)
    assert file.read_text(encoding="utf-8") == text
    assert sum(line.startswith("| ") for line in text.splitlines()) == len(seed())


def test_a_warehouse_of_something_else_is_told_so(built: Project, tmp_path: Path) -> None:
    shutil.copytree(built.root, tmp_path / "other")
    other = open_project(tmp_path / "other")
    with duckdb.connect(str(other.published)) as con:
        con.execute("DELETE FROM mart.fig_paper_comparison")
    with pytest.raises(LesionsError, match="nothing to compare"):
        compare_papers(other)


def test_the_page_that_ships_has_every_finding_as_published() -> None:
    text = (ROOT / "docs/papers.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    shown = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    wanted = [
        (row["source"], row["finding"] + (f" ({row['unit']})" if row["unit"] else ""),
         row["published"], row["in_simulation"])
        for row in seed()
    ]  # fmt: skip
    assert [(c[0], c[1], c[2], c[5]) for c in shown] == wanted
