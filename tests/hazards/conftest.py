"""What the tests of the hazard model share."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hazards.hazard_cases import References
from hazards.hazard_tables import lesions


@pytest.fixture(scope="session")
def references(shared: Path) -> References:
    return References(shared)


@pytest.fixture(scope="module")
def few() -> dict[str, pd.DataFrame]:
    """Enough lesions for a model, few enough to fit many."""
    return lesions(n_patients=160, n_lesions=1200, seed=3)


@pytest.fixture(scope="module")
def sql_models() -> dict[str, str]:
    """The figures of hazards by name."""
    folder = Path(__file__).resolve().parents[2] / "sql" / "mart" / "hazards"
    return {path.stem: path.read_text() for path in folder.glob("fig_*.sql")}
