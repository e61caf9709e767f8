"""The Cox model of the Gower distance on many samples of the patients (Zhou 2021, Fig. 2E)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from flows.steps.survival.survival_cox import (
    MODEL_READS,
    UNIT_SETTINGS,
    NumberModel,
    models_of,
)
from udfs.survival import CoxSubjects, Resamples, bootstrap_rows, cox_of_samples, subset_rows
from udfs.survival.cox import fit_rows
from warehouse.declarations import declared
from warehouse.errors import LesionsError
from warehouse.registry import StepContext, step
from warehouse.result_tables import joined, result_table

SUBSET, ENDPOINT = "all", "OS"
"""The model that is fitted again: that of Fig. 2E."""

SURVIVAL_RESAMPLE = declared("analysis.survival_resample")
NO_MAXIMUM = "the likelihood of the sample has no maximum"


@step(
    name="survival_resample",
    reads=MODEL_READS,
    writes=(SURVIVAL_RESAMPLE,),
    settings=("survival.resamples", "survival.subset_share", *UNIT_SETTINGS),
)
def survival_resample(context: StepContext) -> dict[str, pa.Table]:
    """Subsets and bootstrap samples of the models named Gower distance.

    Raises:
        LesionsError: a setting is out of range.
    """
    share = float(context.setting("survival.subset_share"))
    if not 0 < share <= 1:
        raise LesionsError(
            f"survival.subset_share = {share:g} in lesions.toml must be above 0 and at most 1: it "
            "is the share of patients in each random subset. The default is 0.8."
        )
    times = int(context.setting("survival.resamples"))
    wanted = {"subset": SUBSET, "endpoint": ENDPOINT}
    tables = [
        table
        for model in models_of(context)
        if wanted.items() <= model.key.items()
        for table in _samples(context, model, times, share)
    ]
    return {SURVIVAL_RESAMPLE.name: joined(SURVIVAL_RESAMPLE, tables)}


def _samples(context: StepContext, model: NumberModel, times: int, share: float) -> list[pa.Table]:
    n = model.time.size
    if n == 0 or (np.ptp(model.columns, axis=0) == 0).any():
        context.note(f"model {model.key['model']}: nothing to resample, see analysis.survival_cox")
        return []
    subjects = CoxSubjects.of(model.time, model.event, model.columns, model.stratum)
    everyone = fit_rows(subjects, np.arange(n), np.zeros(len(model.covariates)))
    if not everyone.is_converged:
        context.note(f"model {model.key['model']}: not resampled, it has no estimate")
        return []
    tables = []
    draws: dict[str, Any] = {
        "subset": lambda rng: subset_rows(n, share, times, rng),
        "bootstrap": lambda rng: bootstrap_rows(n, times, rng),
    }
    for k, (scheme, draw) in enumerate(draws.items()):
        rng = np.random.default_rng([context.seed, k])
        found = cox_of_samples(subjects, draw(rng), start=everyone.coefficient)
        tables.append(_table({**model.key, "scheme": scheme}, model.covariates, found))
        context.progress(k + 1, len(draws))
    return tables


def _table(key: dict[str, str], covariates: list[str], found: Resamples) -> pa.Table:
    b, p = found.coefficient.shape
    is_missing = np.isnan(found.coefficient).ravel().tolist()
    columns: dict[str, Any] = {
        name: [key[name]] * (b * p) for name in ("subset", "model", "endpoint", "scheme")
    }
    columns |= {
        "replicate": np.repeat(np.arange(1, b + 1), p),
        "term": covariates * b,
        "log_hr": found.coefficient.ravel(),
        "standard_error": found.standard_error.ravel(),
        "p_value": found.p_value.ravel(),
        "n_patients": np.repeat(found.n, p),
        "n_events": np.repeat(found.n_events, p),
        "null_reason": [NO_MAXIMUM if missing else None for missing in is_missing],
    }
    return result_table(SURVIVAL_RESAMPLE, columns)
