"""The tables of the step ``hazard``: what their rows and columns are."""

from __future__ import annotations

from warehouse.declarations import declared

HAZARD_FIT = declared("analysis.hazard_fit")
HAZARD_RATIO = declared("analysis.hazard_ratio")
HAZARD_TERM_TEST = declared("analysis.hazard_term_test")
HAZARD_PH_TEST = declared("analysis.hazard_ph_test")
HAZARD_EXCLUSION = declared("analysis.hazard_exclusion")
HAZARD_FRAILTY = declared("analysis.hazard_frailty")
ORGAN_PHENOTYPE = declared("analysis.organ_phenotype")
PATIENT_PHENOTYPE = declared("analysis.patient_phenotype")
PHENOTYPE_SURVIVAL = declared("analysis.phenotype_survival")
TABLES = (
    HAZARD_FIT,
    HAZARD_RATIO,
    HAZARD_TERM_TEST,
    HAZARD_PH_TEST,
    HAZARD_EXCLUSION,
    HAZARD_FRAILTY,
    ORGAN_PHENOTYPE,
    PATIENT_PHENOTYPE,
    PHENOTYPE_SURVIVAL,
)
SETTINGS = tuple(
    f"hazards.{name}"
    for name in (
        "event_source",
        "reference_organ",
        "covariates",
        "selection",
        "selection_level",
        "least_events",
        "least_known_percent",
        "rare_organs",
        "new_lesions",
        "method",
        "ties",
        "confidence",
        "level_tests",
        "phenotype_probability",
        "phenotype_draws",
    )
)
