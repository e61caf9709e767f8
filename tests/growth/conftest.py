"""Data and fits that several tests look at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from growth.cases import CRC_LIKE, QUICK, read_hnscc

from udfs.growth import GrowthData, GrowthFit, fit_growth, simulate_data, simulate_schedule


@pytest.fixture(scope="session")
def schedule() -> Callable[[int, int], GrowthData]:
    """Builds the schedule of n lesions."""
    return simulate_schedule


@pytest.fixture(scope="session")
def simulated() -> GrowthData:
    """300 lesions of known truth (``CRC_LIKE``)."""
    return simulate_data(simulate_schedule(300, 7), CRC_LIKE, seed=7)


@pytest.fixture(scope="session")
def simulated_fit(simulated: GrowthData) -> GrowthFit:
    """The default fit of ``simulated``."""
    return fit_growth(simulated, settings=QUICK)


@pytest.fixture(scope="session")
def hnscc(shared: Path) -> GrowthData:
    """The paper's demo data: 777 lesions, 3,574 rows."""
    d = read_hnscc(shared)
    return GrowthData.from_arrays(d.lesionID, d.time, d.DV, d.V0, d.T0, d.CENSORING, d.LIMIT)


@pytest.fixture(scope="session")
def hnscc_fit(hnscc: GrowthData) -> GrowthFit:
    """Its fit as Monolix counts rows."""
    return fit_growth(hnscc, count_baseline=True, seed=1)
