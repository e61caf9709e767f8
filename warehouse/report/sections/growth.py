"""How lesions grow and shrink."""

from warehouse.report.parts import Count, Figure, Filter, Section

BY_FIT = Filter("fit_id", "Fit", "all/two_population")
_SYMBOL = "regexp_replace(parameter, '^(omega|gamma)_|_pop$', '', 'g')"
_SYMBOL_WORDS = (
    f"CASE {_SYMBOL} WHEN 'kg' THEN 'growth rate' WHEN 'kd' THEN 'shrinkage rate' "
    f"WHEN 'f' THEN 'resistant share' WHEN 'b' THEN 'proportional' ELSE {_SYMBOL} END"
)
RATES = ["kg_per_day", "kd_per_day"]
"""Parameters that are drawn on a log axis, as in Zhou 2023, Fig. 2b."""
PARAMETER_WORDS = (
    f"CASE WHEN parameter LIKE 'omega%' THEN 'spread between lesions: ' || {_SYMBOL_WORDS} "
    f"WHEN parameter LIKE 'gamma%' THEN 'spread between patients: ' || {_SYMBOL_WORDS} "
    f"WHEN parameter LIKE '%_pop' THEN 'typical lesion: ' || {_SYMBOL_WORDS} "
    f"ELSE 'residual error: ' || {_SYMBOL_WORDS} END"
)
"""A population parameter in words: typical values, standard deviations on the scale of estimation
(log rates, logit of a share), residual error."""

_VPC = (
    "SELECT fit_id, {choice} AS correction, {axis} AS axis, stratum_kind, stratum, bin, "
    "day_middle, n_rows, unnest(['5th percentile', 'median', '95th percentile']) AS quantile, "
    "unnest([{raw}p05, {raw}p50, {raw}p95]) AS measured, "
    "unnest([{raw}p05_lower, {raw}p50_lower, {raw}p95_lower]) AS simulated_lower, "
    "unnest([{raw}p05_median, {raw}p50_median, {raw}p95_median]) AS simulated_median, "
    "unnest([{raw}p05_upper, {raw}p50_upper, {raw}p95_upper]) AS simulated_upper "
    "FROM mart.fig_growth_vpc"
)

