"""Reads the studies' sources into ``.lesions/raw``, one task per study folder."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from flows.artifacts import table_artifact
from flows.orchestration import NO_CACHE, errors_without_locals, flow, task
from warehouse.errors import LesionsError
from warehouse.project import open_project, single_writer
from warehouse.settings import thread_count
from warehouse.studies import LoadReport, StudyFolder, find_studies, load_study

RETRY_DELAYS_SECONDS = [30.0, 120.0, 600.0]
"""Waits before reading a source again: long enough for a file server to restart."""


def may_pass(error: BaseException | None) -> bool:
    """True where trying again may help: the operating system failed, not the input.

    That is an OSError with an error number (a damaged gzip file raises one without), a timeout, or
    DuckDB's report of an error of the operating system, be it the error itself or its cause.
    """
    return any(_is_outside(one) for one in _causes(error))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _is_outside(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno is not None or isinstance(error, TimeoutError | ConnectionError)
    if isinstance(error, duckdb.IOException):
        text = str(error)
        return any(os.strerror(number) in text for number in errno.errorcode)
    return False


def retry_reading(task: Any, run: Any, state: Any) -> bool:
    """Prefect's question whether a failed task is to be tried again."""
    return isinstance(state.data, BaseException) and may_pass(state.data)


@task(
    name="find studies",
    cache_policy=NO_CACHE,
    retries=len(RETRY_DELAYS_SECONDS),
    retry_delay_seconds=RETRY_DELAYS_SECONDS,
    retry_condition_fn=retry_reading,
)
def find(project_root: Path) -> list[StudyFolder]:
    """The project's study folders.

    Raises:
        LesionsError: a study.yml that cannot be read, or a study id used twice.
    """
    return find_studies(open_project(project_root).studies)


@task(
    name="read study",
    task_run_name="read {folder.study_id}",
    cache_policy=NO_CACHE,
    retries=len(RETRY_DELAYS_SECONDS),
    retry_delay_seconds=RETRY_DELAYS_SECONDS,
    retry_condition_fn=retry_reading,
)
def read(project_root: Path, folder: StudyFolder) -> LoadReport:
    """Reads one study folder; a study that has not changed is not read again.

    Raises:
        LesionsError: bad input, an unreadable file, or another process is writing the project.
    """
    project = open_project(project_root)
    with errors_without_locals(), single_writer(project):
        return load_study(
            folder.path,
            project.raw,
            loaded_at=datetime.now(UTC).replace(tzinfo=None),
            threads=thread_count(project.values),
            memory_limit=project.values["run.memory_limit"] or None,
        )


@flow(name="ingest")
def ingest(project_root: Path) -> list[LoadReport]:
    """Reads every study of a project; one that fails does not keep the others from being read.

    Args:
        project_root: the project's folder.

    Raises:
        LesionsError: studies that could not be read, each with the reason.
    """
    reports: list[LoadReport] = []
    errors: list[BaseException] = []
    for folder in find(project_root):
        state = read(project_root, folder, return_state=True)
        result = state.result(raise_on_failure=False)
        if isinstance(result, BaseException):
            errors.append(result)
        else:
            reports.append(result)
    table_artifact("studies-read", "Studies read", study_rows(reports))
    if errors:
        raise LesionsError(" ".join(str(error) for error in errors)) from errors[0]
    return reports


def study_rows(reports: list[LoadReport]) -> list[dict[str, object]]:
    """A table of studies: what was read, and how many records went where."""
    return [
        {
            "study": report.study_id,
            "state": "unchanged" if report.is_unchanged else "read",
            "files": len(report.files),
            "records": sum(file.rows_in_file for file in report.files),
            "loaded": sum(file.rows_loaded for file in report.files),
            "quarantined": sum(file.rows_quarantined for file in report.files),
        }
        for report in reports
    ]
