"""How unlike the lesions of one patient are, and what that goes with."""

from warehouse.report.parts import Count, Figure, Filter, Section
from warehouse.report.sections.sampling import recovery, sampling

_N = Count("values", total="n")
_LOG = ["nadir_ratio", "last_ratio"]
"""Variables that Zhou 2021 shows on log axes, of those that are never 0."""
_SURVIVAL = (
    "SELECT subset, grouping, endpoint, group_name, group_order, time_days, survival, ci_lower, "
    "ci_upper, is_censoring, n_patients, median_days, log_rank_p_value "
    "FROM mart.fig_survival_curve {where}"
    "ORDER BY subset = 'all' DESC, subset, grouping, endpoint, group_order, group_name, time_days"
)
_AT_RISK = (
    "SELECT subset, grouping, endpoint, group_name, day, n_at_risk FROM mart.fig_survival_at_risk "
    "ORDER BY subset, grouping, endpoint, group_order, group_name, day"
)

SURVIVAL = Figure(
    name="survival",
    title="Survival",
    table="mart.fig_survival_curve",
    tables=("mart.fig_survival_at_risk",),
    query=_SURVIVAL.format(where=""),
    sources={"risk": _AT_RISK},
    chart="survival",
    method="Kaplan-Meier estimates with {survival.confidence} bands, log-rank test over all "
    "groups. OS overall, PFS progression-free, PPS survival after progression. Groups that are "
    "known only during follow-up have to live until then (guarantee time); those at the landmark "
    "are by what was known on day {survival.landmark_days}, and counted from there. Numbers at "
    "risk: mart.fig_survival_at_risk.",
    legend="Ticks are censored patients; dotted lines lead to the medians.",
    counts=(Count("patients", each="group_name", largest="n_patients"),),
    filters=(
        Filter("subset", "Patients", "all"),
        Filter("grouping", "Grouped by", "Gower quarters"),
        Filter("endpoint", "Endpoint", "OS"),
    ),
    if_empty="No patient has a time of survival: analysis.patient_endpoint says why.",
)

