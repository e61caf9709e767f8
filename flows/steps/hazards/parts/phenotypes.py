"""Organs' phenotypes from the final models of both endpoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from scipy.special import ndtri

from flows.steps.hazards.hazard_tables import ORGAN_PHENOTYPE
from flows.steps.hazards.parts.lesions import ENDPOINTS
from flows.steps.hazards.parts.models import Model
from flows.steps.hazards.parts.rows import finite_table
from flows.steps.hazards.parts.rules import Rules
from flows.steps.hazards.parts.strata import Outcome
from udfs.hazards import (
    QUADRANTS,
    NoPhenotypeError,
    joint_covariance,
    level_weights,
    organ_effects,
    organ_phenotypes,
)

COMPARATORS: tuple[Literal["reference", "mean"], ...] = ("reference", "mean")


def phenotype_rows(outcome: Outcome, rules: Rules, say: Callable[[str], None]) -> pa.Table:
    """Phenotypes in every stratum that has final models of both endpoints."""
    rows: list[dict[str, Any]] = []
    for stratum in dict.fromkeys(model.question.stratum for model in outcome.models):
        found = [outcome.final(endpoint, stratum) for endpoint in ENDPOINTS]
        response, progression = found
        if response is None or progression is None:
            say(f"no phenotypes of organs ({stratum}): they need both endpoints")
            continue
        if not (response.compares_organs and progression.compares_organs):
            say(f"no phenotypes of organs ({stratum}): one organ alone has a finite hazard ratio")
            continue
        unlike = response.prepared.merged ^ progression.prepared.merged
        if unlike:
            say(
                f"phenotype of other ({stratum}): {', '.join(sorted(unlike))} counted as other in "
                "one of the two endpoints only (hazards.rare_organs)"
            )
        try:
            rows += _of_stratum(stratum, response, progression, rules)
        except NoPhenotypeError as error:
            say(f"no phenotypes of organs ({stratum}): {error}")
    return finite_table(ORGAN_PHENOTYPE, rows)


def _of_stratum(
    stratum: str, response: Model, progression: Model, rules: Rules
) -> list[dict[str, Any]]:
    effects = [organ_effects(model.fit) for model in (response, progression)]
    weights = [level_weights(model.fit, "organ")[1] for model in (response, progression)]
    both = joint_covariance((response.data, response.fit), (progression.data, progression.fit))
    cross = weights[0] @ both @ weights[1].T
    rows = []
    reach = float(ndtri((1 + rules.confidence) / 2))
    for comparator in COMPARATORS:
        found = organ_phenotypes(
            *effects,
            comparator=comparator,
            seed=rules.seed,
            cross_covariance=cross,
            n_draws=rules.phenotype_draws,
            least_probability=rules.phenotype_probability,
        )
        for i, organ in enumerate(found.organ):
            for k, phenotype in enumerate(QUADRANTS):
                rows.append(
                    {
                        "stratum": stratum,
                        "organ": organ,
                        "comparator": comparator,
                        "phenotype": phenotype,
                        "probability": found.probability[i, k],
                        "is_assigned": bool(found.is_assigned[i, k]),
                        **_ratio(
                            "response", found.response_log_hr[i], reach * found.response_error[i]
                        ),
                        **_ratio(
                            "progression",
                            found.progression_log_hr[i],
                            reach * found.progression_error[i],
                        ),
                        "error_correlation": found.error_correlation[i],
                        "organ_reference": response.prepared.reference,
                    }
                )
    return rows


def _ratio(endpoint: str, log_hr: float, reach: float) -> dict[str, float]:
    """A hazard ratio and its limits, symmetric in its logarithm."""
    return {
        f"{endpoint}_hr": float(np.exp(log_hr)),
        f"{endpoint}_lower": float(np.exp(log_hr - reach)),
        f"{endpoint}_upper": float(np.exp(log_hr + reach)),
    }
