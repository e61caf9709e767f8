"""A database of one study with one subject, ready to be given rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlkit import SqlKit


@pytest.fixture
def kit() -> Iterator[SqlKit]:
    """Study s1 (SDTM days) with subject 1, first dose on 2020-01-01."""
    with SqlKit() as kit:
        kit.study("s1")
        kit.subject("1")
        yield kit
