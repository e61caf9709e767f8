"""What the demonstration found, in sentences: numbers with their limits, and the table of each."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

LANDMARK = "cluster survival: all: number of progressive organs"
GROUPS = "survival: all: liver response"
FIRST = "cluster survival: all: progression cluster"


@dataclass(frozen=True)
class Sentence:
    """A sentence with a place for each number of ``mart.paper_measure``."""

    text: str
    """``{0}`` is the first item's number with its limits, ``{1}`` the second's, ..."""
    items: tuple[str, ...]
    table: str
    """Where the numbers come from."""


SENTENCES = (
    Sentence(
        "Of two lesions of a patient, one in the liver responds {0} times as readily as one in the "
        "abdomen, and progresses {1} times as readily.",
        ("response hazard: liver", "progression hazard: liver"),
        "analysis.hazard_ratio",
    ),
    Sentence(
        "Lesions in bone respond {0} times as readily and progress {1} times as readily; they are "
        "of the low-high phenotype with probability {2}.",
        ("response hazard: bone", "progression hazard: bone", "probability of low-high: bone"),
        "analysis.organ_phenotype",
    ),
    Sentence(
        "An antibody beside chemotherapy multiplies the hazard of progression of liver lesions by "
        "{0}, and that of response by {1}.",
        ("antibody hazard: progression: liver", "antibody hazard: response: liver"),
        "mart.fig_hazard_antibody",
    ),
    Sentence(
        "Patients with a low-high organ live {0} days, the others {1} days (medians).",
        ("phenotype survival: any low-high: yes", "phenotype survival: any low-high: the rest"),
        "analysis.phenotype_survival",
    ),
    Sentence(
        "Patients whose liver progresses first live {0} days, those whose lung does {1} days "
        "(medians).",
        (f"{FIRST}: Liver-First: OS", f"{FIRST}: Lung-First: OS"),
        "analysis.progression_survival_summary",
    ),
    Sentence(
        "Alive at day 180 with one progressive organ, patients live {0} days more, with three or "
        "more {1} days (medians).",
        (f"{LANDMARK}: 1: OS after day 180", f"{LANDMARK}: 3 or more: OS after day 180"),
        "analysis.progression_survival_summary",
    ),
    Sentence(
        "Each 0.1 that a patient's lesions respond more unlike each other multiplies the hazard of "
        "death by {0}.",
        ("hazard ratio: all: Gower distance: patient_gower_distance: OS",),
        "analysis.survival_cox",
    ),
    Sentence(
        "Patients whose liver shrank and other organs not live {0} days, the other way round {1} "
        "days (medians).",
        (f"{GROUPS}: liver shrank, others not: OS", f"{GROUPS}: others shrank, liver not: OS"),
        "analysis.survival_summary",
    ),
    Sentence(
        "Patients with wild-type KRAS live {0} days, with mutant KRAS {1} days (medians).",
        ("survival: all: KRAS: wild-type: OS", "survival: all: KRAS: mutant: OS"),
        "analysis.survival_summary",
    ),
)

AGREEMENT = """
SELECT count(*) FILTER (agreement = 'yes'), count(*) FILTER (agreement <> 'not here')
FROM mart.fig_paper_comparison
"""


def findings(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Sentences and the table behind each; one whose numbers are not there is left out.

    Args:
        connection: the published warehouse.
    """
    wanted = [item for sentence in SENTENCES for item in sentence.items]
    marks = ", ".join("?" * len(wanted))
    rows = connection.execute(
        "SELECT item, value, ci_lower, ci_upper FROM mart.paper_measure "
        f"WHERE value IS NOT NULL AND item IN ({marks})",
        wanted,
    ).fetchall()
    numbers = {item: with_limits(value, lower, upper) for item, value, lower, upper in rows}
    out = [
        (sentence.text.format(*(numbers[item] for item in sentence.items)), sentence.table)
        for sentence in SENTENCES
        if all(item in numbers for item in sentence.items)
    ]
    ((agreeing, compared),) = connection.execute(AGREEMENT).fetchall()
    if compared:
        text = f"Of {compared} published findings that it has a number for, {agreeing} agree."
        out.append((text, "mart.fig_paper_comparison"))
    return out


def with_limits(value: float, lower: float | None, upper: float | None) -> str:
    """``1.45 (1.31 to 1.60)``, or ``471 (455 to 489)``; the number alone without limits."""
    text = _short(value)
    if lower is None or upper is None:
        return text
    return f"{text} ({_short(lower)} to {_short(upper)})"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
