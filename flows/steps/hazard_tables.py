"""The tables of the step ``hazard``: what their rows and columns are."""

from __future__ import annotations

from warehouse.registry import TableDoc

_ABOUT = (
    "Reference: Zhou et al. 2023, Nat Commun, Methods, 'Cox proportional regression model', "
    "Figs. 3, S4 to S6; Ripatti and Palmgren, Biometrics 2000. See docs/hazards.md"
)
_MODEL = {
    "model_id": "endpoint/stratum/model/method",
    "endpoint": "response or progression",
    "stratum": "all; a class of treatment; or a tumor type, where there are several",
    "model": "final; without new lesions (progression); observed times; or antibody within organ",
    "method": "laplace, sparse or aghq: how the patient's random effect was integrated; naive: "
    "without one",
}

HAZARD_FIT = TableDoc(
    name="analysis.hazard_fit",
    description=(
        "One Cox model of the times of lesions, with a Gaussian random effect of the patient.\n"
        "Why: lesions of one patient are alike; without the random effect their number is taken "
        "for evidence. The naive model beside each shows what it changes.\n"
        "Caveats: events are seen on scans, so patients scanned on the same days share ties, which "
        "inflates the variance. With several tumor types each has a baseline hazard of its own.\n"
        f"{_ABOUT}"
    ),
    grain="one row per model_id",
    key=("model_id",),
    columns={
        **_MODEL,
        "organ_reference": "organ that the others are compared with",
        "covariates": "covariates beside organ, commas between; empty without any",
        "n_lesions": "lesions at risk in the model",
        "n_events": "of them with an event",
        "n_patients": "patients that they are of",
        "n_coefficients": "coefficients",
        "frailty_variance": "variance of the patient's effect on the log hazard; null if naive",
        "frailty_variance_lower": "its profile-likelihood limit (hazards.confidence); of the final "
        "models of all lesions and of tumor types only",
        "frailty_variance_upper": "the same, above",
        "variance_chi2": "likelihood-ratio statistic of variance 0",
        "variance_p_value": "its p-value, from the 50:50 mixture of chi-squared with 0 and 1 df",
        "loglik_null": "log partial likelihood at coefficients 0 without random effect",
        "loglik_fixed": "its maximum without random effect",
        "loglik_integrated": "its maximum with the random effect integrated out",
        "ties": "efron or breslow",
        "determinant": "how the Laplace determinant was computed: exact, lanczos, sparse or none",
        "n_evaluations": "variances at which the model was fitted; 0 if naive",
        "is_boundary": "the likelihood is highest at variance 0",
        "is_converged": "the search ended and no coefficient diverges",
        "is_primary": "the row to read: with random effect; naive where no patient has several "
        "lesions, so that there can be none",
        "notes": "what was merged, left out or taken out to make it fit; empty if nothing",
    },
    tags=("public",),
)
HAZARD_RATIO = TableDoc(
    name="analysis.hazard_ratio",
    description=(
        "How many times the hazard of one level is that of another: organs, covariates, and the "
        "antibody within each organ.\n"
        "Why: by organ, how readily lesions respond, and how readily they progress.\n"
        "How: organs stand against the reference organ, and again, with reference 'mean', against "
        "the mean log hazard of all organs of the model. Term antibody_within_organ: the level is "
        "the organ, the hazard ratio that of antibody plus chemotherapy against chemotherapy.\n"
        "Caveats: all organs share the error of the reference organ; against the mean they do "
        "not. Intervals and p_value are Wald's; lr_p_value is the likelihood ratio's.\n"
        f"{_ABOUT}"
    ),
    grain="one row per model_id, term, level and reference",
    key=("model_id", "term", "level", "reference"),
    columns={
        "model_id": _MODEL["model_id"],
        "term": "organ, a covariate, or antibody_within_organ",
        "level": "organ or other level; the covariate's name where it is a number",
        "reference": "level it is compared with; mean: of all organs; per unit: a number",
        **{k: v for k, v in _MODEL.items() if k != "model_id"},
        "is_primary": "the row to read: of the model with random effect, if there is one",
        "is_separated": "the level has no event, or all fall on one side, so that its hazard ratio "
        "is 0 or infinite: it is in no fit, and the row holds the one end of its interval",
        "n_lesions": "lesions of the level; all of the model for a number",
        "n_events": "of them with an event",
        "log_hr": "log hazard ratio; null where separated",
        "standard_error": "of log_hr, the variance of the random effect taken as known",
        "hazard_ratio": "exp(log_hr); where separated 0, or null for infinite",
        "ci_lower": "Wald limit (hazards.confidence); where separated the profile likelihood's",
        "ci_upper": "the same, above; null where the hazard ratio is infinite",
        "p_value": "Wald, two-sided; null where separated",
        "lr_p_value": "likelihood ratio, the level counted as its reference and the variance "
        "estimated again; of organs in final models, of the antibody in each organ "
        "(hazards.level_tests), and of terms with one coefficient; else null",
    },
    tags=("public",),
)
HAZARD_TERM_TEST = TableDoc(
    name="analysis.hazard_term_test",
    description=(
        "Likelihood-ratio tests of the terms of hazard models, and of the covariates that might "
        "have been terms.\n"
        "How: test screening adds a candidate to the organs (and, where hazards.selection is "
        "forward or backward, to those selected before or left) among the lesions where it is "
        "known; those with p < hazards.selection_level enter the final model. Test final takes a "
        "term out of a fitted model. The variance of the random effect is estimated again.\n"
        f"{_ABOUT}"
    ),
    grain="one row per model_id, test, step and term",
    key=("model_id", "test", "step", "term"),
    columns={
        "model_id": "model that the test is of (screening: whose covariates it chose)",
        "test": "screening or final",
        "step": "of the selection, from 1; 0 for final",
        "term": "candidate or term",
        "endpoint": _MODEL["endpoint"],
        "stratum": _MODEL["stratum"],
        "chi2": "likelihood-ratio statistic; null where it could not be tested",
        "df": "its degrees of freedom",
        "p_value": "its p-value",
        "wald_chi2": "Wald's statistic (final only)",
        "wald_p_value": "its p-value",
        "variance_without": "variance of the random effect without the term (final only)",
        "n_lesions": "lesions that both models were fitted to",
        "n_events": "of them with an event",
        "is_selected": "screening: the step took it in, or kept it; final: true",
        "problem": "why it could not be tested; null where it could",
    },
    tags=("public",),
)
HAZARD_PH_TEST = TableDoc(
    name="analysis.hazard_ph_test",
    description=(
        "Do hazard ratios of the final models stay the same over time?\n"
        "Why: one hazard ratio stands for all days; where it fades or grows, it is a mean.\n"
        "How: score tests of log hazard ratios that change with g(t), g being 1 less the pooled "
        "Kaplan-Meier just before t, so that it goes from 0 to at most 1. The patients' predicted "
        "random effects are in the linear predictor: frailty known takes them as given numbers, as "
        "R's cox.zph of a coxme fit does; estimated counts them as parameters with their penalty.\n"
        "Caveats: with frailty known the tests of what is the same in all lesions of a patient are "
        "cautious. With thousands of events small changes have small p-values: read "
        "steepest_change, one step of Newton's method from no change.\n"
        "Reference: Grambsch and Therneau, Biometrika 1994; see docs/hazards.md"
    ),
    grain="one row per model_id, frailty and term",
    key=("model_id", "frailty", "term"),
    columns={
        "model_id": _MODEL["model_id"],
        "frailty": "known or estimated",
        "term": "organ, a covariate, or GLOBAL: all together",
        "endpoint": _MODEL["endpoint"],
        "stratum": _MODEL["stratum"],
        "transform": "km: g is 1 less the pooled Kaplan-Meier",
        "chi2": "score statistic",
        "df": "its degrees of freedom",
        "p_value": "its p-value",
        "steepest_level": "level whose log hazard ratio changes most; null for GLOBAL",
        "steepest_change": "its change from g = 0 to g = 1; null for GLOBAL",
    },
    tags=("public",),
)
HAZARD_EXCLUSION = TableDoc(
    name="analysis.hazard_exclusion",
    description=(
        "Lesions that stand in analysis.lesion_event but not in a hazard model, by the rule that "
        "leaves them out.\n"
        "Why: n_lesions of a model and what is left out add up to the lesions of the endpoint.\n"
        "How: model 'any' for what no model can use: unknown patient; unknown organ; new lesion "
        "that does not count; no event possible (no baseline, or never assessed after it); no day "
        "after the first dose. Model 'observed times' counts these for itself. Of one model: "
        "covariate unknown; level with few events, organ with few events (hazards.least_events); "
        "organ with few events under one treatment; hazard without maximum (no event, or events on "
        "one side only: the hazard ratio is 0 or infinite, and analysis.hazard_ratio has its "
        "limit); "
        "organ not told from other terms (collinear)."
    ),
    grain="one row per endpoint, stratum, model, rule and level",
    key=("endpoint", "stratum", "model", "rule", "level"),
    columns={
        "endpoint": _MODEL["endpoint"],
        "stratum": _MODEL["stratum"],
        "model": "the model of analysis.hazard_fit, or any",
        "rule": "rule of the description",
        "level": "organ, covariate or level; empty where the rule has none",
        "n_lesions": "lesions left out",
        "n_events": "of them with an event",
    },
    tags=("public",),
)
HAZARD_FRAILTY = TableDoc(
    name="analysis.hazard_frailty",
    description=(
        "How much more readily a patient's lesions respond, or progress, than others with the same "
        "organs and covariates.\n"
        "Caveats: of the final models. Shrunken towards 0, the more so the fewer the lesions; a "
        "patient without a lesion in the model has no row.\n"
        f"{_ABOUT}"
    ),
    grain="one row per endpoint, stratum and patient_id",
    key=("endpoint", "stratum", "patient_id"),
    columns={
        "endpoint": _MODEL["endpoint"],
        "stratum": _MODEL["stratum"],
        "patient_id": "core.patient",
        "log_hazard": "mode of the patient's effect on the log hazard, given the lesions",
        "standard_deviation": "of the effect, given the lesions",
    },
    tags=("public",),
)
ORGAN_PHENOTYPE = TableDoc(
    name="analysis.organ_phenotype",
    description=(
        "Which of four phenotypes an organ's lesions have, response hazard by progression hazard, "
        "and how surely.\n"
        "How: hazard ratios of the two final models are drawn jointly (hazards.phenotype_draws); "
        "a probability is the share of the draws in the quadrant. What the two models share in "
        "error comes from the patients' score residuals (Lin and Wei 1989; Wei, Lin and Weissfeld "
        "1989), which agrees with refitting both to patients drawn with replacement.\n"
        "Caveats: against the reference organ, which has no phenotype, all organs share that "
        "organ's error; against the mean organ they do not. Uncertain of which covariates belong "
        "in the models it is not.\n"
        f"{_ABOUT}"
    ),
    grain="one row per stratum, organ, comparator and phenotype",
    key=("stratum", "organ", "comparator", "phenotype"),
    columns={
        "stratum": _MODEL["stratum"],
        "organ": "core.organ",
        "comparator": "reference: against the organ of organ_reference; mean: against the mean "
        "log hazard of the organs in both models",
        "phenotype": "high-high, high-low, low-high or low-low: response, then progression",
        "probability": "of the phenotype; the four of an organ sum to 1",
        "is_assigned": "the most probable, with at least hazards.phenotype_probability",
        "response_hr": "hazard ratio of response against the comparator",
        "response_lower": "its lower limit at hazards.confidence",
        "response_upper": "its upper limit",
        "progression_hr": "hazard ratio of progression against the comparator",
        "progression_lower": "its lower limit at hazards.confidence",
        "progression_upper": "its upper limit",
        "error_correlation": "of the organ's two log hazard ratios, from patients in both models",
        "organ_reference": "reference organ of both models",
    },
    tags=("public",),
)
PATIENT_PHENOTYPE = TableDoc(
    name="analysis.patient_phenotype",
    description=(
        "Which phenotypes the organs of a patient's metastases have.\n"
        "Why: the groups of Zhou 2023, Fig. S5.\n"
        "How: organs of target and non-target lesions; new lesions appear later and would make "
        "long survivors' groups. Phenotypes are those assigned in stratum all.\n"
        "Caveats: the phenotypes are learnt from the same patients. An organ without phenotype "
        "counts as none of the four.\n"
        "Reference: Zhou et al. 2023, Nat Commun, Fig. S5"
    ),
    grain="one row per patient_id and comparator",
    key=("patient_id", "comparator"),
    columns={
        "patient_id": "core.patient",
        "comparator": "of analysis.organ_phenotype",
        "n_organs": "organs with target or non-target lesions",
        "n_organs_assigned": "of them with a phenotype",
        "has_high_high": "some organ is high-high",
        "has_high_low": "some organ is high-low",
        "has_low_high": "some organ is low-high",
        "has_low_low": "some organ is low-low",
        "is_high_low_only": "all organs are high-low",
    },
    tags=("public",),
)
PHENOTYPE_SURVIVAL = TableDoc(
    name="analysis.phenotype_survival",
    description=(
        "Survival of patients with organs of a phenotype, against the rest.\n"
        "How: groups of analysis.patient_phenotype; Kaplan-Meier medians, log-rank test of the two "
        "groups.\n"
        "Caveats: a comparison of patients as they are, without covariates.\n"
        "Reference: Zhou et al. 2023, Nat Commun, Fig. S5: any low-high organ, OS median 378 "
        "against 561 days; high-low organs only, 770 against 524 days"
    ),
    grain="one row per comparator, grouping, endpoint and group_name",
    key=("comparator", "grouping", "endpoint", "group_name"),
    columns={
        "comparator": "of analysis.organ_phenotype",
        "grouping": "any high-high, any high-low, any low-high, any low-low, or only high-low",
        "endpoint": "OS or PFS",
        "group_name": "yes, or the rest",
        "n_patients": "patients with a known time",
        "n_events": "of them who died (OS), or progressed or died (PFS)",
        "median_days": "Kaplan-Meier median; null where not reached",
        "median_lower": "its lower limit (survival.confidence, survival.interval)",
        "median_upper": "its upper limit",
        "chi2": "log-rank statistic of the two groups",
        "p_value": "its p-value",
    },
    tags=("public",),
)
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
