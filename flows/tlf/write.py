"""``lesions tlf``: the tables, listings and figures of each study into a folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from flows.tlf import baseline, documents, figures, listings, survival
from flows.tlf.content import Figure, Table
from flows.tlf.study import Study, read_studies
from warehouse.errors import LesionsError

FORMATS = ("html", "csv", "docx", "svg", "png")


def write_tlf(
    published: Path,
    folder: Path,
    *,
    study: str | None = None,
    reference: str | None = None,
    strata: Sequence[str] = (),
    formats: Sequence[str] = FORMATS,
    say: Callable[[str], None] = print,
) -> None:
    """Writes tables, listings and figures by arm, a folder per study.

    Args:
        published: the published warehouse.
        folder: where to; made where it is not there.
        study: only this one.
        reference: the arm that the others are compared with, in the studies that have it.
        strata: variables of ADSL that the hazard ratios and log-rank tests are stratified by.
        formats: ``html`` and ``docx`` (everything in one document), ``csv`` (a file per table, and
            the numbers behind each figure), ``svg`` and ``png`` (a file per figure).
        say: prints a line.

    Raises:
        LesionsError: no warehouse, no such study, arm or variable, or a file cannot be written.
    """
    studies = read_studies(published, study, reference)
    if not studies:
        raise LesionsError("no study has subjects with an arm: there is nothing to compare by.")
    names = tuple(name.lower() for name in strata)
    for name in names:
        if name not in studies[0].adsl.columns:
            raise LesionsError(f"ADSL has no variable {name.upper()} to stratify by.")
    for one in studies:
        tables, drawn = contents(one, names)
        place = folder / "".join(c if c.isalnum() or c in "._-" else "_" for c in one.study_id)
        try:
            place.mkdir(parents=True, exist_ok=True)
            _write(one, tables, drawn, place, formats)
        except OSError as error:
            raise LesionsError(f"writing to {place} failed: {error}") from error
        say(
            f"{one.study_id}: {len(tables)} tables and {len(drawn)} figures of {len(one.arms)} "
            f"{'arm' if len(one.arms) == 1 else 'arms'} in {place}"
        )


def contents(study: Study, strata: Sequence[str] = ()) -> tuple[list[Table], list[Figure]]:
    """All tables and figures of a study that its data give; numbers go with the tables first."""
    tables = [
        baseline.disposition(study),
        baseline.characteristics(study),
        baseline.response(study),
    ]
    drawn: list[Figure] = []
    present = [name for name in survival.ENDPOINTS if len(study.times(name))]
    at = 2
    for endpoint in present:
        tables.append(survival.time_to_event(study, endpoint, at, strata))
        drawn.append(figures.kaplan_meier_figure(study, endpoint, at))
        at += 1
    means = survival.restricted_means(study, [e for e in present if e != "DOR"], at)
    if means.rows:
        tables.append(means)
        at += 1
    for endpoint in present:
        for other in study.arms[1:]:
            if endpoint != "DOR":
                table, found = survival.forest(study, endpoint, other, at)
                tables.append(table)
                drawn.append(figures.forest_figure(study, endpoint, other, table, found))
                at += 1
    for draw in (figures.waterfall, figures.spider, figures.swimmer):
        figure = draw(study, at)
        if figure.data.rows:
            drawn.append(figure)
            at += 1
    if len(study.adles):
        tables.append(listings.lesions(study))
    return tables, drawn


def _write(
    study: Study,
    tables: Sequence[Table],
    drawn: Sequence[Figure],
    place: Path,
    formats: Sequence[str],
) -> None:
    if "csv" in formats:
        for table in (*tables, *(figure.data for figure in drawn)):
            documents.write_csv(table, place / f"{table.name}.csv")
    pictures = [suffix for suffix in formats if suffix in ("svg", "png")]
    for figure in drawn:
        documents.write_figure(figure, place / figure.name, pictures)
    if "html" in formats:
        documents.write_html(study, tables, drawn, place / "tlf.html")
    if "docx" in formats:
        documents.write_docx(study, tables, drawn, place / "tlf.docx")
