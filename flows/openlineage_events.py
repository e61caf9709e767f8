"""OpenLineage events of the runs that a published warehouse holds: to a file, or to a server.

Per run, its own events (job: the project) and two per node that it built and that stands (job: the
node), with the tables read and written, their columns and the columns behind them, and the results
of checks. Raw tables name the files that they were loaded from. What was sent stands in
``.lesions/openlineage.json``, so that a server that was down gets the events after the next run.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import duckdb

from flows.notes import read_note, write_note
from warehouse.database import open_published
from warehouse.errors import LesionsError
from warehouse.project import Project

NOTE = "openlineage.json"
PRODUCER = "https://pypi.org/project/lesion-warehouse"
KEY = "OPENLINEAGE_API_KEY"
PATIENCE_SECONDS = 10.0
FILES = "file"
"""Namespace of the studies' files."""


def refuse_without_library(project: Project) -> None:
    """Where events are wished, the library must be there.

    Raises:
        LesionsError: it is not.
    """
    if project.values["openlineage.to"] and importlib.util.find_spec("openlineage") is None:
        raise LesionsError(
            "openlineage.to is set, and openlineage-python is not installed. "
            "pip install 'lesion-warehouse[openlineage]', or take the setting out."
        )


def emit_runs(project: Project) -> list[str]:
    """Writes the events of all published runs that were not written yet, where that is wished.

    Returns:
        What went wrong, in lines; nothing where nothing did.
    """
    if not project.values["openlineage.to"]:
        return []
    note = project.state / NOTE
    sent = read_note(note)
    to = project.values["openlineage.to"]
    done = list(sent.get("runs", ())) if sent.get("to") == to else []
    with open_published(project.published) as connection:
        runs = [run for run in _runs(connection) if run.run_id not in done]
        if not runs:
            return []
        # Read at once, so that the file is held no longer than that.
        events = [(run.run_id, list(run_events(connection, project, run))) for run in runs]
    for run_id, of_run in events:
        problems = _emit(project, of_run)
        if problems:
            return problems
        done.append(run_id)
        write_note(note, {"to": to, "runs": done})
    return []


def emit_failure(project: Project, started_at: datetime, text: str) -> list[str]:
    """Writes that a run failed, and why, where that is wished; what went wrong with that."""
    if not project.values["openlineage.to"]:
        return []
    whole = _whole(project, started_at.isoformat())
    return _emit(
        project,
        [
            {"state": "START", "at": started_at, **whole},
            {"state": "FAIL", "at": datetime.now(UTC), "error": text, **whole},
        ],
    )


@dataclass(frozen=True)
class _Run:
    run_id: str
    started_at: datetime
    finished_at: datetime


def _runs(connection: duckdb.DuckDBPyConnection) -> list[_Run]:
    rows = connection.execute(
        "SELECT run_id, started_at, finished_at FROM meta.run ORDER BY finished_at, run_id"
    ).fetchall()
    return [_Run(run, a.replace(tzinfo=UTC), b.replace(tzinfo=UTC)) for run, a, b in rows]


def run_events(
    connection: duckdb.DuckDBPyConnection, project: Project, run: _Run
) -> Iterator[dict[str, Any]]:
    """The events of one run, as dictionaries that no library is needed for.

    Each has ``state`` (START, COMPLETE), ``at``, ``job``, ``run``, and where it is a node's
    ``parent``, ``kind``, ``inputs`` and ``outputs``.
    """
    whole = _whole(project, run.run_id)
    yield {"state": "START", "at": run.started_at, **whole}
    nodes: dict[str, list[tuple[Any, ...]]] = {}
    for row in connection.execute(
        "SELECT node, name, kind, rows, built_at, seconds FROM meta.model WHERE run_id = ? "
        "ORDER BY built_at, node, name",
        [run.run_id],
    ).fetchall():
        nodes.setdefault(row[0], []).append(row)
    for node, rows in nodes.items():
        ended = rows[0][4].replace(tzinfo=UTC)
        one = {
            "job": f"{project.root.name}.{node}",
            "run": str(_uuid(project, f"{run.run_id}/{node}")),
            "parent": whole,
            "kind": rows[0][2],
        }
        yield {"state": "START", "at": ended - timedelta(seconds=rows[0][5] or 0.0), **one}
        yield {
            "state": "COMPLETE",
            "at": ended,
            **one,
            "inputs": _inputs(connection, [row[1] for row in rows]),
            "outputs": [_output(connection, row[1], row[3]) for row in rows],
        }
    yield {"state": "COMPLETE", "at": run.finished_at, **whole}


