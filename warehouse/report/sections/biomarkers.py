"""Biomarkers over time, beside the lesions."""

from warehouse.report.parts import Count, Figure, Filter, Section

_NONE = "No study brings a biomarker with a baseline and results on treatment."

BIOMARKERS = Section(
    "biomarkers",
    "Biomarkers",
    "Circulating tumor DNA and cells, CEA, CA 19-9, CA-125 and PSA beside the lesions: courses, "
    "lead times over RECIST progression, and what they go with.",
    (
        Figure(
            name="biomarker-course",
            title="Biomarkers and sums of diameters over baseline (spider)",
            table="mart.fig_biomarker_course",
            query="SELECT * FROM mart.fig_biomarker_course "
            "ORDER BY test DESC, study_id, patient_id, quantity, day",
            chart="markers",
            method="Results over the baseline, the last up to the first dose; complete sums of "
            "the analysis reader. A result below its limit is drawn at the limit, an upper bound.",
            legend="One line is one patient, coloured by best overall response. Hollow points lie "
            "below the limit. Dashed: half of the baseline for markers, +20 % and -30 % for sums.",
            counts=(Count("patients", distinct="patient_id"), Count("points")),
            filters=(Filter("display_name", "Marker"), Filter("study_id", "Study")),
            if_empty=_NONE,
        ),
        Figure(
            name="biomarker-lead",
            title="Lead time of the marker's progression over RECIST progression",
            table="mart.fig_biomarker_lead",
            query="SELECT * FROM mart.fig_biomarker_lead "
            "ORDER BY subset = 'all' DESC, subset, test, rule_set, point_order",
            chart="lines",
            options={
                "x": "lead_days",
                "y": "share_at_most",
                "group": "rule_name",
                "xlabel": "Lead, days",
                "ylabel": "Share with a lead up to there",
            },
            method="Turnbull's estimate of the time between two events that are both known to lie "
            "between visits, among patients who had both; right of 0 the marker came first. "
            "Patients with only one of the two are counted in the table.",
            counts=(Count("patients with both", each="rule_name", largest="n_both"),),
            filters=(Filter("subset", "Patients", "all"),),
            if_empty="No patient had a progression by marker and by RECIST.",
        ),
        Figure(
            name="biomarker-survival",
            title="Overall survival by the marker's response at the landmark",
            table="mart.fig_biomarker_association",
            query="SELECT * FROM mart.fig_biomarker_association WHERE outcome = 'OS' "
            "ORDER BY test, predictor",
            chart="intervals",
            options={
                "label": "label",
                "series": [
                    {
                        "x": "estimate",
                        "lo": "ci_lower",
                        "hi": "ci_upper",
                        "name": "hazard ratio with its interval",
                    }
                ],
                "axis": "Hazard ratio of death, response against none",
                "scale": "log",
                "reference": 1,
                "text": "n_events",
                "texttitle": "deaths",
            },
            method="Cox models stratified by study from the landmark on, in patients at risk "
            "then; limits of {survival.confidence}.",
            counts=(Count("patients", largest="n_patients"),),
            if_empty="Fewer than five deaths on a side of every comparison.",
        ),
    ),
)
