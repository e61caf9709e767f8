"""What three papers published beside what a warehouse holds, as a page of Markdown."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from warehouse.database import open_published, refuse_older
from warehouse.errors import LesionsError
from warehouse.pages import write_page
from warehouse.project import Project

QUERY = """
SELECT
    paper, source, finding, published, coalesce(unit, ''), value, ci_lower, ci_upper, p_value,
    agreement, coalesce(in_simulation, '')
FROM mart.fig_paper_comparison
ORDER BY finding_order
"""

TITLES = {
    "Zhou 2023": "Zhou et al., Nat Commun 2023: lesion dynamics of 4,308 patients",
    "Zhou 2021": "Zhou et al., Cancer Res 2021: heterogeneity of response in 2,802 patients",
    "Henry 2022": "Henry et al., Sci Rep 2022: radiomic heterogeneity of 43 patients",
}

HEAD = """# What the papers found, and what is found here

Written by `lesions compare-papers`, not by hand{where}.
Each line is one published number or direction and this warehouse's, from
`mart.fig_paper_comparison`, which names the rule of each.

- agrees: `yes`; `same direction` where the paper has p < 0.05 and this warehouse has not; `no`;
  `not here` where the warehouse has no such number.
- in the simulation, of simulated trials only: `calibrated` numbers are made to agree, `planted`
  ones have an effect of stated size behind them (`truth/effects.parquet`), the others come out by
  themselves, or are not simulated.

{mixed}{summary}
"""
MIXED = """This warehouse holds other tumor types too ({types}).
Counts, survival and heterogeneity are here of all patients together, hazards of all with a baseline
of each type's own: look at them with that in mind.

"""
TYPES = """
SELECT DISTINCT tumor_type FROM core.study
WHERE tumor_type IS NOT NULL AND tumor_type NOT ILIKE '%colorectal%'
ORDER BY tumor_type
"""


class Line(NamedTuple):
    """One published finding and what is here."""

    paper: str
    source: str
    finding: str
    published: str
    unit: str
    value: float | None
    lower: float | None
    upper: float | None
    p_value: float | None
    agreement: str
    in_simulation: str

    @property
    def here(self) -> str:
        """The number with limits and p as one reads it."""
        if self.value is None:
            return ""
        text = _number(self.value)
        if self.lower is not None and self.upper is not None:
            text += f" ({_number(self.lower)} to {_number(self.upper)})"
        if self.p_value is not None:
            text += f", p {_p_value(self.p_value)}"
        return text


def compare_papers(project: Project, output: Path | None = None) -> str:
    """The comparison as Markdown; written to ``output`` where one is given.

    Raises:
        LesionsError: there is no published warehouse, it is of another version, or it has neither
            colorectal trials nor radiomic features.
    """
    with open_published(project.published) as connection:
        refuse_older(connection, project.published)
        lines = [Line(*row) for row in connection.execute(QUERY).fetchall()]
        others = [str(name) for (name,) in connection.execute(TYPES).fetchall()]
    if not lines:
        raise LesionsError(
            "the papers are of colorectal trials and of radiomic features, and this warehouse has "
            "neither: there is nothing to compare."
        )
    text = page(lines, others)
    if output is not None:
        write_page(output, text)
    return text


def page(lines: list[Line], other_types: list[str] | None = None) -> str:
    """The comparison of these findings as Markdown.

    Args:
        lines: the findings.
        other_types: tumor types beside colorectal cancer, of which the papers' patients are.
    """
    is_of_colon = any(line.paper != "Henry 2022" for line in lines)
    mixed = MIXED.format(types=", ".join(other_types or [])) if other_types and is_of_colon else ""
    is_simulated = any(line.in_simulation for line in lines)
    where = "; the trials of this warehouse are simulated"
    parts = [HEAD.format(where=where if is_simulated else "", mixed=mixed, summary=summary(lines))]
    for paper in dict.fromkeys(line.paper for line in lines):
        parts.append(f"## {TITLES[paper]}\n")
        parts.append("|source|found|published|here|agrees|in the simulation|")
        parts.append("|---|---|---|---|---|---|")
        for line in lines:
            if line.paper == paper:
                unit = f" ({line.unit})" if line.unit else ""
                cells = (line.source, line.finding + unit, line.published, line.here,
                         line.agreement, line.in_simulation)  # fmt: skip
                parts.append("| " + " | ".join(cells) + " |")
        parts.append("")
    return "\n".join(parts)


def summary(lines: list[Line]) -> str:
    """How many agree, in a sentence."""
    count = Counter(line.agreement for line in lines)
    return (
        f"Of {len(lines)} findings {count['yes']} agree, {count['same direction']} have the same "
        f"direction only, {count['no']} do not agree, and {count['not here']} have no number here."
    )


def _number(value: float) -> str:
    """Three significant digits, whole numbers in full."""
    if value == round(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f}"


def _p_value(p: float) -> str:
    if p < 0.0001:
        return "< .0001"
    return f"{p:.{4 if p < 0.001 else 3}f}".lstrip("0")