def _whole(project: Project, run_id: str) -> dict[str, str]:
    return {"job": project.root.name, "run": str(_uuid(project, run_id))}


def _uuid(project: Project, name: str) -> UUID:
    """The same id for the same run, however often it is told."""
    return uuid5(NAMESPACE_URL, f"{project.values['openlineage.namespace']}/{project.root}/{name}")


def _inputs(connection: duckdb.DuckDBPyConnection, tables: list[str]) -> list[dict[str, Any]]:
    read = connection.execute(
        "SELECT DISTINCT from_table FROM meta.lineage_table WHERE table_name IN (SELECT unnest(?)) "
        "ORDER BY ALL",
        [tables],
    ).fetchall()
    domains = [t.removeprefix("raw.") for t in tables if t.startswith("raw.")]
    files = connection.execute(
        "SELECT DISTINCT study_id || '/' || source_file FROM quality.load_audit "
        "WHERE domain IN (SELECT unnest(?)) ORDER BY ALL",
        [domains],
    ).fetchall()
    return [{"table": name} for (name,) in read] + [{"file": name} for (name,) in files]


def _output(connection: duckdb.DuckDBPyConnection, table: str, rows: int | None) -> dict[str, Any]:
    columns = connection.execute(
        "SELECT column_name, data_type, coalesce(comment, '') FROM duckdb_columns() "
        "WHERE schema_name || '.' || table_name = ? ORDER BY column_index",
        [table],
    ).fetchall()
    behind: dict[str, list[tuple[str, str]]] = {}
    for column, from_table, from_column in connection.execute(
        "SELECT column_name, from_table, from_column FROM meta.lineage_column "
        "WHERE table_name = ? ORDER BY ALL",
        [table],
    ).fetchall():
        behind.setdefault(column, []).append((from_table, from_column))
    checks = connection.execute(
        "SELECT check_id, column_name, severity, success, description FROM quality.check_result "
        "WHERE table_name = ? ORDER BY check_id",
        [table],
    ).fetchall()
    return {"table": table, "rows": rows, "columns": columns, "behind": behind, "checks": checks}


def _emit(project: Project, events: list[dict[str, Any]]) -> list[str]:
    """Sends events in order, until one is not taken."""
    try:
        refuse_without_library(project)
        transport = _transport(project)
        try:
            for event in events:
                transport.emit(_event(event, project.values["openlineage.namespace"]))
        finally:
            transport.close()
    except (LesionsError, OSError, RuntimeError, ValueError) as error:
        reason = str(error) if isinstance(error, LesionsError | RuntimeError) else _reason(error)
        return [f"OpenLineage events not written: {reason}"]
    return []