GROWTH = Section(
    "growth",
    "Growth",
    "Volume of each target lesion as a shrinking sensitive part and a growing resistant part, one "
    "population fit for all lesions (Zhou 2023, equation 2). Look at convergence and shrinkage "
    "before reading the estimates.",
    (
        Figure(
            name="growth-fit",
            title="Convergence and fit",
            table="mart.fig_growth_fit",
            query="SELECT * FROM mart.fig_growth_fit ORDER BY is_main DESC, fit_id",
            chart="facts",
            options={"columns": ["verdict", "is_converged", "n_lesions", "n_observations",
                                 "n_censored", "censoring_method", "n_excluded", "minus2ll",
                                 "minus2ll_mc_se", "aic", "bic", "newton_decrement",
                                 "largest_mc_share", "smallest_ess"],
                     "names": {"n_lesions": "lesions", "n_observations": "sizes",
                               "n_censored": "below the limit", "n_excluded": "lesions excluded",
                               "minus2ll": "-2 log likelihood",
                               "minus2ll_mc_se": "its Monte Carlo error", "aic": "AIC",
                               "bic": "BIC",
                               "largest_mc_share": "largest Monte Carlo share of an error",
                               "smallest_ess": "smallest effective sample size"}},
            method="Maximum likelihood with importance sampling; sizes below the limit of "
            "quantification enter as intervals, not as numbers. The Newton decrement says how far "
            "the end is from the maximum, in units of log likelihood.",
            counts=(Count("lesions", largest="n_lesions"), Count("sizes", largest="n_observations"),
                    Count("below the limit", largest="n_censored")),
            filters=(BY_FIT,),
            if_empty="No growth was fitted: too few usable target lesions "
            "(setting growth.fewest_lesions).",
        ),
        Figure(
            name="growth-parameters",
            title="Population parameters and shrinkage",
            table="mart.fig_growth_parameter",
            query=f"SELECT *, {PARAMETER_WORDS} AS meaning FROM mart.fig_growth_parameter "
            "ORDER BY fit_id, CASE WHEN parameter LIKE '%_pop' THEN 1 WHEN parameter LIKE 'omega%' "
            "THEN 2 WHEN parameter LIKE 'gamma%' THEN 3 ELSE 4 END, parameter",
            chart="table",
            options={"columns": ["meaning", "parameter", "unit", "estimate", "ci_lower", "ci_upper",
                                 "rse_percent", "shrinkage_modes", "shrinkage_means"],
                     "names": {"meaning": "what it is", "parameter": "symbol",
                               "ci_lower": "95 % lower", "ci_upper": "95 % upper",
                               "rse_percent": "relative standard error, %",
                               "shrinkage_modes": "shrinkage of modes",
                               "shrinkage_means": "shrinkage of means"}},
            method="Estimates with 95 % intervals from the observed information. Spreads are "
            "standard deviations of log rates and of the logit of the share. Shrinkage: one "
            "less the standard deviation of the lesions' estimates over omega; above about 0.5 "
            "single lesions' estimates lean on the population.",
            counts=(Count("lesions", largest="n_lesions"),),
            filters=(BY_FIT,),
            if_empty="No growth was fitted.",
        ),
        Figure(
            name="growth-trace",
            title="Convergence: the way of each estimate",
            table="mart.fig_growth_trace",
            query=f"SELECT *, {PARAMETER_WORDS} AS meaning, CASE stage WHEN 'saem' THEN "
            "'stochastic approximation (SAEM)' WHEN 'newton' THEN "
            "'Newton, lesions as independent' ELSE 'Newton, with patients'' effects' END "
            "AS stage_name FROM mart.fig_growth_trace ORDER BY fit_id, CASE WHEN parameter LIKE "
            "'%_pop' THEN 1 WHEN parameter LIKE 'omega%' THEN 2 WHEN parameter LIKE 'gamma%' THEN "
            "3 ELSE 4 END, parameter, step",
            chart="lines",
            options={"x": "step", "y": "estimate", "facet": "meaning", "group": "stage_name",
                     "xlabel": "Step", "ylabel": "Estimate"},
            method="Estimates at each step of the fit, steps that were taken back among them. "
            "Stochastic approximation only has to come near, and wanders; Newton's method ends "
            "where the likelihood is highest. When patients' effects enter, the spread between "
            "lesions becomes that between lesions of one patient, and falls.",
            legend="One panel is one parameter: per day for rates, standard deviations for "
            "spreads. A curve that is level at its end has come to rest.",
            counts=(Count("steps", distinct="step"), Count("parameters", distinct="parameter")),
            filters=(BY_FIT,),
            if_empty="No growth was fitted.",
        ),
        Figure(
            name="growth-organ",
            title="Growth parameters by organ",
            table="mart.fig_growth_organ",
            query="SELECT *, parameter AS variable, n_lesions AS n, lower_quartile AS "
            "first_quartile, upper_quartile AS third_quartile FROM mart.fig_growth_organ "
            "ORDER BY fit_id, parameter = 'f', parameter DESC, sort_order, organ",
            chart="boxes",
            options={"logby": "parameter", "log": RATES,
                     "detail": {"kruskal_wallis_p": "Kruskal-Wallis over all organs, estimates:",
                                "kruskal_wallis_p_draws": "from draws:"}},
            method="Conditional modes of single lesions: quartiles, median, whiskers at the 10th "
            "and 90th percentile. Kruskal-Wallis over all organs, once on the estimates and once "
            "on draws of each lesion's distribution, which shrinkage does not draw together (Zhou "
            "2023, Fig. 2b).",
            counts=(Count("lesions", total="n_lesions"), Count("organs")),
            filters=(BY_FIT, Filter("parameter", "Parameter", "kd_per_day")),
            if_empty="No growth was fitted.",
        ),
        Figure(
            name="growth-covariate",
            title="Growth parameters against covariates",
            table="mart.fig_growth_covariate",
            query="SELECT *, CASE parameter WHEN 'kg' THEN 'kg_per_day' WHEN 'kd' THEN "
            "'kd_per_day' ELSE parameter END AS variable, n_lesions AS n "
            "FROM mart.fig_growth_covariate ORDER BY fit_id, covariate_order, parameter = 'f', "
            "parameter DESC, level_order",
            chart="boxes",
            options={"label": "level", "logby": "variable", "log": RATES,
                     "detail": {"correlation": "Correlation over lesions"}},
            method="One draw of each lesion's distribution given its measurements, as estimates "
            "are drawn to the typical value: quartiles, median, whiskers at the 10th and 90th "
            "percentile. Numbers are cut into five groups of lesions. The fit knows no covariate, "
            "which draws groups together; effects and their tests are in "
            "analysis.growth_covariate.",
            counts=(Count("lesions", total="n_lesions"),),
            filters=(BY_FIT, Filter("covariate", "Covariate"),
                     Filter("variable", "Parameter", "kd_per_day")),
            if_empty="No growth was fitted.",
        ),
        Figure(
            name="growth-correlation",
            title="Correlations between growth parameters",
            table="mart.fig_growth_parameter_correlation",
            query="SELECT *, x || ' with ' || y AS pair FROM mart.fig_growth_parameter_correlation "
            "ORDER BY fit_id, level DESC, estimate_kind, x, y",
            chart="intervals",
            options={
                "label": "pair",
                "series": [{"x": "r", "lo": "ci_lower", "hi": "ci_upper",
                            "name": "correlation, 95 % interval"}],
                "axis": "Correlation",
                "scale": "linear",
                "domain": [-1, 1],
                "reference": 0,
                "text": "p_value",
                "texttitle": "p",
            },
            method="Pearson correlation on the scale on which a parameter is normal, over medians "
            "of organs or over lesions. Conditional modes carry shrinkage into the correlation; "
            "draws of the lesions' distributions do not (Zhou 2023, Fig. 2c, d).",
            counts=(Count("lesions or organs", largest="n"),),
            filters=(BY_FIT, Filter("level", "Over"), Filter("estimate_kind", "Estimates")),
            if_empty="No growth was fitted.",
        ),
        Figure(
            name="growth-distribution",
            title="Distribution of single lesions' parameters",
            table="mart.fig_growth_distribution",
            query="SELECT * FROM mart.fig_growth_distribution "
            "ORDER BY fit_id, estimate_kind DESC, parameter DESC, bin_lower",
            chart="bins",
            options={"lower": "bin_lower", "upper": "bin_upper", "value": "n_lesions",
                     "facet": "parameter", "log10": ["kg_per_day", "kd_per_day"],
                     "axis": "Lesions"},
            method="Estimates of each lesion. Peaks at the population's value are lesions whose "
            "scans say little (shrinkage).",
            counts=(Count("estimates", total="n_lesions"),),
            filters=(BY_FIT, Filter("estimate_kind", "Estimates")),
            if_empty="No growth was fitted.",
        ),
        Figure(
            name="growth-goodness",
            title="Goodness of fit: measured against fitted volume",
            table="mart.fig_growth_goodness",
            query="SELECT * FROM mart.fig_growth_goodness "
            "ORDER BY fit_id, bin_predicted, bin_observed",
            chart="goodness",
            method="Each lesion's own curve at its scans after baseline. Sizes below the limit of "
            "quantification stand at that limit.",
            legend="A cell is a tenth of a decade wide; the darker, the more sizes. The line is "
            "where measured equals fitted.",
            counts=(Count("sizes", total="n_observations"),
                    Count("below the limit", total="n_below_limit")),
            filters=(BY_FIT,),
            if_empty="No growth was fitted.",
        ),
        Figure(
            name="growth-typical",
            title="Typical growth by organ",
            table="mart.fig_growth_parameter_organ",
            query="SELECT * FROM mart.fig_growth_parameter_organ "
            "ORDER BY fit_id, parameter = 'f', parameter DESC, sort_order, organ",
            chart="intervals",
            options={
                "label": "display_name",
                "series": [{"x": "typical", "lo": "typical_lower", "hi": "typical_upper",
                            "name": "typical value, 95 % interval"}],
                "axis": "Typical lesion of the organ",
                "scale": "log",
                "sort": "value",
                "text": "n_lesions",
                "texttitle": "n",
            },
            method="Means over draws of each lesion's distribution, on the scale of estimation; "
            "effects of organs and their tests are in the table.",
            counts=(Count("lesions", total="n_lesions"), Count("organs")),
            filters=(BY_FIT, Filter("parameter", "Parameter", "kd_per_day")),
            if_empty="No growth was fitted.",
        ),
        Figure(
            name="growth-plane",
            title="Organs in the plane of two growth parameters",
            table="mart.fig_growth_correlation",
            query="SELECT *, x || ' with ' || y AS pair FROM mart.fig_growth_correlation "
            "ORDER BY fit_id, x, y, sort_order, organ",
            chart="plane",
            options={"x": "x_value", "y": "y_value", "xname": "x", "yname": "y",
                     "label": "display_name",
                     "facts": {"r": "Correlation", "r_lower": "from", "r_upper": "to",
                               "p_value": "p"}},
            method="Typical value of each organ; correlation of the organs' means over draws "
            "(Zhou 2023, Fig. 2c, d). A correlation over organs says nothing of single lesions.",
            counts=(Count("organs", distinct="organ"), Count("lesions", total="n_lesions")),
            filters=(BY_FIT, Filter("pair", "Parameters")),
            if_empty="No growth was fitted, or too few organs have lesions.",
        ),
        Figure(
            name="growth-burden",
            title="Growth parameters against baseline volume, by organ",
            table="mart.fig_growth_burden",
            query="SELECT *, 'log_volume' AS x_name, CASE parameter WHEN 'f' THEN 'logit_f' "
            "WHEN 'kg' THEN 'log_kg' WHEN 'kd' THEN 'log_kd' ELSE parameter END AS y_name "
            "FROM mart.fig_growth_burden "
            "ORDER BY fit_id, parameter = 'f', parameter DESC, baseline_volume_mm3, organ",
            chart="plane",
            options={"x": "baseline_volume_mm3", "y": "value", "xname": "x_name",
                     "yname": "y_name", "label": "display_name", "size": "n_lesions",
                     "line": ["fitted", "fitted_lower", "fitted_upper"],
                     "facts": {"r": "Correlation over organs", "r_lower": "from",
                               "r_upper": "to", "p_value": "p",
                               "r_of_lesions": "over lesions, by patient",
                               "r_of_lesions_lower": "from", "r_of_lesions_upper": "to"}},
            method="Means over an organ's lesions, over draws of their distributions; organs with "
            "five lesions or more (Zhou 2023, Fig. 2d). A correlation over organs says nothing of "
            "single lesions.",
            legend="The larger the dot, the more lesions; the line is of least squares through "
            "the organs, unweighted, with 95 % limits.",
            counts=(Count("organs", distinct="organ"), Count("lesions", total="n_lesions")),
            filters=(BY_FIT, Filter("parameter", "Parameter", "kd")),
            if_empty="No growth was fitted, or too few organs have lesions.",
        ),
        Figure(
            name="growth-shrinkage",
            title="Shrinkage by the number of scans",
            table="mart.fig_growth_shrinkage",
            query="SELECT * FROM mart.fig_growth_shrinkage ORDER BY fit_id, parameter, n_scans",
            chart="lines",
            options={"x": "n_scans", "y": "median", "lo": "lower_quartile",
                     "hi": "upper_quartile", "group": "parameter", "points": True,
                     "xlabel": "Scans after baseline (10: ten or more)",
                     "ylabel": "Shrinkage, median and quartiles"},
            method="0: the lesion's own scans decide; 1: nothing is known of the lesion itself.",
            counts=(Count("lesions", each="n_scans", largest="n_lesions"),),
            filters=(BY_FIT,),
            if_empty="No growth was fitted.",
        ),
        Figure(
            name="growth-effect",
            title="Growth under an antibody against chemotherapy alone",
            table="mart.fig_growth_effect",
            query="SELECT * FROM mart.fig_growth_effect ORDER BY fit_id, treatment, parameter, "
            "estimate_kind DESC, adjustment DESC, sort_order, organ",
            chart="intervals",
            options={
                "label": "display_name",
                "series": [{"x": "difference", "lo": "ci_lower", "hi": "ci_upper",
                            "name": "difference, 95 % interval"}],
                "axis": "Difference on the scale of estimation (log, or logit of f)",
                "scale": "linear",
                "reference": 0,
                "text": "p_adjusted",
                "texttitle": "p, corrected",
            },
            method="Differences over draws, which draw them towards 0, or of the covariate model, "
            "which is free of that; p-values corrected over organs.",
            counts=(Count("lesions under the antibody", largest="n_lesions_treatment"),
                    Count("under chemotherapy", largest="n_lesions_control")),
            filters=(BY_FIT, Filter("treatment", "Treatment"), Filter("parameter", "Parameter"),
                     Filter("estimate_kind", "Estimates", "draws"),
                     Filter("adjustment", "Adjusted for")),
            if_empty="No two treatments could be compared.",
        ),
        Figure(
            name="growth-vpc",
            title="Visual predictive check",
            table="mart.fig_growth_vpc",
            query=_VPC.format(
                choice="'prediction-corrected'", axis="'Prediction-corrected volume, mm3'", raw=""
            )
            + " UNION ALL "
            + _VPC.format(choice="'as measured'", axis="'Volume, mm3'", raw="raw_")
            + " ORDER BY fit_id, correction DESC, stratum_kind = 'all' DESC, stratum_kind, "
            "stratum, CASE quantile WHEN '95th percentile' THEN 1 WHEN 'median' THEN 2 ELSE 3 END, "
            "bin",
            chart="lines",
            options={"x": "day_middle", "y": "measured", "lo": "simulated_lower",
                     "hi": "simulated_upper", "expected": "simulated_median",
                     "group": "quantile", "points": True, "scale": "log",
                     "xlabel": "Days from first dose", "ylabelby": "axis"},
            method="Percentiles of the measurements against 90 % bands of those of data simulated "
            "from the fit. Prediction-corrected (Bergstrand 2011): lesions of all sizes share a "
            "picture; as measured, their sizes widen the percentiles. Where the fit holds "
            "drop-out, simulated patients leave too and measurements after progression are left "
            "out; without it late bins hold lesions that had not progressed, which the simulations "
            "do not know.",
            legend="Lines with points are measured; bands and dotted lines are simulated.",
            counts=(Count("sizes", each="day_middle", largest="n_rows"),),
            filters=(BY_FIT, Filter("correction", "Sizes", "prediction-corrected"),
                     Filter("stratum_kind", "By", "all"), Filter("stratum", "Lesions")),
            if_empty="No growth was fitted.",
        ),
        Figure(
            name="growth-vpc-censored",
            title="Visual predictive check: sizes below the limit of quantification",
            table="mart.fig_growth_vpc",
            query="SELECT * FROM mart.fig_growth_vpc ORDER BY fit_id, stratum_kind = 'all' DESC, "
            "stratum_kind, stratum, bin",
            chart="lines",
            options={"x": "day_middle", "y": "censored", "lo": "censored_lower",
                     "hi": "censored_upper", "expected": "censored_median", "points": True,
                     "xlabel": "Days from first dose", "ylabel": "Share below the limit"},
            method="Share of sizes below the limit of quantification against the 90 % band of "
            "data simulated from the fit.",
            counts=(Count("sizes", total="n_rows"),),
            filters=(BY_FIT, Filter("stratum_kind", "By", "all"), Filter("stratum", "Lesions")),
            if_empty="No growth was fitted.",
        ),
        Figure(
            name="growth-vpc-followed",
            title="Visual predictive check: patients who have not left",
            table="mart.fig_growth_vpc",
            query="SELECT * FROM mart.fig_growth_vpc WHERE followed IS NOT NULL "
            "ORDER BY fit_id, stratum_kind = 'all' DESC, stratum_kind, stratum, bin",
            chart="lines",
            options={"x": "day_middle", "y": "followed", "lo": "followed_lower",
                     "hi": "followed_upper", "expected": "followed_median", "points": True,
                     "xlabel": "Days from first dose",
                     "ylabel": "Share without progression or death"},
            method="Kaplan-Meier share of patients who have neither progressed nor died, against "
            "the 90 % band of data simulated from the fit: whether the fit knows who leaves, and "
            "when.",
            counts=(Count("sizes", total="n_rows"),),
            filters=(BY_FIT, Filter("stratum_kind", "By", "all"), Filter("stratum", "Lesions")),
            if_empty="No growth was fitted, or the fit does not hold drop-out (growth.dropout).",
        ),
        Figure(
            name="growth-residual",
            title="Residuals of the growth fit",
            table="mart.fig_growth_residual",
            query="SELECT fit_id, quantity, axis, axis_middle, n_rows, CASE axis WHEN 'day' THEN "
            "'Days from first dose' ELSE 'Volume foreseen for a typical lesion, mm3 (log axis)' "
            "END AS axis_title, "
            "unnest(['mean', '5th percentile', 'median', '95th percentile']) AS statistic, "
            "unnest([mean, p05, p50, p95]) AS residual, "
            "unnest([0, -1.645, 0, 1.645]) AS expected, "
            "unnest([-mean_limit, NULL, NULL, NULL]) AS mean_lower, "
            "unnest([mean_limit, NULL, NULL, NULL]) AS mean_upper "
            "FROM mart.fig_growth_residual ORDER BY fit_id, quantity = 'npde' DESC, quantity, "
            "axis, CASE statistic WHEN '95th percentile' THEN 1 WHEN 'median' THEN 2 WHEN 'mean' "
            "THEN 3 ELSE 4 END, bin",
            chart="lines",
            options={"x": "axis_middle", "y": "residual", "lo": "mean_lower", "hi": "mean_upper",
                     "expected": "expected", "group": "statistic", "reference": 0,
                     "logx": {"column": "axis", "value": "population_mm3"},
                     "xlabelby": "axis_title",
                     "ylabel": "Residual"},
            method="Twenty bins of equal numbers of measurements. The mean of a right model stays "
            "within the band; dotted lines are the normal distribution's. Individual residuals "
            "at the mode are too small (shrinkage).",
            counts=(Count("measurements", each="axis_middle", largest="n_rows"),),
            filters=(BY_FIT, Filter("quantity", "Residual"), Filter("axis", "Against", "day")),
            if_empty="No growth was fitted.",
        ),
    ),
)  # fmt: skip
