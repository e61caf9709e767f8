"""What the tests of the hazard model share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hazards.hazard_cases import References


@pytest.fixture(scope="session")
def references(shared: Path) -> References:
    return References(shared)
