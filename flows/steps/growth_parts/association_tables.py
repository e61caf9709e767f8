"""The tables of the step ``growth_association``."""

from __future__ import annotations

from flows.steps.growth_parts.documented import (
    FIT_ID,
    FLAG,
    GAUSSIAN,
    ORGAN,
    PARAMETER,
    REAL,
    TEXT,
    WHOLE,
    documented,
)

KIND = (TEXT, "conditional_mode or conditional_mean (a lesion's estimate taken as known), or "
        "draws (computed per draw, pooled by Rubin's rules)")  # fmt: skip
BY_PATIENT = "Intervals and p-values take patients, not their lesions, as independent."

BY_ORGAN = documented(
    "growth_by_organ",
    "Growth parameters by organ, compared across organs.\n"
    "Caveats: medians and the first test are of conditional modes, which shrinkage makes alike or "
    "unlike with the number of scans; the second test is pooled over draws, which are drawn "
    "towards the project's typical value, too. Differences free of that: "
    "analysis.growth_covariate.\n"
    "Reference: Zhou et al. 2023, Fig. 2",
    "one row per fit_id, organ and parameter",
    ("fit_id", "organ", "parameter"),
    {
        "fit_id": FIT_ID,
        "organ": ORGAN,
        "parameter": (TEXT, "kg_per_day, kd_per_day or f; of other models their own names"),
        "n_lesions": (WHOLE, "lesions"),
        "n_patients": (WHOLE, "their patients"),
        "minimum": (REAL, "smallest conditional mode"),
        "lower_quartile": (REAL, "lower quartile"),
        "median": (REAL, "median of the conditional modes"),
        "upper_quartile": (REAL, "upper quartile"),
        "maximum": (REAL, "largest"),
        "typical": (REAL, "mean over draws on the scale of estimation, put back"),
        "typical_lower": (REAL, "lower 95 % limit, by patient; null with under three patients"),
        "typical_upper": (REAL, "upper 95 % limit"),
        "kruskal_wallis_p": (REAL, "Kruskal-Wallis test over all organs, of the modes; null with "
                             "fewer than two organs"),
        "kruskal_wallis_p_draws": (REAL, "the same over draws, pooled"),
    },
)  # fmt: skip
CORRELATION = documented(
    "growth_correlation",
    "Correlations of growth parameters across organs and across lesions.\n"
    "Why: organs whose lesions grow fast may shrink fast as well; lesions need not.\n"
    "How: Pearson's on the scale of estimation. organ: between the organs' means, unweighted, "
    "organs with five lesions or more. lesion: between lesions; intervals by patient. "
    "estimate_kind full_omega is the correlation that a model with correlated random effects "
    "estimates (analysis.growth_random_effect), covariate_model that of the organs' effects "
    "(analysis.growth_covariate).\n"
    "Caveats: across organs it is an ecological correlation over some 18 points, silent on "
    "single lesions. Modes and means are correlated by shrinkage too. Draws are right about no "
    "correlation and draw any other towards 0, as their population has none: test with draws, and "
    "read the size from full_omega.\n"
    "Reference: Zhou et al. 2023, Fig. 2c and d",
    "one row per fit_id, level, estimate_kind, x and y",
    ("fit_id", "level", "estimate_kind", "x", "y"),
    {
        "fit_id": FIT_ID,
        "level": (TEXT, "organ (means of the organs) or lesion"),
        "estimate_kind": (TEXT, "conditional_mode, conditional_mean, draws; covariate_model "
                          "(organs), full_omega (lesions)"),
        "x": (TEXT, "log_kg, log_kd or logit_f; of other models likewise"),
        "y": (TEXT, "another of them"),
        "n": (WHOLE, "organs or lesions"),
        "r": (REAL, "Pearson's correlation"),
        "ci_lower": (REAL, "lower 95 % limit"),
        "ci_upper": (REAL, "upper 95 % limit"),
        "p_value": (REAL, "two-sided"),
        "is_ecological": (FLAG, "between organs: says nothing of single lesions"),
        "reading": (TEXT, "what the number is, in a sentence"),
    },
)  # fmt: skip
COMPARISON = documented(
    "growth_comparison",
    "Growth parameters of organs, and of treatments, compared by rank tests.\n"
    "Why: which organs' lesions grow or shrink faster (Kruskal-Wallis over all, Dunn's test of "
    "each pair).\n"
    "How: groups with five lesions or more; p_adjusted for the pairs of one comparison "
    "(comparisons.correction). Draws: each draw is tested; chi-squared statistics pooled after Li, "
    "Meng, Raghunathan and Rubin, Dunn's z by Rubin's rules.\n"
    "Caveats: lesions are counted as if independent, as in the paper, though those of one patient "
    "are not: p-values are too small, most of all for treatments. Use analysis.growth_covariate "
    "and growth_effect for those.\n"
    "Reference: Zhou et al. 2023, Fig. 2; Dunn 1964, Technometrics; Li et al. 1991, Stat Sinica",
    "one row per fit_id, grouping, parameter, estimate_kind, test, group_a and group_b",
    ("fit_id", "grouping", "parameter", "estimate_kind", "test", "group_a", "group_b"),
    {
        "fit_id": FIT_ID,
        "grouping": (TEXT, "organ or therapy"),
        "parameter": PARAMETER,
        "estimate_kind": KIND,
        "test": (TEXT, "Kruskal-Wallis or Dunn"),
        "group_a": (TEXT, "one group; all in Kruskal-Wallis"),
        "group_b": (TEXT, "the other; all"),
        "n_a": (WHOLE, "lesions of group_a; of all groups"),
        "n_b": (WHOLE, "lesions of group_b; null in Kruskal-Wallis"),
        "median_a": (REAL, "median of group_a's conditional modes; null in Kruskal-Wallis"),
        "median_b": (REAL, "median of group_b's"),
        "statistic": (REAL, "H (of draws: F), or Dunn's z: above 0 where group_a is higher"),
        "df": (WHOLE, "groups - 1; null for Dunn"),
        "p_value": (REAL, "two-sided"),
        "p_adjusted": (REAL, "corrected for the pairs"),
    },
)
BASELINE = documented(
    "growth_baseline",
    "Baseline tumor burden against growth parameters.\n"
    "Why: whether large lesions, or patients with much tumor, or organs with large lesions, have "
    "lesions that grow or shrink otherwise.\n"
    f"How: correlation of the logarithm of a volume with a parameter {GAUSSIAN}. {BY_PATIENT} Over "
    "organs: between the means of organs with five lesions or more, unweighted, which is silent on "
    "single lesions (points: analysis.growth_baseline_organ).\n"
    "Caveats: the baseline volume also enters the growth model as the curve's start; an error in "
    "it makes a correlation of its own. Draws draw the size of a correlation towards 0.\n"
    "Reference: Zhou et al. 2023, Fig. 2d",
    "one row per fit_id, burden, level, parameter and estimate_kind",
    ("fit_id", "burden", "level", "parameter", "estimate_kind"),
    {
        "fit_id": FIT_ID,
        "burden": (TEXT, "lesion_volume (the lesion's at baseline), patient_volume (sum over the "
                   "patient's fitted target lesions) or organ_volume (geometric mean of the "
                   "organ's lesions)"),
        "level": (TEXT, "lesion; or patient, organ: the mean of the parameter over its lesions"),
        "parameter": PARAMETER,
        "estimate_kind": KIND,
        "n_lesions": (WHOLE, "lesions"),
        "n_patients": (WHOLE, "patients"),
        "n_organs": (WHOLE, "organs that were correlated; null for another level"),
        "r": (REAL, "Pearson's correlation"),
        "ci_lower": (REAL, "lower 95 % limit"),
        "ci_upper": (REAL, "upper 95 % limit"),
        "p_value": (REAL, "two-sided"),
        "spearman_rho": (REAL, "Spearman's rank correlation"),
    },
)  # fmt: skip
BASELINE_ORGAN = documented(
    "growth_baseline_organ",
    "An organ's baseline volume and growth parameter, and the line through the organs.\n"
    "Why: whether organs with large lesions are those that grow or shrink otherwise.\n"
    f"How: means over the organ's lesions, of the logarithm of the volume and {GAUSSIAN}, put "
    "back. Organs with five lesions or more. The line is of least squares through these means, "
    "unweighted, with pointwise 95 % limits; its correlation is in analysis.growth_baseline.\n"
    "Caveats: over organs it is ecological, silent on single lesions.\n"
    "Reference: Zhou et al. 2023, Fig. 2d",
    "one row per fit_id, parameter, estimate_kind and organ",
    ("fit_id", "parameter", "estimate_kind", "organ"),
    {
        "fit_id": FIT_ID,
        "parameter": PARAMETER,
        "estimate_kind": KIND,
        "organ": ORGAN,
        "n_lesions": (WHOLE, "lesions"),
        "n_patients": (WHOLE, "their patients"),
        "baseline_volume_mm3": (REAL, "geometric mean of the lesions' volumes at baseline, mm3"),
        "value": (REAL, "mean parameter of the lesions"),
        "fitted": (REAL, "the line at the organ's volume"),
        "fitted_lower": (REAL, "lower 95 % limit of the line"),
        "fitted_upper": (REAL, "upper 95 % limit"),
    },
)  # fmt: skip
EFFECT = documented(
    "growth_effect",
    "How far growth parameters differ between a treatment with an antibody and chemotherapy alone, "
    "within each organ and over all.\n"
    f"How: difference of means {GAUSSIAN}. {BY_PATIENT} adjustment line_of_therapy compares within "
    "lines only. p_adjusted corrects over the organs of one contrast, parameter, kind and "
    "adjustment.\n"
    "Caveats: not randomised against each other unless a trial did so. conditional_mode and draws "
    "draw differences towards 0 by shrinkage; covariate_model (analysis.growth_covariate, over all "
    "organs, given its covariates) does not.\n"
    "Reference: Zhou et al. 2023, Fig. 2; Hedges 1981, J Educ Stat; Barnard and Rubin 1999, "
    "Biometrika",
    "one row per fit_id, treatment, control, organ, parameter, estimate_kind and adjustment",
    ("fit_id", "treatment", "control", "organ", "parameter", "estimate_kind", "adjustment"),
    {
        "fit_id": FIT_ID,
        "treatment": (TEXT, "analysis.patient_profile: therapy, or targeting"),
        "control": (TEXT, "chemotherapy alone"),
        "organ": (TEXT, "core.organ, or all"),
        "parameter": PARAMETER,
        "estimate_kind": (TEXT, "conditional_mode, draws, or covariate_model"),
        "adjustment": (TEXT, "none, line_of_therapy, or the covariates of covariate_model"),
        "n_lesions_treatment": (WHOLE, "lesions under the treatment"),
        "n_lesions_control": (WHOLE, "lesions under the control"),
        "n_patients": (WHOLE, "patients of both; null for covariate_model"),
        "difference": (REAL, f"treatment - control, {GAUSSIAN}"),
        "standard_error": (REAL, "its standard error, by patient"),
        "ci_lower": (REAL, "lower 95 % limit of difference"),
        "ci_upper": (REAL, "upper 95 % limit"),
        "ratio": (REAL, "exp(difference): ratio of rates, odds ratio of f; null for a parameter "
                  "that can be negative"),
        "standardised": (REAL, "difference over the standard deviation within groups; null for "
                         "covariate_model"),
        "standardised_lower": (REAL, "lower 95 % limit"),
        "standardised_upper": (REAL, "upper 95 % limit"),
        "missing_share": (REAL, "share of the variance that comes from not knowing the lesions' "
                          "parameters; 0 for conditional_mode; null for covariate_model"),
        "p_value": (REAL, "two-sided"),
        "p_adjusted": (REAL, "corrected over organs; null over all organs"),
    },
)  # fmt: skip
TABLES = (BY_ORGAN, CORRELATION, COMPARISON, BASELINE, BASELINE_ORGAN, EFFECT)
