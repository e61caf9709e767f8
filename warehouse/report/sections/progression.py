"""In which order organs progress."""

from warehouse.report.parts import Count, Figure, Filter, Section
from warehouse.report.sections.new_organs import NEW_ORGAN_FIGURES

BY_SUBSET = Filter("subset", "Patients", "all")
BY_MODEL = Filter("model", "Model")
BY_SCHEME = Filter("scheme", "Held out")
_FIRST_ALL = "ORDER BY subset = 'all' DESC, subset, "
_NONE = "Too few patients with a progression were seen."

PROGRESSION = Section(
    "progression",
    "Progression",
    "In which order a patient's organs progress, which orders go together, and what they mean for "
    "survival (Zhou 2023, Fig. 4 and 5).",
    (
        Figure(
            name="progression-sequence",
            title="Organs by their place in the sequence of progression",
            table="mart.fig_progression_sequence",
            query="SELECT * FROM mart.fig_progression_sequence " + _FIRST_ALL
            + "treatment_class = 'all' DESC, treatment_class, cluster_order, position, organ_order",
            chart="heat",
            options={"x": "position", "y": "organ_name", "xorder": "position",
                     "yorder": "organ_order", "keep": True, "value": "n_patients",
                     "xlabel": "Place in the sequence", "ylabel": "Organ", "words": "patients",
                     "log": True},
            method="Patients whose organ progressed at that place; the colour is log10 of their "
            "number plus one (Zhou 2023, Fig. 4a, 5c to e). "
            "How sequences are clustered: analysis.progression_cluster.",
            counts=(Count("patients", each="cluster_name", largest="n_cluster"),),
            filters=(BY_SUBSET, Filter("treatment_class", "Treatment", "all"),
                     Filter("cluster_name", "Cluster", is_optional=True)),
            if_empty=_NONE,
        ),
        Figure(
            name="progression-survival",
            title="Survival by progression",
            table="mart.fig_progression_survival",
            query="SELECT * FROM mart.fig_progression_survival " + _FIRST_ALL
            + "is_guarantee_time_free, grouping, endpoint, group_order, group_name, time_days",
            chart="survival",
            method="Kaplan-Meier estimates with {survival.confidence} bands, log-rank test of all "
            "groups (Zhou 2023, Fig. 4b, 5a). From the first dose on, the groups are known only "
            "later; from a landmark on, they were known when the clock started.",
            legend="Ticks are censored patients; dotted lines lead to the medians.",
            counts=(Count("patients", each="group_name", largest="n_patients"),),
            filters=(BY_SUBSET, Filter("grouping", "Grouped by"), Filter("endpoint", "Endpoint")),
            if_empty=_NONE,
        ),
        Figure(
            name="progression-interval",
            title="Days of and between progressions, in patients who had them",
            table="mart.fig_progression_interval",
            query="SELECT *, group_name AS display_name, interval_name || ', days' AS axis, "
            "CAST(NULL AS DOUBLE) AS median_lower, CAST(NULL AS DOUBLE) AS median_upper, "
            "CAST(NULL AS DOUBLE) AS mean FROM mart.fig_progression_interval "
            "WHERE median IS NOT NULL " + _FIRST_ALL
            + "grouping, variable, group_order, group_name",
            chart="boxes",
            method="Quartiles, whiskers at the 10th and 90th percentile (Zhou 2023, Fig. 4c, 5f "
            "to h). A second interval is there only for patients in whom a second organ was seen "
            "to progress. Tests are in the table.",
            counts=(Count("values", total="n"),),
            filters=(BY_SUBSET, Filter("interval_name", "Interval"),
                     Filter("grouping", "Grouped by")),
            if_empty=_NONE,
        ),
        Figure(
            name="progression-proportion",
            title="Clusters in each treatment",
            table="mart.fig_progression_proportion",
            query="SELECT *, cluster_name || ', ' || treatment_class AS label "
            "FROM mart.fig_progression_proportion " + _FIRST_ALL + "cluster_name, treatment_class",
            chart="intervals",
            options={"label": "label",
                     "series": [{"x": "share", "lo": "ci_lower", "hi": "ci_upper",
                                 "name": "share, 95 % interval"}],
                     "axis": "Share of the patients", "scale": "linear", "domain": [0, None],
                     "text": "n", "texttitle": "patients"},
            method="Shares of the patients with a progression; 'No progression' is a share of "
            "all (Zhou 2023, Fig. 5b).",
            counts=(Count("patients", total="n"),),
            filters=(BY_SUBSET,),
            if_empty=_NONE,
        ),
        Figure(
            name="progression-characteristic",
            title="Patients by cluster",
            table="mart.fig_progression_characteristic",
            query="SELECT * REPLACE (CASE level WHEN 'number' THEN '' ELSE level END AS level) "
            "FROM mart.fig_progression_characteristic " + _FIRST_ALL
            + "cluster_order, variable_order, variable, level",
            chart="crosstab",
            options={"lines": ["variable", "level"], "column": "cluster_name", "cell": "cell",
                     "last": "p_text"},
            method="Numbers as mean (standard deviation), counts and volumes as median "
            "(quartiles), categories as count (percent of those known); Kruskal-Wallis, "
            "chi-squared or permutation test (Zhou 2023, Supplementary Table 3).",
            counts=(Count("patients", largest="n_patients"),),
            filters=(BY_SUBSET,),
            if_empty=_NONE,
        ),
        Figure(
            name="progression-choice",
            title="How many clusters",
            table="mart.fig_progression_choice",
            query="SELECT * FROM mart.fig_progression_choice " + _FIRST_ALL
            + "encoding DESC, criterion, k",
            chart="lines",
            options={"x": "k", "y": "criterion_value", "facet": "criterion", "points": True,
                     "chosen": "is_chosen", "xlabel": "Clusters", "ylabel": "Criterion"},
            method="What speaks for each number of clusters (Zhou 2023, Supplementary Fig. 7), "
            "with stability and chance beside. The dotted line is the number that is used.",
            counts=(Count("numbers of clusters", distinct="k"),),
            filters=(BY_SUBSET, Filter("encoding", "Encoding")),
            if_empty=_NONE,
        ),
        Figure(
            name="organ-transition",
            title="From which organ to which",
            table="mart.fig_organ_transition",
            query="SELECT * FROM mart.fig_organ_transition " + _FIRST_ALL
            + "stratum = 'all' DESC, stratum, from_order, to_order",
            chart="heat",
            options={"x": "to_name", "y": "from_name", "xorder": "to_order",
                     "yorder": "from_order", "keep": True, "value": "rate_per_year",
                     "xlabel": "To", "ylabel": "From", "words": "transitions per year"},
            method="Transitions per patient-year at risk; cells with fewer than ten patients at "
            "risk are left out. Intervals and rate ratios are in the table.",
            counts=(Count("transitions", total="n_transitions"),),
            filters=(BY_SUBSET, Filter("stratum", "Treatment", "all")),
            if_empty=_NONE,
        ),
        Figure(
            name="organ-incidence",
            title="Cumulative incidence of progression by organ",
            table="mart.fig_organ_incidence",
            query="SELECT * FROM mart.fig_organ_incidence " + _FIRST_ALL
            + "origin DESC, group_name = 'all' DESC, group_name, organ_name, time_days",
            chart="lines",
            options={"x": "time_days", "y": "incidence", "lo": "ci_lower", "hi": "ci_upper",
                     "group": "organ_name", "top": 7, "curve": "step-after", "xlabel": "Days",
                     "ylabel": "Cumulative incidence"},
            method="Aalen-Johansen estimates with {survival.confidence} bands; death competes.",
            counts=(Count("patients at risk at first", largest="n_at_risk"),),
            filters=(BY_SUBSET, Filter("origin", "From", "first dose"),
                     Filter("group_name", "Group", "all")),
            if_empty=_NONE,
        ),
        Figure(
            name="prediction-area",
            title="Predicting the cluster: areas under the ROC curves",
            table="mart.fig_prediction_area",
            query="SELECT *, CAST(NULL AS DOUBLE) AS no_limit FROM mart.fig_prediction_area "
            + _FIRST_ALL + "model, scheme, class_order, class",
            chart="intervals",
            options={"label": "class",
                     "series": [{"x": "roc_auc", "lo": "ci_lower", "hi": "ci_upper",
                                 "name": "area, 95 % interval"},
                                {"x": "by_shares", "lo": "no_limit", "hi": "no_limit",
                                 "name": "by the shares of the classes alone"}],
                     "axis": "Area under the ROC curve", "scale": "linear",
                     "text": "hr", "texttitle": "area (95 % interval)"},
            method="In patients that the model had not seen; a grid search sees training patients "
            "only. Classes: one against the rest, DeLong's limits. Macro average: mean over the "
            "classes; micro average: over all pairs of patient and class, which is high by the "
            "shares of the classes alone; limits by bootstrap of the patients (Zhou 2023, "
            "Supplementary Fig. 11).",
            counts=(Count("patients", largest="n_patients"),),
            filters=(BY_SUBSET, BY_MODEL, BY_SCHEME),
            if_empty=_NONE,
        ),
        Figure(
            name="prediction-curve",
            title="Predicting the cluster: ROC curves",
            table="mart.fig_prediction_curve",
            query="SELECT *, class || ', AUC ' || printf('%.2f', roc_auc) AS label "
            "FROM mart.fig_prediction_curve " + _FIRST_ALL + "model, scheme DESC, class, point",
            chart="lines",
            options={"x": "false_positive_rate", "y": "true_positive_rate", "group": "label",
                     "diagonal": True, "xlabel": "False positive rate",
                     "ylabel": "True positive rate"},
            method="Each class against the rest, in patients that the model had not seen (Zhou "
            "2023, Supplementary Fig. 11).",
            counts=(Count("classes", distinct="class"),),
            filters=(BY_SUBSET, BY_MODEL, BY_SCHEME),
            if_empty=_NONE,
        ),
        Figure(
            name="prediction-calibration",
            title="Predicting the cluster: calibration",
            table="mart.fig_prediction_calibration",
            query="SELECT * FROM mart.fig_prediction_calibration " + _FIRST_ALL
            + "model, scheme DESC, class, bin",
            chart="lines",
            options={"x": "predicted", "y": "observed", "lo": "ci_lower", "hi": "ci_upper",
                     "group": "class", "points": True, "diagonal": True,
                     "xlabel": "Predicted probability", "ylabel": "Observed share"},
            method="Patients grouped by predicted probability: whether it can be taken as one.",
            counts=(Count("patients", each="bin", largest="n"),),
            filters=(BY_SUBSET, BY_MODEL, BY_SCHEME),
            if_empty=_NONE,
        ),
        *NEW_ORGAN_FIGURES,
    ),
)  # fmt: skip
