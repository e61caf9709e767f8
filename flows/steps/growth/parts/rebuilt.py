"""A published growth fit, put together again from its tables for what follows it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from flows.steps.growth.parts.models import model_named
from flows.steps.growth.parts.reading import (
    FEWEST_OBSERVATIONS,
    TargetLesions,
    target_lesions_by_subset,
)
from udfs.growth.check_data import GrowthDataError
from udfs.growth.parameters import FloatArray
from udfs.growth.restore import fit_at
from udfs.growth.result import GrowthFit
from warehouse.registry import StepContext
from warehouse.settings import thread_count

UNKNOWN = "unknown"

FIT = """
SELECT fit_id, subset, model, error_model, is_baseline_counted, n_lesions
FROM analysis.growth_fit
ORDER BY fit_id
"""
TREATMENT = """
SELECT lesion.lesion_id, patient.treatment_class
FROM core.lesion AS lesion
INNER JOIN core.patient AS patient ON lesion.patient_id = patient.patient_id
ORDER BY lesion.lesion_id
"""
POPULATION = "SELECT fit_id, parameter, estimate FROM analysis.growth_population ORDER BY parameter"


@dataclass(frozen=True)
class Rebuilt:
    """A fit as it was published, and its lesions."""

    fit_id: str
    subset: str
    fit: GrowthFit
    targets: TargetLesions
    lesions: pd.DataFrame
    """Of the fitted lesions, in the order of the fit."""
    threads: int
    near: FloatArray | None
    """(n, p) published modes of the lesions, Gaussian scale, in the order of the fit."""

    @property
    def cluster(self) -> NDArray[np.generic]:
        """(n,) the lesions' patients; a lesion of an unknown patient stands alone."""
        return patients_of(self.lesions)


def patients_of(lesions: pd.DataFrame) -> NDArray[np.generic]:
    """(n,) patient of each lesion, or the lesion itself where the source does not say."""
    return lesions["patient_id"].fillna(lesions["lesion_id"]).to_numpy(dtype=str)


def rebuild(
    context: StepContext,
    modes: pd.DataFrame | None = None,
    n_nodes: int = 0,
    fewest_observations: int = FEWEST_OBSERVATIONS,
    only: Collection[str] | None = None,
) -> Iterator[Rebuilt]:
    """The project's fits one after the other, from their published estimates.

    Args:
        modes: lesion_id, parameter, gaussian_value of the lesions' modes, where they are known.
        n_nodes: importance nodes per lesion; 0 as ``fit_at`` chooses.
        fewest_observations: see ``target_lesions_by_subset``; the fitted lesions are the same.
        only: ids of the fits that are wanted; None for all.
    """
    fits = context.frame(FIT)
    if fits.empty:
        return
    subsets = target_lesions_by_subset(context, fewest_observations)
    treatment = context.frame(TREATMENT).set_index("lesion_id")["treatment_class"]
    population = context.frame(POPULATION)
    for _, row in fits.iterrows():
        if only is not None and row["fit_id"] not in only:
            continue
        targets = subsets[row["subset"]]
        assert not isinstance(targets, GrowthDataError)  # its lesions were fitted
        lesions = targets.lesions.assign(treatment_class=treatment.reindex(targets.lesions.index))
        found = population[population["fit_id"] == row["fit_id"]]
        yield _rebuilt(context, row, replace(targets, lesions=lesions), found, modes, n_nodes)


def _rebuilt(
    context: StepContext,
    row: pd.Series,
    targets: TargetLesions,
    found: pd.DataFrame,
    modes: pd.DataFrame | None,
    n_nodes: int,
) -> Rebuilt:
    data = targets.data
    assert data is not None  # its lesions were fitted
    threads = thread_count({"run.threads": context.setting("run.threads")})
    model = model_named(row["model"])
    near = None
    if modes is not None:
        mine = modes[modes["lesion_id"].isin(targets.lesions.index)]
        wide = mine.pivot(index="lesion_id", columns="parameter", values="gaussian_value")
        names = [one.name for one in model.parameters]
        fitted = [one for one in data.lesion.tolist() if one in wide.index]
        if set(names) <= set(wide.columns) and len(fitted) == row["n_lesions"]:
            near = wide.loc[fitted, names].to_numpy(dtype=np.float64)
    estimates = dict(zip(found["parameter"], found["estimate"].astype(float), strict=True))
    fit = fit_at(
        data,
        one_level_values(estimates),
        near=near,
        n_nodes=n_nodes,
        model=model,
        error=row["error_model"],
        count_baseline=bool(row["is_baseline_counted"]),
        seed=context.seed,
        threads=threads,
    )
    return Rebuilt(row["fit_id"], row["subset"], fit, targets, targets.of(fit), threads, near)


def one_level_values(values: dict[str, float]) -> dict[str, float]:
    """Estimates by label with patients' standard deviations joined with the lesions'."""
    values = dict(values)
    for label in [one for one in values if one.startswith("gamma_")]:
        own = f"omega_{label.removeprefix('gamma_')}"
        values[own] = float(np.hypot(values[own], values.pop(label)))
    return values


def as_text(column: pd.Series) -> NDArray[Any]:
    """(n,) text; whole numbers without a decimal point, NULL as 'unknown'."""

    def word(value: Any) -> str:
        if pd.isna(value):
            return UNKNOWN
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return str(value)

    return np.array([word(value) for value in column], dtype=str)
