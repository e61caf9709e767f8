"""The tables of the step ``growth_covariate``."""

from __future__ import annotations

from flows.steps.growth_parts.documented import (
    FIT_ID,
    FLAG,
    GAUSSIAN,
    PARAMETER,
    REAL,
    TEXT,
    WHOLE,
    documented,
)

EXTENSION = (TEXT, "covariates (growth.covariates on every parameter) or correlated (a full "
             "covariance of the random effects)")  # fmt: skip
ROBUST = (
    "Standard errors are those of a sandwich by patient: lesions of a patient share its treatment "
    "and more, and count as one source."
)

EXTENDED_FIT = documented(
    "growth_extended_fit",
    "A larger growth model, started from the published fit: with covariates, or with correlated "
    "random effects.\n"
    "Why: organs and treatments are compared by fixed effects in one model rather than by lesions' "
    "estimates, which shrinkage draws together.\n"
    "How: Newton's method on the likelihood of analysis.growth_fit, from its maximum; same rows, "
    "same conventions. The likelihood ratio is taken on the same importance nodes.\n"
    "Caveats: the likelihood takes lesions as independent, even where the published fit does not "
    "(growth.patient_effects), so that typical values differ from analysis.growth_population; see "
    "analysis.growth_covariate_test for tests that know patients. No row where the setting is off "
    "or the model cannot be fitted; the run says so.",
    "one row per fit_id and extension",
    ("fit_id", "extension"),
    {
        "fit_id": FIT_ID,
        "extension": EXTENSION,
        "n_lesions": (WHOLE, "lesions fitted"),
        "n_patients": (WHOLE, "their patients; a lesion of an unknown patient counts as one"),
        "n_estimates": (WHOLE, "estimates of the larger model"),
        "minus2ll": (REAL, "-2 log-likelihood"),
        "minus2ll_mc_se": (REAL, "its Monte Carlo standard error, an upper bound"),
        "gain": (REAL, "-2 log-likelihood of the smaller model minus that of the larger one"),
        "df": (WHOLE, "estimates that the larger model has more"),
        "p_value": (REAL, "likelihood-ratio test, lesions taken as independent"),
        "aic_gain": (REAL, "gain - 2 df: above 0 speaks for the larger model"),
        "largest_mc_share": (REAL, "largest Monte Carlo error over standard error, an upper bound"),
        "newton_decrement": (REAL, "squared distance to the maximum, in standard errors"),
        "is_converged": (FLAG, "every estimate is exact to half its standard error"),
    },
)
COVARIATE = documented(
    "growth_covariate",
    "Effect of an organ, a treatment or another covariate on a growth parameter.\n"
    "Why: how much faster lesions of one organ grow, or how much less of them regrows under a "
    "treatment, at equal other covariates and free of shrinkage.\n"
    f"How: fixed effects {GAUSSIAN}, all at once (analysis.growth_extended_fit). {ROBUST} Levels "
    "with fewer than growth.fewest_lesions / 3 lesions are joined as 'few lesions'.\n"
    "Caveats: treatments differ between trials; only what growth.covariates names is held equal. "
    "Informative drop-out and what the growth model leaves out bias effects too.\n"
    "Reference: Zhou et al. 2023; Huber 1967",
    "one row per fit_id, parameter, covariate and level",
    ("fit_id", "parameter", "covariate", "level"),
    {
        "fit_id": FIT_ID,
        "parameter": PARAMETER,
        "covariate": (TEXT, "name of the covariate (growth.covariates)"),
        "level": (TEXT, "level that is compared"),
        "reference": (TEXT, "level that it is compared with"),
        "n_lesions": (WHOLE, "lesions of the level"),
        "n_reference": (WHOLE, "lesions of the reference"),
        "effect": (REAL, f"difference {GAUSSIAN}"),
        "standard_error": (REAL, "its standard error, by patient"),
        "standard_error_lesions": (REAL, "the same with lesions taken as independent: too small"),
        "ci_lower": (REAL, "lower 95 % limit of effect"),
        "ci_upper": (REAL, "upper 95 % limit"),
        "ratio": (REAL, "exp(effect): ratio of rates; for f odds ratio; null for a parameter that "
                  "can be negative"),
        "ratio_lower": (REAL, "lower 95 % limit of ratio"),
        "ratio_upper": (REAL, "upper 95 % limit"),
        "typical": (REAL, "typical value of the level, the other covariates at their reference"),
        "p_value": (REAL, "Wald test, t with the patients' degrees of freedom"),
        "p_adjusted": (REAL, "corrected for the levels of the covariate and parameter "
                       "(comparisons.correction)"),
        "shows_vs_reference": (TEXT, "higher, lower, or no difference shown at 0.05 (p_adjusted)"),
    },
)  # fmt: skip
COVARIATE_TEST = documented(
    "growth_covariate_test",
    "Does a covariate act on a growth parameter at all? All its levels in one test.\n"
    f"How: Wald tests per parameter. {ROBUST} The likelihood-ratio test leaves the covariate out "
    "of all parameters and takes lesions as independent: for what is the same in all lesions of a "
    "patient its p-values are too small.",
    "one row per fit_id, covariate, parameter and test",
    ("fit_id", "covariate", "parameter", "test"),
    {
        "fit_id": FIT_ID,
        "covariate": (TEXT, "name of the covariate"),
        "parameter": (TEXT, "growth parameter, or all"),
        "test": (TEXT, "Wald by patient, or likelihood ratio"),
        "chi2": (REAL, "statistic"),
        "df": (WHOLE, "degrees of freedom: levels but the reference, times parameters"),
        "p_value": (REAL, "of F(df, patients - 1) for Wald, of chi-squared for the ratio"),
    },
)
RANDOM_EFFECT = documented(
    "growth_random_effect",
    "How much lesions differ beyond the covariates, and which parameters go together.\n"
    "Why: the published fit takes random effects as independent, so that correlations of draws "
    "from it are drawn towards 0; here they are estimated.\n"
    f"How: from the extensions of analysis.growth_extended_fit. {ROBUST}",
    "one row per fit_id, extension and parameter",
    ("fit_id", "extension", "parameter"),
    {
        "fit_id": FIT_ID,
        "extension": EXTENSION,
        "parameter": (TEXT, "omega_: standard deviation between lesions "
                      f"{GAUSSIAN}; corr_: correlation of two parameters"),
        "x": (TEXT, "first parameter of a correlation; null for omega_"),
        "y": (TEXT, "second parameter"),
        "estimate": (REAL, "estimate"),
        "standard_error": (REAL, "its standard error, by patient"),
        "ci_lower": (REAL, "lower 95 % limit: on the log scale for omega_, Fisher's z for corr_"),
        "ci_upper": (REAL, "upper 95 % limit"),
        "p_value": (REAL, "correlation 0; null for omega_"),
        "explained_share": (REAL, "of omega_ with covariates: share that they explain of the "
                            "variance in the same model without them"),
    },
)  # fmt: skip
TABLES = (EXTENDED_FIT, COVARIATE, COVARIATE_TEST, RANDOM_EFFECT)