def _reason(error: Exception) -> str:
    """An error of the network without the address, which may hold a key."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answers {response.status_code}"
    if isinstance(error, ValueError):
        return "openlineage.to cannot be used as an address"
    return f"the server cannot be reached ({type(error).__name__})"


def _transport(project: Project) -> Any:
    to = project.values["openlineage.to"]
    if to.startswith(("http://", "https://")):
        from openlineage.client.transport.http import (
            ApiKeyTokenProvider,
            HttpConfig,
            HttpTransport,
            TokenProvider,
        )

        key = os.environ.get(KEY, "")
        auth = ApiKeyTokenProvider({"api_key": key}) if key else TokenProvider({})
        retry = {"total": 1, "connect": 1, "read": 1, "allowed_methods": ["POST"]}
        return HttpTransport(HttpConfig(url=to, timeout=PATIENCE_SECONDS, auth=auth, retry=retry))
    if "://" in to:
        raise LesionsError("openlineage.to is a file, or begins with http:// or https://.")
    from openlineage.client.transport.file import FileConfig, FileTransport

    file = project.root / Path(to).expanduser()
    file.parent.mkdir(parents=True, exist_ok=True)
    return FileTransport(FileConfig(log_file_path=str(file), append=True))


def _event(event: Mapping[str, Any], namespace: str) -> Any:
    """One event as the library's own object."""
    from openlineage.client import event_v2, facet_v2

    event_v2.set_producer(PRODUCER)
    run_facets: dict[str, Any] = {}
    if "parent" in event:
        parent = event["parent"]
        run_facets["parent"] = facet_v2.parent_run.ParentRunFacet(
            run=facet_v2.parent_run.Run(runId=parent["run"]),
            job=facet_v2.parent_run.Job(namespace=namespace, name=parent["job"]),
        )
    if "error" in event:
        run_facets["errorMessage"] = facet_v2.error_message_run.ErrorMessageRunFacet(
            message=event["error"], programmingLanguage="python"
        )
    job_type = facet_v2.job_type_job.JobTypeJobFacet(
        processingType="BATCH",
        integration="LESION_WAREHOUSE",
        jobType=str(event.get("kind", "run")).upper(),
    )
    return event_v2.RunEvent(
        eventTime=event["at"].isoformat(),
        eventType=event_v2.RunState[event["state"]],
        run=event_v2.Run(runId=event["run"], facets=run_facets),
        job=event_v2.Job(namespace=namespace, name=event["job"], facets={"jobType": job_type}),
        producer=PRODUCER,
        inputs=[_input_dataset(one, namespace) for one in event.get("inputs", ())],
        outputs=[_output_dataset(one, namespace) for one in event.get("outputs", ())],
    )


def _input_dataset(one: Mapping[str, Any], namespace: str) -> Any:
    from openlineage.client import event_v2

    if "file" in one:
        return event_v2.InputDataset(namespace=FILES, name=one["file"])
    return event_v2.InputDataset(namespace=namespace, name=one["table"])


def _output_dataset(one: Mapping[str, Any], namespace: str) -> Any:
    from openlineage.client import event_v2, facet_v2

    schema = facet_v2.schema_dataset
    lineage = facet_v2.column_lineage_dataset
    facets: dict[str, Any] = {
        "schema": schema.SchemaDatasetFacet(
            fields=[
                schema.SchemaDatasetFacetFields(name=name, type=kind, description=comment)
                for name, kind, comment in one["columns"]
            ]
        )
    }
    if one["behind"]:
        facets["columnLineage"] = lineage.ColumnLineageDatasetFacet(
            fields={
                column: lineage.Fields(
                    inputFields=[
                        lineage.InputField(namespace=namespace, name=table, field=name)
                        for table, name in behind
                    ]
                )
                for column, behind in one["behind"].items()
            }
        )
    if one["checks"]:
        quality = facet_v2.data_quality_assertions_dataset
        facets["dataQualityAssertions"] = quality.DataQualityAssertionsDatasetFacet(
            assertions=[
                quality.Assertion(
                    assertion=check,
                    success=success,
                    column=column,
                    severity="error" if severity == "critical" else "warn",
                    description=meaning,
                )
                for check, column, severity, success, meaning in one["checks"]
            ]
        )
    output_facets: dict[str, Any] = {}
    if one["rows"] is not None:
        output_facets["outputStatistics"] = (
            facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                rowCount=one["rows"]
            )
        )
    return event_v2.OutputDataset(
        namespace=namespace, name=one["table"], facets=facets, outputFacets=output_facets
    )