HETEROGENEITY = Section(
    "heterogeneity",
    "Heterogeneity",
    "How differently the lesions of one patient respond (Zhou 2021): the Gower distance between "
    "their response phases, 0 for lesions that do alike.",
    (
        Figure(
            name="gower-organ",
            title="Gower distance and response by organ",
            table="mart.fig_group_box",
            query="SELECT * FROM mart.fig_group_box WHERE grouping = 'pooled organ' "
            "ORDER BY subset = 'all' DESC, subset, variable, group_order, group_name",
            chart="boxes",
            options={"logby": "variable", "log": _LOG},
            method="Quartiles, median with {survival.confidence} limits, whiskers at the 10th and "
            "90th percentile; "
            "organs with few lesions are pooled (Zhou 2021, Fig. 2G, 3D, 4D). Lesions of one "
            "patient are not independent.",
            counts=(_N,),
            filters=(
                Filter("variable", "Variable", "gower_distance"),
                Filter("subset", "Patients", "all"),
            ),
        ),
        Figure(
            name="gower-group",
            title="Gower distance and response by treatment and other groups",
            table="mart.fig_group_box",
            query="SELECT * FROM mart.fig_group_box WHERE grouping <> 'pooled organ' "
            "ORDER BY grouping = 'therapy' DESC, grouping, "
            "variable = 'patient_gower_distance' DESC, variable, "
            "subset = 'all' DESC, subset, group_order, group_name",
            chart="boxes",
            options={"logby": "variable", "log": _LOG},
            method="Quartiles, median with {survival.confidence} limits, whiskers at the 10th and "
            "90th percentile "
            "(Zhou 2021, Fig. 2B, 2H, 3C to 3F, 4C to 4F, 5). Tests are in "
            "analysis.group_comparison.",
            counts=(_N,),
            filters=(
                Filter("grouping", "Grouped by", "therapy"),
                Filter("variable", "Variable", "patient_gower_distance"),
                Filter("subset", "Patients"),
            ),
        ),
        Figure(
            name="organ-plane",
            title="Lesions of liver, lung and lymph nodes: one group of patients against another",
            table="mart.fig_organ_plane",
            query="SELECT * FROM mart.fig_organ_plane ORDER BY grouping DESC, subset, y_group, "
            "ends_with(variable, '_days'), variable, sort_order, organ",
            chart="plane",
            options={"x": "x_mean", "y": "y_mean", "xname": "x_group", "yname": "y_group",
                     "axes": {"x_group": "variable", "y_group": "variable"},
                     "label": "display_name", "log": True, "diagonal": True,
                     "whiskers": ["x_lower", "x_upper", "y_lower", "y_upper"]},
            method="Means of the lesions in each group, plus and minus half a standard deviation, "
            "on log axes; days are counted plus one (Zhou 2021, Fig. 3F, 4F, 5C). Half a standard "
            "deviation says how lesions spread, not how sure the mean is: tests are in "
            "analysis.group_comparison.",
            legend="On the dashed line both groups are alike. Whiskers that pass the axis are cut "
            "at it.",
            counts=(Count("lesions of the first group", total="x_n"),
                    Count("of the other", total="y_n")),
            filters=(
                Filter("grouping", "By", "therapy"),
                Filter("subset", "Patients"),
                Filter("y_group", "Group"),
                Filter("variable", "Variable", "nadir_ratio"),
            ),
            if_empty="There are no two groups of therapy or KRAS status with such lesions.",
        ),
        Figure(
            name="inconsistent-lesions",
            title="Lesions that go another way than the patient's sum of diameters",
            table="mart.fig_inconsistent_lesions",
            query="SELECT *, 100 * fraction_inconsistent AS percent "
            "FROM mart.fig_inconsistent_lesions ORDER BY sort_order, organ",
            chart="bars",
            options={
                "label": "display_name",
                "value": "percent",
                "mode": "plain",
                "axis": "Lesions with other phases than the sum, percent",
                "decimals": 1,
            },
            method="Target lesions whose response, stable or relapse phase differs from that of "
            "the patient's sum of diameters (Zhou 2021, Fig. 1D).",
            counts=(
                Count("lesions", total="n_lesions"),
                Count("inconsistent", total="n_inconsistent"),
            ),
        ),
        Figure(
            name="inconsistent-patients",
            title="Patients by their number of inconsistent lesions",
            table="mart.fig_inconsistent_patients",
            query="SELECT *, 100 * fraction AS percent FROM mart.fig_inconsistent_patients "
            "ORDER BY treatment = 'all' DESC, treatment, n_inconsistent",
            chart="bars",
            options={
                "label": "treatment",
                "value": "percent",
                "group": "n_inconsistent",
                "mode": "stack",
                "axis": "Patients, percent",
                "inside": 8,
                "decimals": 0,
                "domain": [0, 100],
                "ordered": True,
            },
            method="Patients whose sum has phases, by how many of their lesions go another way "
            "(Zhou 2021, Fig. 1C).",
            counts=(Count("patients", largest="n_all"),),
        ),
        SURVIVAL,
        Figure(
            name="survival-forest",
            title="Hazard ratios of survival",
            table="mart.fig_survival_forest",
            query="SELECT *, model || ' (' || endpoint || ')' AS heading "
            "FROM mart.fig_survival_forest "
            "ORDER BY subset = 'all' DESC, subset, endpoint, model, term, level",
            chart="intervals",
            options={
                "label": "label",
                "series": [{"x": "hazard_ratio", "lo": "ci_lower", "hi": "ci_upper",
                            "separated": "is_separated",
                            "name": "hazard ratio, {survival.confidence} interval"}],
                "axis": "Hazard ratio",
                "scale": "log",
                "reference": 1,
                "text": "hr",
                "texttitle": "HR ({survival.confidence} interval)",
            },
            method="Cox proportional hazards. An association of what was seen during follow-up "
            "with survival, no prediction from it (Zhou 2021, Fig. 2D).",
            counts=(Count("patients in the largest model", largest="n_patients"),),
            filters=(
                Filter("subset", "Patients", "all"),
                Filter("endpoint", "Endpoint", "OS"),
                Filter("model", "Model", is_optional=True),
            ),
        ),
        Figure(
            name="gower-resample",
            title="The Gower distance and survival, in random samples of the patients",
            table="mart.fig_gower_resample",
            query="SELECT * FROM mart.fig_gower_resample ORDER BY scheme DESC, replicate",
            chart="histogram",
            options={
                "value": "log10_p_value",
                "axis": "log10 of the p-value",
                "words": "samples",
                "reference": -1.30103,
                "referencelabel": "p = 0.05",
            },
            method="Cox model of overall survival on the Gower distance in each sample: subsets "
            "drawn without replacement, bootstrap samples with (Zhou 2021, Fig. 2E). Subsets "
            "share patients: their spread is no standard error.",
            counts=(
                Count("samples"),
                Count("patients in each", largest="n_patients"),
            ),
            filters=(Filter("scheme", "Samples"),),
            if_empty="No samples were drawn (settings of survival).",
        ),
        recovery("gower-recovery", "mart.fig_gower_recovery", "the Gower distances"),
        sampling("gower-sampling", "mart.fig_gower_sampling", "the Gower distances"),
    ),
)  # fmt: skip
