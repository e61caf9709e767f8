"""Who is in it."""

from warehouse.report.parts import Count, Figure, Filter, Section

_MEASURES = (
    "SELECT metric.title, metric.unit, metric.description, metric.number_format, value.dimension, "
    "value.group_name, value.value, value.n_rows FROM mart.metric_value AS value "
    "INNER JOIN mart.metric AS metric USING (metric) WHERE "
)

COHORT = Section(
    "cohort",
    "Cohort",
    "Who was loaded, who is analysed, what they were like, and where their lesions are.",
    (
        Figure(
            name="key-numbers",
            title="Key numbers",
            table="mart.metric_value",
            tables=("mart.metric",),
            query=_MEASURES + "value.dimension = 'all' ORDER BY metric.sort_order",
            chart="tiles",
            method="Each measure is defined once, in mart.metric, for this report and for BI "
            "tools alike; point at one for its definition. 'Not known' is said where no row "
            "has what it counts, as deaths in studies that tell of none.",
            counts=(Count("measures"),),
        ),
        Figure(
            name="consort",
            title="Patients, lesions and measurements, from loaded to analysed",
            table="mart.fig_consort",
            query="SELECT * FROM mart.fig_consort ORDER BY step_order",
            chart="consort",
            method="Counts. Each patient, lesion and measurement leaves once, at its first reason, "
            "so that the first box less the exclusions is the last box (CONSORT 2010; Zhou 2023, "
            "Fig. 1a).",
            counts=(
                Count("patients loaded", largest="n_patients"),
                Count("lesions loaded", largest="n_lesions"),
                Count("measurements loaded", largest="n_measurements"),
            ),
        ),
        Figure(
            name="characteristics",
            title="Characteristics of the analysed patients",
            table="mart.fig_characteristics",
            tables=("mart.fig_consort",),
            query="SELECT *, (SELECT max(n_patients) FROM mart.fig_consort "
            "WHERE step = 'analysed') AS n_analysed FROM mart.fig_characteristics "
            "ORDER BY variable_order, level_order",
            chart="characteristics",
            method="Counted variables: n (%). Measured variables: mean (standard deviation), "
            "median [quartiles] of the values that are there (Table 1 of the papers). 'Not "
            "collected' is said of studies that have a variable for nobody. Times observed are of "
            "those with the event and those censored, and no estimate of survival.",
            counts=(Count("analysed patients", largest="n_analysed"),),
        ),
        Figure(
            name="characteristics-arm",
            title="Characteristics at baseline by arm",
            table="mart.fig_characteristics_arm",
            query="SELECT * REPLACE (CASE level WHEN 'all' THEN '' ELSE level END AS level), "
            "group_name || ', n = ' || n_group AS head, "
            "difference_text AS standardised_difference FROM mart.fig_characteristics_arm "
            "ORDER BY grouping DESC, subset, variable_order, level_order, group_name",
            chart="crosstab",
            options={"lines": ["variable", "level"], "column": "head", "cell": "cell",
                     "last": "standardised_difference"},
            method="n (% of the group), or mean (standard deviation). Standardised differences of "
            "patients with a value, 95 % limits: of means over the mean standard deviation "
            "(Austin 2009), of shares Mahalanobis' distance (Yang and Dalton 2012); of more than "
            "two groups that of the two that differ most. Chance alone gives up to about "
            "4 / sqrt(n), n in all.",
            counts=(Count("patients", each="head", largest="n_group"),),
            filters=(Filter("grouping", "By", "treatment class"), Filter("subset", "Patients")),
            if_empty="There are no two groups of treatment to compare.",
        ),
        Figure(
            name="measures",
            title="Measures by group",
            table="mart.metric_value",
            tables=("mart.metric",),
            query=_MEASURES + "value.value IS NOT NULL AND value.dimension <> 'all' "
            "ORDER BY metric.sort_order, value.dimension = 'treatment' DESC, value.dimension, "
            "value.group_name",
            chart="bars",
            options={"label": "group_name", "value": "value", "mode": "plain",
                     "axis": "Value, in the unit of the measure"},
            method="As defined in mart.metric, whose description stands in the rows; groups are "
            "compared as they are, not as randomised.",
            counts=(Count("rows behind the groups", total="n_rows"),),
            filters=(Filter("title", "Measure", "Objective response rate"),
                     Filter("unit", "Unit"), Filter("dimension", "By", "treatment")),
        ),
        Figure(
            name="organ-lesions",
            title="Lesions by organ and type",
            table="mart.fig_organ_lesions",
            query="SELECT * FROM mart.fig_organ_lesions "
            "ORDER BY n_organ_lesions DESC, sort_order, organ, CASE lesion_type WHEN 'target' "
            "THEN 1 WHEN 'non-target' THEN 2 ELSE 3 END",
            chart="bars",
            options={
                "label": "display_name",
                "value": "n_lesions",
                "group": "lesion_type",
                "mode": "stack",
                "axis": "Lesions",
            },
            method="Counts of analysed lesions, each lesion once, by the analysis reader (Zhou "
            "2023, Fig. 1b).",
            counts=(Count("lesions", total="n_lesions"), Count("organs", distinct="organ")),
        ),
        Figure(
            name="studies",
            title="Studies",
            table="mart.fig_study",
            query="SELECT * FROM mart.fig_study ORDER BY study_id",
            chart="table",
            options={"columns": ["study_id", "title", "tumor_type", "phase", "n_patients",
                                 "n_analysed_patients", "n_lesions", "n_analysed_lesions",
                                 "n_measurements"]},
            method="Counts. Lesions are counted once per reader.",
            counts=(Count("studies"), Count("patients", total="n_patients")),
        ),
    ),
)  # fmt: skip
