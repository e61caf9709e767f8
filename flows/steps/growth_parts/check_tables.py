"""The tables of the step ``growth_check``."""

from __future__ import annotations

import pyarrow as pa

from flows.steps.growth_parts.documented import (
    FIT_ID,
    FLAG,
    GAUSSIAN,
    LESION_ID,
    ORGAN,
    REAL,
    TEXT,
    WHOLE,
    documented,
)

STRATUM_KIND = (TEXT, "all, treatment_class or organ (growth.check_strata)")
STRATUM = (TEXT, "the treatment class or organ; all")

RESIDUAL = documented(
    "growth_residual",
    "One evaluated measurement against the growth model.\n"
    "Why: whether the model foresees what was measured; a lesion that it does not fit shows here.\n"
    "How: a measurement below the limit of quantification is known as an interval only: its values "
    "are drawn given the interval, by a number made of the seed, the lesion and the day, so that "
    "a row keeps its draw whatever other rows there are.\n"
    "Caveats: residuals at the most likely parameters (individual_residual) are too small, the "
    "more so the fewer scans a lesion has: test individual_residual_draw or npde instead.\n"
    "Reference: Brendel 2006, Pharm Res; Comets 2008, Comput Methods Programs Biomed; Nguyen 2012, "
    "J Pharmacokinet Pharmacodyn (censored rows)",
    "one row per fit_id, lesion_id and day",
    ("fit_id", "lesion_id", "day"),
    {
        "fit_id": FIT_ID,
        "lesion_id": LESION_ID,
        "day": (REAL, "day of the measurement, from first dose"),
        "patient_id": (TEXT, "core.patient; null where the source does not say"),
        "organ": ORGAN,
        "volume_mm3": (REAL, "measured volume, mm3; the limit of quantification where censored"),
        "is_censored": (FLAG, "measured below the limit of quantification"),
        "imputed_volume_mm3": (REAL, "the measurement; where censored, drawn below the limit"),
        "population_mm3": (REAL, "volume foreseen for a typical lesion of this baseline, mm3"),
        "individual_mm3": (REAL, "volume foreseen at the lesion's most likely parameters, mm3"),
        "individual_residual": (
            REAL,
            "(measured - individual) / residual standard deviation (IWRES)",
        ),
        "individual_residual_draw": (REAL, "the same at one draw of the lesion's parameters: "
                                     "standard normal if the model is right"),
        "population_residual": (REAL, "normal score of the measurement among what the population "
                                "lets expect on that day, other scans not used (npd)"),
        "npde": (REAL, "the same given the lesion's earlier scans: independent and standard "
                 "normal if the model is right"),
    },
)  # fmt: skip
VPC = documented(
    "growth_vpc",
    "Prediction-corrected visual predictive check: percentiles of the measurements in time, beside "
    "those of simulations.\n"
    "Why: a growth model that is right about single lesions and wrong about their spread shows "
    "here.\n"
    "How: measurements and simulations (growth.vpc_simulations of the whole project) are divided "
    "by their population prediction and multiplied by the bin's median one. Bins hold about equal "
    "numbers of measurements, and are the same for both. Where the fit holds drop-out "
    "(analysis.growth_dropout) simulated patients leave as well (simulates_dropout): by the hazard "
    "of the fit, when their sum of diameters progresses by RECIST 1.1, or when withdrawal or the "
    "end of the study comes; who stays longer than the real patient goes on with visits as usual "
    "in the study. Measurements after a patient's first progression are left out on both sides. "
    "Without drop-out simulations have the days of the measurements. quantity censored is the "
    "share of the measurements below the limit of quantification; followed is the Kaplan-Meier "
    "share of patients who have neither progressed nor died by day_middle, of those with a "
    "measurement after baseline.\n"
    "Caveats: without drop-out simulated lesions are followed as long as the real ones; real ones "
    "stop with progression, so late bins hold the better lesions and need not lie in their band. "
    "With drop-out a band says that sizes and hazard together are right, not each. Withdrawal is "
    "taken to be by chance.\n"
    "Reference: Bergstrand 2011, AAPS J; Monolix documentation, correcting the VPC for missing "
    "observations",
    "one row per fit_id, stratum_kind, stratum, bin and quantity",
    ("fit_id", "stratum_kind", "stratum", "bin", "quantity"),
    {
        "fit_id": FIT_ID,
        "stratum_kind": STRATUM_KIND,
        "stratum": STRATUM,
        "bin": (WHOLE, "number of the bin of time, from 1"),
        "quantity": (
            TEXT,
            "p05, p50, p95 (volume, mm3), censored or followed (shares, 0 to 1)",
        ),
        "day_from": (REAL, "first day of the bin"),
        "day_to": (REAL, "last day of the bin"),
        "day_middle": (REAL, "median day of its measurements"),
        "n_rows": (WHOLE, "measurements in the bin"),
        "observed": (REAL, "of the measurements"),
        "simulated_lower": (
            REAL,
            "lower limit of the band of simulations; null where none reaches the bin",
        ),
        "simulated_median": (REAL, "median of the simulations"),
        "simulated_upper": (REAL, "upper limit of the band"),
        "level": (REAL, "coverage of the band"),
        "simulates_dropout": (
            FLAG,
            "simulated patients leave too; false: they stay as long as the real ones did",
        ),
        "is_inside": (FLAG, "observed lies in the band; null without a band"),
    },
)
FIT_CHECK = documented(
    "growth_fit_check",
    "Residuals of a growth fit in a line: are they standard normal?\n"
    "Why: mean, variance and a test say whether curves, spread between lesions and error are as "
    "the model has them.\n"
    "How: a right model has mean 0 and variance 1 for all but individual_residual, whose "
    "variance lacks what shrinkage took. is_adequate asks for a mean within 0.1 and a variance "
    "within 0.8 to 1.25.\n"
    "Caveats: with tens of thousands of rows tests find deviations too small to matter; look at "
    "mean and variance first. Parameters were estimated from the same rows, which makes p-values "
    "too large. Tests of population_residual take rows of a lesion as independent, which they are "
    "not.\n"
    "Reference: Comets 2008; Karlsson and Savic 2007, Clin Pharmacol Ther (epsilon shrinkage)",
    "one row per fit_id, stratum_kind, stratum and quantity",
    ("fit_id", "stratum_kind", "stratum", "quantity"),
    {
        "fit_id": FIT_ID,
        "stratum_kind": STRATUM_KIND,
        "stratum": STRATUM,
        "quantity": (TEXT, "column of analysis.growth_residual"),
        "n_rows": (WHOLE, "measurements"),
        "n_censored": (WHOLE, "of them below the limit of quantification"),
        "mean": (REAL, "mean"),
        "mean_p_value": (REAL, "t test of mean 0"),
        "variance": (REAL, "variance"),
        "variance_p_value": (REAL, "chi-squared test of variance 1, two-sided"),
        "skewness": (REAL, "third standardised moment; 0 if normal"),
        "ks_statistic": (REAL, "Kolmogorov-Smirnov distance from the standard normal"),
        "ks_p_value": (REAL, "its p-value"),
        "share_beyond_2": (REAL, "share beyond -1.96 and 1.96; 0.05 if normal"),
        "epsilon_shrinkage": (
            REAL,
            "1 - standard deviation; null for other than individual_residual",
        ),
        "is_adequate": (FLAG, "mean within 0.1 and variance within 0.8 to 1.25; null for "
                        "individual_residual"),
    },
)  # fmt: skip
LESION_PARAMETER = documented(
    "growth_lesion_parameter",
    "One growth parameter of one lesion, whatever the model.\n"
    "Why: analysis.growth_lesion has columns for kg, kd and F; this table has every parameter of "
    "every model (growth.model).\n"
    "Caveats: estimates are drawn to the typical value; see shrinkage.\n"
    "Reference: Zhou et al. 2023, Nat Commun, Methods",
    "one row per fit_id, lesion_id, parameter and estimate_kind",
    ("fit_id", "lesion_id", "parameter", "estimate_kind"),
    {
        "fit_id": FIT_ID,
        "lesion_id": LESION_ID,
        "parameter": (TEXT, "name of the parameter in the model"),
        "estimate_kind": (TEXT, "conditional_mode (most likely) or conditional_mean"),
        "unit": (TEXT, "1/day, mm3; null without unit"),
        "distribution": (TEXT, "lognormal, logitnormal or normal: the scale of estimation"),
        "value": (REAL, "estimate; the conditional mean is taken on the scale of estimation"),
        "sd": (REAL, "standard deviation given the data, delta method"),
        "gaussian_value": (REAL, f"estimate {GAUSSIAN}"),
        "gaussian_sd": (REAL, f"standard deviation given the data {GAUSSIAN}"),
        "shrinkage": (REAL, "gaussian_sd squared over the variance between lesions"),
    },
)
DRAW = documented(
    "growth_draw",
    "Draws of one lesion's growth parameter given its measurements.\n"
    "Why: a lesion's parameters are known only so well. Whatever is computed from lesions "
    "(correlations, tests, effects) is computed once per draw and pooled by Rubin's rules; "
    "estimates taken as known pass shrinkage for agreement.\n"
    "How: draw d of all lesions together is one possible data set. growth.pooled_draws draws from "
    "the conditional distribution at the population estimates.\n"
    "Caveats: the population of this fit knows no organ and no treatment, so that differences "
    "between groups are drawn towards 0 (never made up); sizes of effects are in "
    "analysis.growth_covariate.",
    "one row per fit_id, lesion_id and parameter",
    ("fit_id", "lesion_id", "parameter"),
    {
        "fit_id": FIT_ID,
        "lesion_id": LESION_ID,
        "parameter": (TEXT, "name of the parameter in the model"),
        "gaussian_draws": (pa.list_(pa.float64()), f"draws {GAUSSIAN}"),
    },
)
TABLES = (RESIDUAL, VPC, FIT_CHECK, LESION_PARAMETER, DRAW)
