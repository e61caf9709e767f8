"""What the tests of events and marts share."""

from __future__ import annotations

import pytest
from events.event_tables import Core


@pytest.fixture
def core() -> Core:
    """A core layer of the one patient S/1, followed to day 400, still without lesions."""
    tables = Core()
    tables.patient()
    return tables
