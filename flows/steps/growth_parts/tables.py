"""The tables of the step ``growth``: comments and types of their columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from flows.columns import check_names
from flows.steps.growth_parts.documented import SUBSET, subsets_of, with_subset
from warehouse.registry import TableDoc

Column = tuple[pa.DataType, str]
TEXT, REAL, WHOLE, FLAG = pa.string(), pa.float64(), pa.int64(), pa.bool_()
REFERENCE = "Reference: Zhou et al. 2023, Nat Commun, Methods, equation (2), Figs. 2 and S1 to S3"
FIT_ID: Column = (TEXT, "analysis.growth_fit: subset and model")
LESION_ID: Column = (TEXT, "core.lesion")

_COLUMNS: dict[str, dict[str, Column]] = {}
_DOCS: dict[str, TableDoc] = {}


def _table(
    name: str, description: str, grain: str, key: tuple[str, ...], columns: dict[str, Column]
) -> TableDoc:
    full = f"analysis.{name}"
    columns = with_subset(columns)
    _COLUMNS[full] = columns
    _DOCS[full] = TableDoc(
        name=full,
        description=description,
        grain=grain,
        key=key,
        columns={column: comment for column, (_, comment) in columns.items()},
        tags=("public",),
    )
    return _DOCS[full]


def make_table(doc: TableDoc, columns: Mapping[str, Any] | None = None) -> pa.Table:
    """The table with its declared types; without columns an empty one. NaN becomes null."""
    types = _COLUMNS[doc.name]
    given = dict(columns if columns is not None else {name: [] for name in types})
    if "subset" in types and "subset" not in given:
        given["subset"] = subsets_of(given["fit_id"])
    check_names(given, types)
    arrays = {
        name: given[name]
        if isinstance(given[name], pa.Array | pa.ChunkedArray)
        else pa.array(given[name], type=kind, from_pandas=True)
        for name, (kind, _) in types.items()
    }
    return pa.table(arrays)


GROWTH_FIT = _table(
    "growth_fit",
    "One population fit of the growth of target lesions, and how exact it is.\n"
    "Why: rates of growth (kg) and shrinkage (kd) and the part that grows (F) of every lesion, "
    "estimated together, are what organs and treatments are compared by.\n"
    "How: a nonlinear mixed-effects model, V0 and its day as regressors; rows from baseline on, "
    "volumes below volume.limit_of_quantification_mm3 censored in [0, limit]. Exact maximum of the "
    "likelihood by importance sampling. Patients leave a trial when one of their lesions "
    "progresses, which is ignorable only where the patient's other lesions are in the likelihood: "
    "so lesions of a patient vary together, unless growth.patient_effects is false; and "
    "progression that target lesions do not show is part of the likelihood, unless growth.dropout "
    "is false (analysis.growth_dropout). Tumor types are fitted by themselves "
    "(growth.subset_by, analysis.growth_subset). A cold start, "
    "so that the same input gives the same bytes, unless growth.warm_start is true. No row of a "
    "subset in which fewer than growth.fewest_lesions lesions are usable: analysis.growth_excluded "
    "has its lesions.\n"
    f"{REFERENCE}",
    "one row per fit_id",
    ("fit_id",),
    {
        "fit_id": (TEXT, "subset and model"),
        "model": (TEXT, "growth model, the setting growth.model"),
        "subset": SUBSET,
        "n_lesions": (WHOLE, "lesions fitted"),
        "n_patients": (WHOLE, "their patients; null without patients' effects"),
        "n_excluded": (WHOLE, "analysed target lesions set aside (analysis.growth_excluded)"),
        "n_observations": (WHOLE, "measurements evaluated"),
        "n_censored": (WHOLE, "of them, below the limit of quantification"),
        "censoring_method": (TEXT, "interval: P(0 <= volume <= limit)"),
        "error_model": (TEXT, "residual error"),
        "is_baseline_counted": (FLAG, "baselines count as observations (growth.count_baseline)"),
        "has_patient_effects": (
            FLAG,
            "lesions of a patient vary together (growth.patient_effects)",
        ),
        "has_dropout": (
            FLAG,
            "progression that target lesions do not show is part of the fit (growth.dropout)",
        ),
        "n_dropout_events": (WHOLE, "patients with such progression; null without has_dropout"),
        "minus2ll": (
            REAL,
            "-2 log-likelihood of the measurements; with has_dropout of measurements and events",
        ),
        "minus2ll_mc_se": (REAL, "its Monte Carlo standard error, an upper bound"),
        "aic": (REAL, "Akaike's criterion"),
        "bic": (
            REAL,
            "Bayesian criterion, by the number of patients, or of lesions without their effects",
        ),
        "minus2ll_gain": (REAL, "-2 log-likelihood without patients' effects, minus minus2ll"),
        "is_converged": (FLAG, "every estimate is exact to a fifth of its standard error"),
        "verdict": (TEXT, "convergence in a sentence"),
        "newton_decrement": (REAL, "squared distance to the maximum, in standard errors"),
        "largest_mc_share": (REAL, "largest Monte Carlo error over standard error"),
        "smallest_ess": (REAL, "effective importance draws of the worst lesion"),
        "is_warm_start": (FLAG, "started from the published fit (growth.warm_start)"),
        "seed": (WHOLE, "seed of the random numbers"),
    },
)
GROWTH_POPULATION = _table(
    "growth_population",
    "The population estimates of a growth fit.\n"
    "How: standard errors from the observed information (Louis). Intervals are symmetric on the "
    "scale of estimation: log, for F logit.\n"
    f"{REFERENCE}",
    "one row per fit_id and parameter",
    ("fit_id", "parameter"),
    {
        "fit_id": FIT_ID,
        "parameter": (TEXT, "kg_pop, kd_pop, f_pop typical values; omega_ standard deviations of "
                      "log kg, log kd, logit F between lesions (of one patient, where there are "
                      "gamma_), gamma_ between patients; b proportional residual error"),
        "estimate": (REAL, "maximum-likelihood estimate; rates per day"),
        "standard_error": (REAL, "its standard error; NULL for a patients' effect of 0, and where "
                           "a failed fit has none"),
        "rse_percent": (REAL, "standard error in percent of the estimate"),
        "ci_lower": (REAL, "lower 95 % limit"),
        "ci_upper": (REAL, "upper 95 % limit"),
        "unit": (TEXT, "unit of the estimate; null without one"),
        "total_sd": (REAL, "of omega_: standard deviation between lesions of all patients, "
                     "sqrt(omega^2 + gamma^2)"),
        "shrinkage_modes": (REAL, "of omega_: share of the variance that conditional modes lack"),
        "shrinkage_means": (REAL, "of omega_: share of the variance that conditional means lack"),
    },
)  # fmt: skip
GROWTH_DROPOUT = _table(
    "growth_dropout",
    "How progression that target lesions do not show goes with a patient's growth.\n"
    "Why: patients whose lesions grow fast leave earlier; a fit that does not know of it finds "
    "growth too slow.\n"
    "How: a hazard of new lesions, non-target progression and death (analysis.growth_follow_up), "
    "rate(t) exp(alpha' u), u the patient's effects on log kg, log kd and logit F, estimated with "
    "the growth of target lesions in one likelihood; rate(t) is constant in pieces.\n"
    "Caveats: no row without such events (fewer than 20) or without patients' effects. The form of "
    "the hazard is an assumption.\n"
    "Reference: Wu and Carroll 1988, Biometrics 44:175; Henderson et al. 2000, Biostatistics 1:465",
    "one row per fit_id, kind and term",
    ("fit_id", "kind", "term"),
    {
        "fit_id": FIT_ID,
        "kind": (TEXT, "effect of a growth parameter, or rate in a piece of time"),
        "term": (TEXT, "kg, kd or f; number of the piece"),
        "from_day": (REAL, "of a rate: the piece begins after this day"),
        "to_day": (REAL, "of a rate: and ends with this one; null for the last"),
        "n_events": (WHOLE, "events: in the piece, or all"),
        "estimate": (REAL, "of an effect: log hazard ratio per unit of the patient's log kg, log "
                     "kd or logit F; of a rate: hazard per day of the typical patient"),
        "standard_error": (REAL, "its standard error; null where patients do not vary"),
        "p_value": (REAL, "of an effect, two-sided Wald test"),
        "hazard_ratio": (REAL, "of an effect: of a patient one standard deviation (gamma) above"),
        "ci_lower": (REAL, "lower 95 % limit of the hazard ratio, or of the rate"),
        "ci_upper": (REAL, "upper 95 % limit of the hazard ratio, or of the rate"),
    },
)  # fmt: skip
GROWTH_LESION = _table(
    "growth_lesion",
    "The growth parameters of one lesion, given its measurements and the population.\n"
    "Caveats: estimates of lesions with few scans are drawn to the typical value (shrinkage); do "
    "not compare or correlate them as if they were measured. Each rests on the lesion's own "
    "measurements, not on the patient's other lesions. The conditional mean is taken on the scale "
    "of log kg, log kd, logit F and put back.\n"
    f"{REFERENCE}",
    "one row per fit_id, lesion_id and estimate_kind",
    ("fit_id", "lesion_id", "estimate_kind"),
    {
        "fit_id": FIT_ID,
        "lesion_id": LESION_ID,
        "estimate_kind": (TEXT, "conditional_mode (most likely values) or conditional_mean"),
        "patient_id": (TEXT, "core.patient; null where the source does not say"),
        "organ": (TEXT, "core.organ"),
        "kg_per_day": (REAL, "growth rate, per day"),
        "kd_per_day": (REAL, "shrinkage rate, per day"),
        "f": (REAL, "part of the lesion that grows, 0 to 1"),
        "kg_sd": (REAL, "standard deviation of kg_per_day given the data, delta method"),
        "kd_sd": (REAL, "standard deviation of kd_per_day given the data, delta method"),
        "f_sd": (REAL, "standard deviation of f given the data, delta method"),
        "log_kg_sd": (REAL, "standard deviation of log kg given the data"),
        "log_kd_sd": (REAL, "standard deviation of log kd given the data"),
        "logit_f_sd": (REAL, "standard deviation of logit F given the data"),
        "kg_shrinkage": (REAL, "variance of log kg given the data, over that between lesions; "
                         "above 1 where the curvature at a mode is flatter than the population's"),
        "kd_shrinkage": (REAL, "variance of log kd given the data, over that between lesions; "
                         "above 1 where the curvature at a mode is flatter than the population's"),
        "f_shrinkage": (REAL, "variance of logit F given the data, over that between lesions; "
                        "above 1 where the curvature at a mode is flatter than the population's"),
        "nadir_day": (REAL, "day of the curve's smallest volume, from day 0 on"),
        "nadir_volume_mm3": (REAL, "that volume, mm3"),
        "n_modes": (WHOLE, "local maxima found; more than 1: other values fit nearly as well. Null "
                    "for the conditional mean"),
        "is_converged": (FLAG, "the mode was found; null for the conditional mean"),
    },
)  # fmt: skip
GROWTH_EXCLUDED = _table(
    "growth_excluded",
    "Analysed target lesions that the growth model does not use, with the reason; all of a subset "
    "that has no fit (small_subset, no_fit).",
    "one row per fit_id and lesion_id",
    ("fit_id", "lesion_id"),
    {
        "fit_id": FIT_ID,
        "lesion_id": LESION_ID,
        "reason_id": (TEXT, "short name of the reason"),
        "reason": (TEXT, "the reason in words, with the values found"),
    },
)
GROWTH_INFLUENCE = _table(
    "growth_influence",
    "How far one lesion moves the population estimates.\n"
    "How: in the fit that takes lesions as independent; to first order, from its score; large "
    "values are often a baseline that contradicts the "
    "later scans.",
    "one row per fit_id and lesion_id",
    ("fit_id", "lesion_id"),
    {
        "fit_id": FIT_ID,
        "lesion_id": LESION_ID,
        "parameter": (TEXT, "estimate that is moved most"),
        "largest_shift": (REAL, "how far, in its standard errors"),
        "distance": (REAL, "squared length of the shift of all estimates, in standard errors"),
        "is_influential": (FLAG, "largest_shift is above 0.5"),
        "has_contradictory_baseline": (
            FLAG,
            "the baseline volume is not the one measured that day",
        ),
    },
)
GROWTH_CURVE = _table(
    "growth_curve",
    "The fitted curve of one lesion.\n"
    "How: at the conditional mode, on the lesion's scan days and on every 30th day "
    "(more apart in large projects) up to its last scan. The band is that of the curve, not of "
    "measurements.",
    "one row per fit_id, lesion_id and day",
    ("fit_id", "lesion_id", "day"),
    {
        "fit_id": FIT_ID,
        "lesion_id": LESION_ID,
        "day": (REAL, "day from first dose"),
        "volume_mm3": (REAL, "volume at the conditional mode, mm3"),
        "lower": (REAL, "5 % quantile over draws, mm3"),
        "upper": (REAL, "95 % quantile over draws, mm3"),
        "is_scan_day": (FLAG, "the lesion was measured on that day"),
    },
)
MODELLED_EVENT = _table(
    "modelled_event",
    "One fitted target lesion's response, or its progression, on its growth curve.\n"
    "Why: scans show an event weeks late and only if the patient comes; the curve dates it.\n"
    "How: the first day from day 0 on which a rule of staging.event_rule holds on the curve at the "
    "conditional mode. The baseline is the curve's volume on day 0 or the measured one "
    "(growth.event_baseline); the nadir is the curve's, the baseline included. Diameters keep the "
    "relation to volume of the lesion's own baseline. No event more than "
    "growth.event_horizon_days after the patient's last scan, nor after the patient's last day "
    "(up to that day with rules.censoring = 'last_day').\n"
    "Caveats: a curve never reaches 0, so rules of disappearance never hold. The interval and the "
    "probability come from draws of the lesion's parameters.\n"
    "Reference: Zhou et al. 2023, Methods, Tumor time to response and progression",
    "one row per lesion_id, endpoint, rule_set and source",
    ("lesion_id", "endpoint", "rule_set", "source"),
    {
        "lesion_id": LESION_ID,
        "endpoint": (TEXT, "response or progression"),
        "rule_set": (TEXT, "rule set of staging.rule_set"),
        "source": (TEXT, "modelled"),
        "patient_id": (TEXT, "core.patient; null where the source does not say"),
        "organ": (TEXT, "core.organ"),
        "lesion_type": (TEXT, "target"),
        "time_days": (REAL, "day of the event, or of censoring; from first dose"),
        "time_lower": (REAL, "5 % quantile of the time over draws, or the day of censoring"),
        "time_upper": (REAL, "95 % quantile; null where that lies after the day of censoring"),
        "is_event": (FLAG, "the curve at the mode has the event before the end of observation: the "
                     "last scan and growth.event_horizon_days, the patient's last day, the "
                     "lesion's local treatment, merging or splitting"),
        "event_probability": (REAL, "share of draws with the event before the end of observation"),
        "rule_id": (TEXT, "rule that set the event; null where censored"),
        "source_table": (TEXT, "table of the curve's parameters"),
        "source_row": (WHOLE, "null: no single row of a source"),
        "source_file": (TEXT, "null: no single source file"),
        "censor_reason": (TEXT, "local_treatment, merged, split, death or end_of_follow_up; "
                          "null where there is an event"),
        "last_assessment_day": (REAL, "the lesion's last scan with a size"),
        "quantity": (TEXT, "what the rule looked at: diameter or volume; null where censored"),
        "observed_value": (REAL, "null: nothing was observed"),
        "reference_value": (REAL, "null"),
        "is_imputed": (FLAG, "null"),
    },
)  # fmt: skip
TABLES = tuple(_DOCS.values())


def empty_tables() -> dict[str, pa.Table]:
    """All tables without rows."""
    return {doc.name: make_table(doc) for doc in TABLES}
