"""Which organs bear metastases together, and where the next one will be."""

from warehouse.report.parts import Count, Figure, Filter

_FIRST_ALL = "ORDER BY subset = 'all' DESC, subset, "

NEW_ORGAN_FIGURES = (
    Figure(
        name="primary-organ",
        title="Organs with metastases at baseline by site of the primary",
        table="mart.fig_primary_organ",
        query="SELECT * FROM mart.fig_primary_organ ORDER BY primary_site, organ_order",
        chart="heat",
        options={
            "x": "primary_site",
            "y": "organ_name",
            "yorder": "organ_order",
            "keep": True,
            "value": "percent",
            "xlabel": "Primary",
            "ylabel": "Organ",
            "words": "percent of the patients",
        },
        method="Percent of analysed patients with a lesion in the organ at baseline.",
        counts=(Count("patients", each="primary_site", largest="n_patients"),),
        if_empty="No analysed patient has a lesion at baseline.",
    ),
    Figure(
        name="organ-cooccurrence",
        title="Organs with metastases together at baseline",
        table="mart.fig_organ_cooccurrence",
        query="SELECT * FROM mart.fig_organ_cooccurrence " + _FIRST_ALL + "odds_ratio DESC, label",
        chart="intervals",
        options={
            "label": "label",
            "series": [
                {
                    "x": "odds_ratio",
                    "lo": "ci_lower",
                    "hi": "ci_upper",
                    "name": "odds ratio, limits for all pairs together",
                }
            ],
            "axis": "Odds ratio",
            "scale": "log",
            "reference": 1,
            "text": "n_both",
            "texttitle": "both",
        },
        method="Odds ratios with 0.5 added to each count; limits corrected for the number of "
        "pairs. The twenty pairs with the least p.",
        counts=(Count("patients", largest="n_patients"),),
        filters=(Filter("subset", "Patients", "all"),),
        if_empty="No two organs are affected in five patients each.",
    ),
    Figure(
        name="new-organ-calibration",
        title="Risk of a lesion in a new organ: predicted and observed",
        table="mart.fig_new_organ_calibration",
        query="SELECT * FROM mart.fig_new_organ_calibration "
        + _FIRST_ALL
        + "organ <> 'any', organ, landmark_days, mean_risk",
        chart="lines",
        options={
            "x": "mean_risk",
            "y": "observed",
            "lo": "ci_lower",
            "hi": "ci_upper",
            "points": True,
            "diagonal": True,
            "xlabel": "Predicted",
            "ylabel": "Observed",
        },
        method="Fifths of the risk by models that never saw the patient's trial, against the "
        "Aalen-Johansen incidence; death competes. The verdict is in the table.",
        counts=(Count("patients", total="n_patients"),),
        filters=(Filter("subset", "Patients", "all"), Filter("model", "Prediction")),
        if_empty="No organ has enough new lesions for a model.",
    ),
)
