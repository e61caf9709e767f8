"""The tables by arm as a chapter of the report."""

from __future__ import annotations

from pathlib import Path

from flows.tlf.documents import html_item
from flows.tlf.study import OF_TABLES, read_studies
from flows.tlf.write import contents


def tables_by_arm(published: Path) -> list[tuple[str, str]]:
    """Each study's tables as HTML, without its listings, which ``lesions tlf`` writes.

    Args:
        published: the published warehouse.

    Returns:
        A heading and the HTML of each study that has arms; the numbers are those of ``lesions tlf``
        without strata.

    Raises:
        LesionsError: no warehouse, or one without analysis datasets.
    """
    found = []
    for study in read_studies(published, None, None, OF_TABLES):
        tables, _ = contents(study)
        arms = ", ".join(f"{arm} ({n:,})" for arm, n in study.size.items())
        prefix = "".join(c if c.isalnum() else "-" for c in study.study_id) + "-"
        parts = [
            html_item(table, level=3, prefix=prefix) for table in tables if not table.is_listing
        ]
        found.append((f"{study.study_id}: {arms}", "\n".join(parts)))
    return found
