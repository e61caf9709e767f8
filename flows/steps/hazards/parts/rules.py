"""What the settings say about the hazard models, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from udfs.hazards import Options
from warehouse.errors import LesionsError
from warehouse.registry import StepContext

KINDS: dict[str, Literal["numeric", "factor"]] = {
    "treatment": "factor",
    "line_of_therapy": "factor",
    "age_years": "numeric",
    "sex": "factor",
    "race": "factor",
    "bmi_kg_m2": "numeric",
    "bsa_m2": "numeric",
    "prior_surgery": "factor",
    "prior_radiation": "factor",
    "prior_adjuvant": "factor",
    "ecog": "factor",
    "ldh_ratio": "numeric",
    "kras_status": "factor",
    "primary_site": "factor",
}
"""Columns of core.patient that may be covariates."""
COLORECTAL = (
    "treatment",
    "line_of_therapy",
    "age_years",
    "sex",
    "race",
    "bmi_kg_m2",
    "prior_surgery",
)
HEAD_AND_NECK = (
    "treatment",
    "line_of_therapy",
    "age_years",
    "sex",
    "race",
    "bsa_m2",
    "prior_surgery",
    "prior_radiation",
)
"""The candidates of Zhou 2023, by tumor type."""


@dataclass(frozen=True)
class Rules:
    """The settings, read."""

    event_source: str
    reference_organs: tuple[str, ...]
    """The first that has events enough is the reference."""
    covariates: str
    selection: Literal["each", "forward", "backward"]
    selection_level: float
    least_events: int
    least_known: float
    """Share of the lesions."""
    merges_rare_organs: bool
    has_new_lesions: bool
    options: Options
    confidence: float
    tests_levels: bool
    phenotype_probability: float
    phenotype_draws: int
    seed: int

    def candidates(self, tumor_types: Sequence[str]) -> tuple[str, ...]:
        """The covariates to be tested.

        Raises:
            LesionsError: the setting names a covariate that is none.
        """
        if self.covariates.strip() == "auto":
            is_neck = [_is_head_and_neck(name) for name in tumor_types]
            if is_neck and all(is_neck):
                return HEAD_AND_NECK
            return (
                COLORECTAL if not any(is_neck) else tuple(dict.fromkeys(COLORECTAL + HEAD_AND_NECK))
            )
        return self.possible_candidates()

    def possible_candidates(self) -> tuple[str, ...]:
        """The covariates that some tumor type has tested.

        Raises:
            LesionsError: the setting names a covariate that is none.
        """
        if self.covariates.strip() == "auto":
            return tuple(dict.fromkeys(COLORECTAL + HEAD_AND_NECK))
        names = _names(self.covariates)
        for name in names:
            if name not in KINDS:
                near = get_close_matches(name, KINDS, n=1)
                hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(KINDS)}."
                raise LesionsError(f"hazards.covariates names {name!r}, which is none. {hint}")
        return tuple(dict.fromkeys(names))


def read_rules(context: StepContext) -> Rules:
    """The rules that the project's settings make.

    Raises:
        LesionsError: a share is not between 0 and 1.
    """

    def setting(name: str) -> Any:
        return context.setting(f"hazards.{name}")

    for name in ("confidence", "selection_level"):
        if not 0 < setting(name) < 1:
            raise LesionsError(
                f"lesions.toml: hazards.{name} = {setting(name):g} is not between 0 and 1."
            )
    return Rules(
        event_source=setting("event_source"),
        reference_organs=_names(setting("reference_organ").lower()),
        covariates=setting("covariates"),
        selection=setting("selection"),
        selection_level=setting("selection_level"),
        least_events=max(1, setting("least_events")),
        least_known=setting("least_known_percent") / 100,
        merges_rare_organs=setting("rare_organs") == "merged",
        has_new_lesions=setting("new_lesions") == "from_day_0",
        options=Options(
            ties=setting("ties"),
            method=setting("method"),
            confidence=setting("confidence"),
        ),
        confidence=setting("confidence"),
        tests_levels=setting("level_tests"),
        phenotype_probability=setting("phenotype_probability"),
        phenotype_draws=setting("phenotype_draws"),
        seed=context.seed,
    )


def _names(listed: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in listed.split(",") if name.strip())


def _is_head_and_neck(tumor_type: str) -> bool:
    words = tumor_type.lower()
    return "head" in words or "hnscc" in words
