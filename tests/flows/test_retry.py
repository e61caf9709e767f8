"""Reading is tried again where something outside failed, never on bad input."""

from __future__ import annotations

import errno
import gc
import gzip
import os
import weakref
from types import SimpleNamespace

import duckdb
import pytest

from flows.ingest import RETRY_DELAYS_SECONDS, find, may_pass, read, retry_reading
from flows.orchestration import errors_without_locals
from warehouse.errors import LesionsError


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EIO, "Input/output error"),
        OSError(errno.ESTALE, "Stale file handle"),
        PermissionError(errno.EACCES, "Permission denied"),
        TimeoutError("timed out"),
        ConnectionResetError("reset"),
        duckdb.IOException(f'Could not read file "tr.csv": {os.strerror(errno.EIO)}'),
    ],
    ids=lambda error: repr(error)[:40],
)
def test_failure_of_the_system_is_tried_again(error: Exception) -> None:
    assert may_pass(error)
    assert may_pass(caused(LesionsError("tr.csv cannot be read"), error))
    assert may_pass(caused(LesionsError("outer"), caused(LesionsError("inner"), error)))


@pytest.mark.parametrize(
    "error",
    [
        LesionsError("tr.csv, row 3: 12,5 is not a number"),
        caused(LesionsError("study.yml"), ValueError("no such key")),
        gzip.BadGzipFile("Not a gzipped file"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
        duckdb.IOException("Unexpected end of GZIP stream: tr.csv.gz"),
        duckdb.InvalidInputException("No magic bytes found at end of file 'tr.parquet'"),
        KeyError("usubjid"),
        None,
    ],
    ids=lambda error: repr(error)[:40],
)
def test_bad_input_is_not_tried_again(error: BaseException | None) -> None:
    assert not may_pass(error)


def test_an_error_being_handled_is_no_cause() -> None:
    """``__context__`` alone, as left by a look for an optional file, does not count."""
    error = LesionsError("a key of study.yml is unknown")
    error.__context__ = OSError(errno.ENOENT, "No such file or directory")
    assert not may_pass(error)


def test_condition_looks_at_the_error_of_the_failed_state() -> None:
    system = SimpleNamespace(data=OSError(errno.EIO, "Input/output error"))
    assert retry_reading(read, None, system)
    assert not retry_reading(read, None, SimpleNamespace(data=LesionsError("bad")))
    assert not retry_reading(read, None, SimpleNamespace(data=None))


def test_tasks_that_read_wait_between_trials_and_no_other_step_retries() -> None:
    from flows.build import build
    from flows.ingest import ingest
    from flows.nightly import nightly

    for reading in (find, read):
        assert reading.retries == len(RETRY_DELAYS_SECONDS) == 3
        assert reading.retry_delay_seconds == RETRY_DELAYS_SECONDS
        assert reading.retry_condition_fn is retry_reading
    assert [one.retries for one in (ingest, build, nightly)] == [0, 0, 0]


def test_an_error_does_not_keep_what_its_frames_held() -> None:
    """Prefect keeps the error; a connection must not live as long."""

    class Held:
        pass

    def fail() -> None:
        held = Held()
        kept.append(weakref.ref(held))
        try:
            raise OSError(errno.EIO, "Input/output error")
        except OSError as error:
            raise LesionsError("tr.csv cannot be read") from error

    kept: list[weakref.ref[Held]] = []
    with pytest.raises(LesionsError) as caught, errors_without_locals():
        fail()
    gc.collect()
    assert may_pass(caught.value)
    assert kept[0]() is None
