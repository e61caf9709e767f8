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
