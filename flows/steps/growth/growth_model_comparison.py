"""Which growth model fits each study and arm best."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from flows.steps.growth.parts.tables import fit_table
from warehouse.declarations import declared
from warehouse.registry import StepContext, step
from warehouse.result_tables import nulls
from warehouse.settings import thread_count

if TYPE_CHECKING:
    from udfs.growth.data import GrowthData

EVERY_ARM = "all"
ARMS = """
SELECT lesion.lesion_id, lesion.study_id, patient.arm
FROM core.lesion AS lesion
LEFT JOIN core.patient AS patient ON lesion.patient_id = patient.patient_id
ORDER BY lesion.lesion_id
"""
MODEL_COMPARISON = declared("analysis.growth_model_comparison")


@step(
    name="growth_model_comparison",
    reads=(
        "core.lesion",
        "core.measurement",
        "core.patient",
        "analysis.lesion_cutoff",
        "analysis.growth_subset",
    ),
    writes=(MODEL_COMPARISON,),
    settings=(
        "growth.compare_models",
        "growth.compare_lesions",
        "growth.count_baseline",
        "growth.fewest_lesions",
        "volume.limit_of_quantification_mm3",
        "run.threads",
    ),
)
def growth_model_comparison(context: StepContext) -> dict[str, pa.Table]:
    """Fits every model to every study and arm with enough lesions; empty where not asked for."""
    rows: list[dict[str, Any]] = []
    if bool(context.setting("growth.compare_models")):
        from flows.steps.growth.parts.reading import read_target_lesions
        from udfs.growth.data import GrowthDataError

        try:
            data = read_target_lesions(context).data
        except GrowthDataError as error:
            context.note(f"no growth models to compare: {error}")
            data = None
        if data is not None:
            units = list(_units(context, data))
            for number, (study, arm, members) in enumerate(units):
                context.progress(number, len(units))
                rows += _compared(context, data, study, arm, members)
    return {MODEL_COMPARISON.name: fit_table(MODEL_COMPARISON, rows)}


def _units(context: StepContext, data: GrowthData) -> Iterator[tuple[str, str, Any]]:
    """Study, arm and positions of their lesions, where there are enough."""
    fewest = int(context.setting("growth.fewest_lesions"))
    frame = context.frame(ARMS).set_index("lesion_id").loc[data.lesion]
    study = frame["study_id"].to_numpy(dtype=str)
    arm = frame["arm"].fillna("").to_numpy(dtype=str)
    for one in np.unique(study):
        here = study == one
        arms = [name for name in np.unique(arm[here]) if name]
        for name in (EVERY_ARM, *arms) if len(arms) > 1 else (EVERY_ARM,):
            members = np.flatnonzero(here if name == EVERY_ARM else here & (arm == name))
            if len(members) >= fewest:
                yield str(one), str(name), members


def _sample(data: GrowthData, members: Any, most: int) -> Any:
    """The ``most`` lesions whose ids have the smallest hashes; all for 0."""
    if most == 0 or len(members) <= most:
        return members
    marks = [hashlib.blake2b(str(one).encode()).digest() for one in data.lesion[members]]
    first = sorted(range(len(members)), key=marks.__getitem__)[:most]
    return members[np.sort(first)]


def _compared(
    context: StepContext, data: GrowthData, study: str, arm: str, members: Any
) -> list[dict[str, Any]]:
    from udfs.growth.data import GrowthDataError
    from udfs.growth.fit import fit_growth
    from udfs.growth.models import MODELS
    from udfs.growth.settings import FitSettings

    some = data.take(_sample(data, members, int(context.setting("growth.compare_lesions"))))
    threads = thread_count({"run.threads": context.setting("run.threads")})
    rows: list[dict[str, Any]] = []
    for name, model in MODELS.items():
        row: dict[str, Any] = {
            "study_id": study,
            "arm": arm,
            "model": name,
            "n_lesions": some.n_lesions,
            "n_available": len(members),
            "is_best": False,
            "is_converged": False,
            **nulls(("n_observations", "n_estimates", "minus2ll", "minus2ll_mc_se", "aic", "bic")),
            **nulls(("delta_bic", "verdict")),
        }
        rows.append(row)
        try:
            fit = fit_growth(
                some,
                model=model(),
                count_baseline=bool(context.setting("growth.count_baseline")),
                settings=FitSettings(report_every=0, n_nodes=MOST_NODES),
                seed=context.seed,
                threads=threads,
            )
        except (GrowthDataError, np.linalg.LinAlgError) as error:
            row["verdict"] = f"no fit: {error}"
            continue
        row |= {
            "n_lesions": fit.n_lesions,
            "n_observations": fit.n_observations,
            "n_estimates": fit.structure.size,
            "minus2ll": float(fit.minus2ll),
            "minus2ll_mc_se": float(fit.minus2ll_mc_se),
            "aic": float(fit.aic),
            "bic": float(fit.bic),
            "is_converged": bool(fit.convergence.is_converged),
            "verdict": fit.convergence.verdict,
        }
    _mark_best(rows)
    return rows


MOST_NODES = 1792
"""Nodes per lesion: half a unit of -2 log-likelihood for a few hundred lesions."""


def _mark_best(rows: list[dict[str, Any]]) -> None:
    sound = [row for row in rows if row["is_converged"]]
    if not sound:
        return
    best = min(sound, key=lambda row: float(row["bic"]))
    best["is_best"] = True
    for row in rows:
        if row["bic"] is not None:
            row["delta_bic"] = row["bic"] - best["bic"]
