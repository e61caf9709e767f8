"""Cases that several tests share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from udfs.growth import FitSettings, GrowthData, TwoPopulation
from udfs.growth.problem import Problem, compile_problem
from udfs.growth.residual_error import ResidualError

LABELS = ("kg_pop", "kd_pop", "f_pop", "omega_kg", "omega_kd", "omega_f", "b")
CRC_LIKE = dict(zip(LABELS, (0.0033, 0.015, 0.3, 0.8, 0.9, 1.5, 0.25), strict=True))
"""Truth of simulations: like metastatic colorectal cancer."""
QUICK = FitSettings(n_nodes=448, n_first_nodes=224, n_likelihood_nodes=448)
"""Enough nodes where an answer to a few tenths of a standard error will do."""


def problem_of(data: GrowthData, error: str = "proportional", **options) -> Problem:
    """The data compiled with default options."""
    chosen = {"censoring": "interval", "count_baseline": True} | options
    return compile_problem(
        data,
        model=TwoPopulation(),
        error=ResidualError(error),
        covariates={},
        references={},
        **chosen,
    )


def one_lesion() -> GrowthData:
    """Baseline, a measured row, a left-, an interval- and a right-censored one."""
    return GrowthData.from_arrays(
        lesion=[1] * 5,
        time=[-10.0, 50.0, 100.0, 150.0, 400.0],
        volume=[1000.0, 400.0, 300.0, 350.0, 900.0],
        censoring=[0, 0, 1, 1, -1],
        limit=[np.nan, np.nan, np.nan, 100.0, np.nan],
    )


def read_hnscc(shared: Path) -> pd.DataFrame:
    """The paper's demo data."""
    return pd.read_csv(shared / "data/hnscc265_zhou2023/265target_monolix.csv", na_values=".")
