"""How lesions grow and shrink."""

from warehouse.report.parts import Count, Figure, Filter, Section

BY_FIT = Filter("fit_id", "Fit", "all/two_population")

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
                               "n_censored": "below the limit", "n_excluded": "lesions set aside",
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
            query="SELECT * FROM mart.fig_growth_parameter ORDER BY fit_id, CASE WHEN parameter "
            "LIKE '%_pop' THEN 1 WHEN parameter LIKE 'omega%' THEN 2 ELSE 3 END, parameter",
            chart="table",
            options={"columns": ["parameter", "unit", "estimate", "ci_lower", "ci_upper",
                                 "rse_percent", "shrinkage_modes", "shrinkage_means"]},
            method="Estimates with 95 % intervals from the observed information. Shrinkage: one "
            "less the standard deviation of the lesions' estimates over omega; above about 0.5 "
            "single lesions' estimates lean on the population.",
            counts=(Count("lesions", largest="n_lesions"),),
            filters=(BY_FIT,),
            if_empty="No growth was fitted.",
        ),
        Figure(
            name="growth-organ",
            title="Growth parameters by organ",
            table="mart.fig_growth_organ",
            query="SELECT * FROM mart.fig_growth_organ ORDER BY fit_id, parameter = 'f', parameter "
            "DESC, sort_order, organ",
            chart="intervals",
            options={
                "label": "display_name",
                "series": [{"x": "median", "lo": "lower_quartile", "hi": "upper_quartile",
                            "name": "median and quartiles"}],
                "axis": "Median and quartiles of the lesions' estimates",
                "scale": "log",
                "sort": "value",
                "text": "n_lesions",
                "texttitle": "n",
                "detail": {"kruskal_wallis_p": "Kruskal-Wallis, estimates: p",
                           "kruskal_wallis_p_draws": "from draws: p"},
            },
            method="Conditional modes of single lesions; the p-value is Kruskal-Wallis over all "
            "organs, once on the estimates and once on draws of each lesion's distribution, which "
            "shrinkage does not draw together (Zhou 2023, Fig. 2b).",
            counts=(Count("lesions", total="n_lesions"), Count("organs")),
            filters=(BY_FIT, Filter("parameter", "Parameter", "kd_per_day")),
            if_empty="No growth was fitted.",
        ),
        Figure(
            name="growth-correlation",
            title="Correlations between growth parameters",
            table="mart.fig_growth_correlation",
            query="SELECT *, x || ' with ' || y AS pair FROM mart.fig_growth_correlation "
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
            name="growth-vpc",
            title="Visual predictive check",
            table="mart.fig_growth_vpc",
            chart="table",
            method="Quantiles of measured volumes against those of volumes simulated from the fit.",
            counts=(Count("rows"),),
        ),
        Figure(
            name="growth-residual",
            title="Residuals of the growth fit",
            table="mart.fig_growth_residual",
            chart="table",
            method="Residuals and normalised prediction errors by time and by size.",
            counts=(Count("rows"),),
        ),
    ),
)  # fmt: skip
