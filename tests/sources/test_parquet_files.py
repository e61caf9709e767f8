"""Parquet files."""

from __future__ import annotations

from datetime import date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from warehouse.errors import LesionsError


def test_typed_columns_become_text(workspace):
    workspace.write({})
    table = pa.table(
        {
            "USUBJID": pa.array([-7282073724334012416, 2**62, 1], pa.int64()),
            "AGE": pa.array([21.0, 32.32, None], pa.float64()),
            "D": pa.array([date(1900, 1, 1), None, date(2014, 1, 2)], pa.date32()),
            "T": pa.array([datetime(2014, 1, 2, 11, 45), datetime(2014, 1, 2), None]),
            "FLAG": pa.array([True, False, None]),
            "NOTE": pa.array(["", " x", "a\nb"]),
        }
    )
    pq.write_table(table, workspace.folder / "dm.parquet")
    workspace.load()
    assert workspace.table("dm", "usubjid, age, d, t, flag, note, _source_row") == [
        ("-7282073724334012416", "21", "1900-01-01", "2014-01-02T11:45:00", "true", None, 1),
        ("4611686018427387904", "32.32", None, "2014-01-02", "false", " x", 2),
        ("1", None, "2014-01-02", None, None, "a\nb", 3),
    ]


@pytest.mark.parametrize("content", [b"PAR1 but no more", b"USUBJID\n1\n"])
def test_a_damaged_file_is_refused(workspace, content):
    workspace.write({"dm.parquet": content})
    with pytest.raises(LesionsError, match=r"dm\.parquet cannot be read as Parquet"):
        workspace.load()
