"""The seed of metastasis trials says what the paper prints, and finds a project's studies."""

import re

from sqlkit import SqlKit

PRINTED = re.compile(r"\b(NCT\d{8}(?:, NCT\d{8})*)$")


def test_rows_are_those_that_the_paper_prints(shared):
    """Read from the paper's text, not from the file that the seed was made of."""
    text = (shared / "papers" / "parker2022_metastasis_challenges.txt").read_text()
    printed = []
    for table, part in ((1, text.split("**Table 1**")[1]), (2, text.split("**Table 2**")[1])):
        rows = part.split("\n\n", 1)[1] if part.startswith("\n\n") else part
        lines = [line.split("\t") for line in rows.split("\n") if PRINTED.search(line)]
        lines = [cells for cells in lines if len(cells) == (4 if table == 1 else 6)]
        printed += [
            (table, row, place, trial, *_cells(table, cells), cells[-1])
            for row, cells in enumerate(lines, 1)
            for place, trial in enumerate(cells[-1].split(", "), 1)
        ]
    with SqlKit() as kit:
        kit.build("core.metastasis_trial")
        found = kit.rows(
            "core.metastasis_trial",
            "source_table, row_in_table, trial_in_row, trial_id, modality_or_approach, "
            "cancer_type, secondary_site, therapy, details, trial_id_as_printed",
        )
    assert found == sorted(printed)
    assert len(found) == 14


def _cells(table, cells):
    """Modality or approach, cancer, site, therapy, details: table 1 has no site and no therapy."""
    if table == 1:
        return (cells[0], cells[1], None, None, cells[2])
    return (cells[0], cells[1], cells[2], cells[3], cells[4])


def test_a_study_finds_its_row_by_its_registry_number():
    with SqlKit() as kit:
        kit.study("palavy", registry_id="NCT04841148")
        kit.study("other")
        kit.build("core.study", "core.metastasis_trial")
        assert kit.query(
            """
            SELECT study.study_id, trial.trial_acronym, trial.source_table, trial.row_in_table
            FROM core.study AS study
            INNER JOIN core.metastasis_trial AS trial ON study.registry_id = trial.trial_id
            """
        ) == [("palavy", "PALAVY", 2, 6)]
