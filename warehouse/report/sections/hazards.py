"""When lesions respond and progress, and how that depends on the organ."""

from warehouse.report.parts import Count, Figure, Filter, Section

_LESIONS = Count("lesions", total="n_lesions")
_EVENTS = Count("events", total="n_events")
BY_STRATUM = Filter("stratum", "Patients", "all")
BY_ENDPOINT = Filter("endpoint", "Endpoint", "response")
BY_COMPARATOR = Filter("comparator", "Against", "mean")
_COX = (
    "Mixed-effects Cox model with a random effect of the patient ({hazards.method}), "
    "{hazards.confidence} intervals. "
)
_NO_HAZARDS = "No hazards were estimated: too few lesions or events (settings of hazards)."

HAZARDS = Section(
    "hazards",
    "Events and hazards",
    "When single lesions respond and progress, by which rules, and which organs' lesions do so "
    "sooner than others'.",
    (
        Figure(
            name="events-by-organ",
            title="Lesions that respond and progress, by organ",
            table="mart.fig_events_by_organ",
            query="SELECT * FROM mart.fig_events_by_organ ORDER BY rule_set, source DESC, "
            "endpoint DESC, sort_order, organ",
            chart="bars",
            options={
                "label": "display_name",
                "value": "events_percent",
                "group": "endpoint",
                "mode": "group",
                "axis": "Lesions with the event, percent",
                "decimals": 1,
            },
            method="Lesions with the event in percent of the lesions that have the endpoint, "
            "without regard to time under observation.",
            counts=(Count("lesions in all", each="organ", largest="n_lesions"), _EVENTS),
            filters=(Filter("rule_set", "Rule set", "recist_1_1"), Filter("source", "Events")),
        ),
        Figure(
            name="lesion-survival",
            title="Time to response and to progression of lesions, by organ and by arm",
            table="mart.fig_lesion_survival",
            query="SELECT subset, endpoint, grouping, stratum, group_name, time_days, survival, "
            "ci_lower, ci_upper, n_at_risk, is_censoring, n_lesions AS n_patients, median_days, "
            "median_lower, median_upper, CAST(NULL AS DOUBLE) AS log_rank_p_value "
            "FROM mart.fig_lesion_survival WHERE group_order <= 7 ORDER BY subset = 'all' DESC, "
            "subset, endpoint DESC, grouping DESC, stratum LIKE 'All %' DESC, stratum, "
            "group_order, time_days",
            chart="survival",
            method="Kaplan-Meier estimates of target and non-target lesions with the events seen "
            "on scans; {survival.confidence} limits clustered by patient, for lesions of one "
            "patient are not independent. The seven largest groups; all are in the table.",
            legend="Ticks are censored lesions; dotted lines lead to the medians.",
            # The groups overlap (all organs, and each), so that they do not add up.
            counts=(Count("lesions in the largest group", largest="n_patients"),),
            filters=(
                Filter("subset", "Lesions", "all"),
                Filter("endpoint", "Endpoint", "progression"),
                Filter("grouping", "Curves by", "organ"),
                Filter("stratum", "Within"),
            ),
            if_empty="No lesion was assessed after baseline.",
        ),
        Figure(
            name="rule-sets",
            title="Events that each rule set calls",
            table="mart.fig_rule_sets",
            query="SELECT *, lesion_type || ', ' || endpoint AS what FROM mart.fig_rule_sets "
            "ORDER BY lesion_type DESC, endpoint DESC, sort_order",
            chart="bars",
            options={
                "label": "what",
                "value": "events_percent",
                "group": "title",
                "mode": "group",
                "axis": "Lesions with the event, percent",
                "decimals": 1,
            },
            method="Observed events of the same lesions under each rule set.",
            counts=(Count("lesions in all", each="lesion_type", largest="n_lesions"),),
        ),
        Figure(
            name="hazard-organ",
            title="Hazard ratios by organ",
            table="mart.fig_hazard_organ",
            query="SELECT * FROM mart.fig_hazard_organ ORDER BY stratum, endpoint DESC, model, "
            "comparator DESC, sort_order, organ",
            chart="intervals",
            options={
                "label": "display_name",
                "series": [
                    {"x": "hazard_ratio", "lo": "ci_lower", "hi": "ci_upper",
                     "separated": "is_separated", "name": "with the patient's random effect"},
                    {"x": "naive_hazard_ratio", "lo": "naive_ci_lower", "hi": "naive_ci_upper",
                     "name": "naive: lesions taken as independent"},
                ],
                "axis": "Hazard ratio",
                "scale": "log",
                "reference": 1,
                "sort": "value",
                "text": "hr",
                "texttitle": "HR ({hazards.confidence} interval), events / lesions",
            },
            method=_COX + "Against the reference organ, or against the mean log hazard of the "
            "organs. The reference organ has hazard ratio 1 and no interval; the limit of an "
            "organ without events is against the reference organ only (Zhou 2023, Fig. 3a, b, e, "
            "f).",
            counts=(_LESIONS, _EVENTS),
            filters=(BY_STRATUM, BY_ENDPOINT, Filter("model", "Model", "final"), BY_COMPARATOR),
            if_empty=_NO_HAZARDS,
        ),
        Figure(
            name="anatomy",
            title="Anatomical chart: hazard of response against hazard of progression",
            table="mart.fig_organ_phenotype",
            query="SELECT * FROM mart.fig_organ_phenotype "
            "ORDER BY stratum, comparator, sort_order, organ",
            chart="anatomy",
            method=_COX + "A quadrant is assigned where its probability, from the joint normal "
            "distribution of both log hazard ratios, is high enough (setting "
            "hazards.phenotype_probability; Zhou 2023, Fig. 3c, d).",
            legend="Crosses are {hazards.confidence} intervals. Filled: the quadrant is assigned; "
            "hollow: not. Diamonds are immune-privileged organs. Response first: high-low responds "
            "readily and progresses rarely.",
            counts=(
                Count("organs", distinct="organ"),
                Count("lesions", total="n_lesions_response"),
            ),
            filters=(BY_STRATUM, BY_COMPARATOR),
            if_empty=_NO_HAZARDS,
        ),
        Figure(
            name="quadrants",
            title="How sure each organ's quadrant is",
            table="mart.fig_organ_phenotype",
            query="SELECT stratum, comparator, organ, display_name, sort_order, is_assigned, "
            "unnest(['high-high', 'high-low', 'low-high', 'low-low']) AS phenotype, "
            "unnest([probability_high_high, probability_high_low, probability_low_high, "
            "probability_low_low]) AS probability "
            "FROM mart.fig_organ_phenotype ORDER BY stratum, comparator, sort_order, organ, "
            "phenotype",
            chart="bars",
            options={
                "label": "display_name",
                "value": "probability",
                "group": "phenotype",
                "mode": "stack",
                "axis": "Probability of the quadrant (response, then progression)",
                "inside": 0.1,
                "decimals": 2,
                "domain": [0, 1],
            },
            method="Probability of each quadrant under the joint normal distribution of the two "
            "log hazard ratios.",
            counts=(Count("organs", distinct="organ"),),
            filters=(BY_STRATUM, BY_COMPARATOR),
            if_empty=_NO_HAZARDS,
        ),
        Figure(
            name="hazard-covariate",
            title="What else goes with response and progression",
            table="mart.fig_hazard_covariate",
            tables=("mart.fig_hazard_frailty",),
            query="SELECT covariate.*, fit.n_lesions AS n_model_lesions, fit.n_events AS "
            "n_model_events, term || CASE WHEN level = '' THEN '' ELSE ': ' || level END "
            "|| coalesce(' / ' || reference, '') AS label "
            "FROM mart.fig_hazard_covariate AS covariate "
            "LEFT JOIN mart.fig_hazard_frailty AS fit ON covariate.stratum = fit.stratum "
            "AND covariate.endpoint = fit.endpoint AND fit.model = 'final' "
            "WHERE hazard_ratio IS NOT NULL OR is_separated "
            "ORDER BY stratum, endpoint DESC, term, level",
            chart="intervals",
            options={
                "label": "label",
                "series": [{"x": "hazard_ratio", "lo": "ci_lower", "hi": "ci_upper",
                            "separated": "is_separated",
                            "name": "hazard ratio, {hazards.confidence} interval"}],
                "axis": "Hazard ratio",
                "scale": "log",
                "reference": 1,
                "text": "hr",
                "texttitle": "HR ({hazards.confidence} interval), events / lesions",
            },
            method=_COX + "Covariates that a likelihood-ratio screening selected; those that it "
            "did not are in the table.",
            counts=(
                Count("lesions in the model", largest="n_model_lesions"),
                Count("events", largest="n_model_events"),
            ),
            filters=(BY_STRATUM, BY_ENDPOINT),
            if_empty="No covariate was selected.",
        ),
        Figure(
            name="hazard-antibody",
            title="Antibody against chemotherapy alone, organ by organ",
            table="mart.fig_hazard_antibody",
            query="SELECT * FROM mart.fig_hazard_antibody "
            "ORDER BY endpoint DESC, sort_order, organ",
            chart="intervals",
            options={
                "label": "display_name",
                "series": [
                    {"x": "hazard_ratio", "lo": "ci_lower", "hi": "ci_upper",
                     "separated": "is_separated", "name": "with the patient's random effect"},
                    {"x": "naive_hazard_ratio", "lo": "naive_ci_lower", "hi": "naive_ci_upper",
                     "name": "naive: lesions taken as independent"},
                ],
                "axis": "Hazard ratio of antibody plus chemotherapy",
                "scale": "log",
                "reference": 1,
                "text": "hr",
                "texttitle": "HR ({hazards.confidence} interval), events / lesions",
            },
            method=_COX + "Treatment within each organ; patients are compared as treated, across "
            "trials.",
            counts=(_LESIONS, _EVENTS),
            filters=(BY_ENDPOINT,),
            if_empty="No treatment of the project has an antibody, or none is without.",
        ),
        Figure(
            name="hazard-new-lesion",
            title="Hazards of progression with and without new lesions",
            table="mart.fig_hazard_new_lesion",
            query="SELECT * FROM mart.fig_hazard_new_lesion ORDER BY stratum, sort_order, organ",
            chart="intervals",
            options={
                "label": "display_name",
                "series": [
                    {"x": "hazard_ratio_with", "lo": "ci_lower_with", "hi": "ci_upper_with",
                     "separated": "is_separated_with", "name": "with new lesions"},
                    {"x": "hazard_ratio_without", "lo": "ci_lower_without",
                     "hi": "ci_upper_without", "separated": "is_separated_without",
                     "name": "without new lesions"},
                ],
                "axis": "Hazard ratio of progression",
                "scale": "log",
                "reference": 1,
                "text": "n_new_lesions",
                "texttitle": "new",
            },
            method=_COX + "A new lesion is an event by its being there, so the model is fitted "
            "with and without them.",
            counts=(Count("new lesions", total="n_new_lesions"),),
            filters=(BY_STRATUM,),
            if_empty=_NO_HAZARDS,
        ),
        Figure(
            name="hazard-frailty",
            title="How much patients differ beyond what is known of them",
            table="mart.fig_hazard_frailty",
            query="SELECT *, endpoint || ', ' || stratum || ', ' || model AS label "
            "FROM mart.fig_hazard_frailty ORDER BY endpoint DESC, stratum, model, model_id",
            chart="intervals",
            options={
                "label": "label",
                "series": [{"x": "frailty_variance", "lo": "frailty_variance_lower",
                            "hi": "frailty_variance_upper", "name": "variance"}],
                "axis": "Variance of the patients' log hazards",
                "scale": "linear",
                "domain": [0, None],
                "text": "n_patients",
                "texttitle": "patients",
            },
            method="Variance of the patients' random effects; profile-likelihood intervals where "
            "they were asked for (the main models).",
            counts=(Count("patients", largest="n_patients"), Count("models")),
            if_empty=_NO_HAZARDS,
        ),
        Figure(
            name="phenotype-survival",
            title="Survival by the phenotypes of a patient's organs",
            table="mart.fig_phenotype_survival",
            query="SELECT *, grouping || ': ' || group_name AS label "
            "FROM mart.fig_phenotype_survival ORDER BY comparator, endpoint, grouping, "
            "group_name DESC",
            chart="intervals",
            options={
                "label": "label",
                "series": [{"x": "median_days", "lo": "median_lower", "hi": "median_upper",
                            "name": "median, {survival.confidence} interval"}],
                "axis": "Median survival, days",
                "scale": "linear",
                "domain": [0, None],
                "text": "p_value",
                "texttitle": "log-rank p",
            },
            method="Kaplan-Meier medians, log-rank test of each pair. The phenotypes were "
            "estimated from the same patients (Zhou 2023, Supplementary Fig. 5).",
            counts=(
                Count("patients in the largest group", largest="n_patients"),
            ),
            filters=(BY_COMPARATOR, Filter("endpoint", "Endpoint", "OS")),
            if_empty=_NO_HAZARDS,
        ),
        Figure(
            name="anatomy-types",
            title="The same organs in several tumor types",
            table="mart.fig_anatomical_chart",
            query="SELECT *, phenotype AS probable_phenotype, "
            "n_lesions AS n_lesions_progression, CAST(NULL AS BIGINT) AS n_lesions_response, "
            "CAST(NULL AS BIGINT) AS n_responses, CAST(NULL AS BIGINT) AS n_progressions "
            "FROM mart.fig_anatomical_chart WHERE (SELECT count(DISTINCT tumor_type) "
            "FROM mart.fig_anatomical_chart) > 1 "
            "ORDER BY tumor_type, comparator, sort_order, organ",
            chart="anatomy",
            options={"by": "tumor_type"},
            method=_COX + "Each tumor type has covariates and a reference organ of its own (Zhou "
            "2023, Fig. 3c beside d). The probability that an organ has the same quadrant in both "
            "is in the table (probability_same).",
            legend="A shape for each tumor type, and a dashed line from each organ to itself in "
            "the other. Crosses are {hazards.confidence} intervals. Filled: the quadrant is "
            "assigned; hollow: not.",
            counts=(Count("organs", distinct="organ"), Count("lesions", total="n_lesions")),
            filters=(BY_COMPARATOR,),
            if_empty="The project has one tumor type; its chart stands above.",
        ),
        Figure(
            name="event-by-response",
            title="Days of the responses and progressions seen, by best overall response",
            table="mart.fig_event_by_response",
            query="SELECT *, n_events AS n, 'day of ' || endpoint || ', lesions with it' "
            "AS variable, CAST(NULL AS DOUBLE) AS median_lower, "
            "CAST(NULL AS DOUBLE) AS median_upper, "
            "CAST(NULL AS DOUBLE) AS mean FROM mart.fig_event_by_response "
            "WHERE median IS NOT NULL ORDER BY endpoint DESC, source, response_order",
            chart="boxes",
            method="Target lesions with the event: quartiles, whiskers at the 10th and 90th "
            "percentile (Zhou 2023, Supplementary Fig. 3). Tests, and hazard ratios with a "
            "random effect of the patient, are in the table.",
            counts=(Count("lesions with the event", total="n_events"),
                    Count("patients", total="n_patients")),
            filters=(BY_ENDPOINT, Filter("source", "Events", "modelled")),
            if_empty="No lesion has an event.",
        ),
    ),
)  # fmt: skip
