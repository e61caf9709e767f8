"""Commands that read what is published: questions, pages, lineage, connections, copies."""

from __future__ import annotations

from pathlib import Path

import click

from warehouse.cli_options import project_option, quiet_option
from warehouse.errors import LesionsError


@click.command("compare-papers")
@project_option
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="Write the page to a Markdown file instead of showing it.",
)
def compare_papers(project_folder: Path, output: Path | None) -> None:
    """Show what three papers published beside what the warehouse holds.

    Zhou 2023, Zhou 2021 and Henry 2022, per figure and table: published, here, whether they agree.
    """
    from warehouse import papers
    from warehouse.project import open_project

    text = papers.compare_papers(open_project(project_folder), output)
    click.echo(f"Wrote {output}" if output is not None else text)


@click.command()
@click.argument("sql")
@project_option
@click.option(
    "--format",
    "-f",
    "output_format",
    type=click.Choice(["table", "csv", "json", "parquet", "excel"]),
    default="table",
    show_default=True,
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="Write to a file; its ending (.csv, .json, .parquet, .xlsx) says the format.",
)
@click.option(
    "--failed",
    "is_failed",
    is_flag=True,
    help="Ask what a run had built when a check stopped it, not what is published.",
)
@click.option(
    "--rows",
    type=click.IntRange(min=1),
    default=40,
    show_default=True,
    help="Rows shown of a table.",
)
def query(
    sql: str,
    project_folder: Path,
    output_format: str,
    output: Path | None,
    is_failed: bool,
    rows: int,
) -> None:
    """Run one SELECT on the published warehouse, read-only.

    A result too wide for the terminal is shown row by row.
    """
    from warehouse.project import open_project
    from warehouse.query import run_query

    project = open_project(project_folder)
    if is_failed and not project.failed.is_file():
        raise LesionsError(
            f"{project.failed} is not there: no check has stopped a run since the last publish."
        )
    database = project.failed if is_failed else project.published
    run_query(database, sql, output_format, output, rows)


@click.command()
@project_option
@click.option("--output", "-o", type=click.Path(path_type=Path), help="File to write.")
@click.option("--open", "open_page", is_flag=True, help="Open it in a browser.")
def report(project_folder: Path, output: Path | None, open_page: bool) -> None:
    """Write the report: one HTML file with every picture, its data and each patient.

    It is report.html in the project's folder if --output names no other, needs no network and no
    server, and shows what is published.
    """
    from warehouse.project import open_project
    from warehouse.report.make import make_report

    _show(make_report(open_project(project_folder), output), open_page)


def _show(page: Path, open_page: bool) -> None:
    """Says where a page is, and opens it where that is wished."""
    click.echo(f"Wrote {page} ({page.stat().st_size / 1e6:.1f} MB)")
    if open_page:
        import webbrowser

        webbrowser.open(page.absolute().as_uri())


@click.command()
@project_option
@click.option("--output", "-o", type=click.Path(path_type=Path), help="File to write.")
@click.option("--open", "open_page", is_flag=True, help="Open it in a browser.")
@click.option(
    "--dbt",
    "is_manifest",
    is_flag=True,
    help="Write manifest.json in dbt's form (schema 12), for data catalogues, in its place.",
)
def docs(project_folder: Path, output: Path | None, open_page: bool, is_manifest: bool) -> None:
    """Write the catalogue of every table and column: meaning, lineage, checks, source.

    It is catalogue.html in the project's folder if --output names no other. It needs no network.
    """
    from warehouse.project import open_project

    if is_manifest:
        from warehouse.reference.dbt_manifest import make_manifest

        if open_page:
            raise click.UsageError("--open goes with the page, not with --dbt.")
        _show(make_manifest(open_project(project_folder), output), False)
        return
    from warehouse.reference.make import make_catalogue

    _show(make_catalogue(open_project(project_folder), output), open_page)


@click.command()
@click.argument("name")
@project_option
def lineage(name: str, project_folder: Path) -> None:
    """Show what a table (schema.table) or column (schema.table.column) comes from and feeds."""
    from warehouse.project import open_project
    from warehouse.views import print_lineage

    print_lineage(open_project(project_folder), name)


@click.command()
@project_option
@click.option(
    "--postgres",
    metavar="URL",
    help="A PostgreSQL mirror made by 'lesions publish': postgresql://user@host:port/database.",
)
@click.option("--schema", default="mart", show_default=True, help="Its schema.")
@click.option(
    "--superset",
    type=click.Path(path_type=Path),
    help="Write dashboards for Apache Superset to this ZIP: on the file, or on the mirror.",
)
@click.option(
    "--seen-as",
    type=click.Path(path_type=Path),
    help="Path of the published file where the readers are, if another.",
)
def connect(
    project_folder: Path,
    postgres: str | None,
    schema: str,
    superset: Path | None,
    seen_as: Path | None,
) -> None:
    """Print what to type to connect a tool to the warehouse.

    With --superset, write dashboards that Superset 6.1 imports as they are (Dashboards, import).
    """
    from warehouse.connect import print_ways
    from warehouse.project import open_project

    project = open_project(project_folder)
    if superset is None:
        print_ways(seen_as or project.published, postgres, schema)
        return
    from warehouse.publishing.superset import dashboards_for

    click.echo(dashboards_for(project, superset, postgres, schema, seen_as))


@click.command()
@click.option(
    "--to",
    "target",
    required=True,
    metavar="TARGET",
    help="postgresql://user@host:port/database, a folder or s3://bucket/prefix for Parquet files, "
    "a DuckDB file (x.duckdb), or adam.",
)
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option(
    "--format",
    "formats",
    type=click.Choice(["xpt", "json"]),
    multiple=True,
    help="adam: only this format; both if left out.",
)
@project_option
@click.option(
    "--schema", default="mart", show_default=True, help="PostgreSQL, DuckDB file: the schema."
)
@click.option(
    "--reader",
    default="lesions_reader",
    show_default=True,
    help="PostgreSQL: the role that may read it; with LESIONS_READER_PASSWORD it may log in.",
)
@quiet_option
def publish(
    target: str,
    folder: Path | None,
    formats: tuple[str, ...],
    project_folder: Path,
    schema: str,
    reader: str,
    quiet: bool,
) -> None:
    """Copy the marts to PostgreSQL, Parquet files or a DuckDB file, or write ADaM datasets.

    With --to adam, FOLDER gets a folder per study with its analysis datasets as SAS transport files
    (version 5) and Dataset-JSON 1.1, and define.xml 2.1.

    Readers see the copy before or the new one, whole. A PostgreSQL password comes from the URL,
    PGPASSWORD or ~/.pgpass and is never shown.
    """
    from warehouse.project import open_project
    from warehouse.publishing.publish import publish_to

    project = open_project(project_folder)
    if target.lower() == "adam":
        from warehouse.publishing.adam import publish_adam_to

        report = publish_adam_to(project.published, folder, formats)
    else:
        if folder is not None or formats:
            raise click.UsageError("FOLDER and --format go with --to adam.")
        report = publish_to(project, target, schema, reader, quiet)
    if not quiet:
        click.echo(report)
