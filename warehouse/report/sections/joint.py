"""How growth of lesions goes with survival, and what it predicts."""

from warehouse.report.parts import Count, Figure, Filter, Section

_NO_FIT = (
    "There is no joint model: analysis.joint_fit says why (few events, or joint.links is empty)."
)
_NO_PREDICTION = (
    "Survival is not predicted: fewer deaths than joint.fewest_prediction_events, or no landmarks."
)
BY_SUBSET = Filter("subset", "Patients")
BY_ENDPOINT = Filter("endpoint", "Endpoint", "OS")
BY_LANDMARK, BY_HORIZON = (
    Filter("landmark_day", "Landmark, day"),
    Filter("horizon_days", "Days ahead"),
)

JOINT = Section(
    "joint",
    "Growth and survival",
    "One model of the lesions' growth and of death: what of growth goes with survival, and what "
    "each scan says of it.",
    (
        Figure(
            name="joint-links",
            title="What of the lesions goes with survival",
            table="mart.fig_joint_link",
            query="SELECT * FROM mart.fig_joint_link "
            "ORDER BY subset, endpoint, link, term",
            chart="intervals",
            options={
                "label": "label",
                "series": [
                    {"x": "hazard_ratio", "lo": "ci_lower", "hi": "ci_upper",
                     "name": "joint model"},
                    {"x": "naive_hazard_ratio", "lo": "naive_ci_lower", "hi": "naive_ci_upper",
                     "name": "naive: curves taken as known"},
                ],
                "axis": "Hazard ratio",
                "scale": "log",
                "reference": 1,
            },
            method="Hazard depending on the lesions' curves, which are known only as far as their "
            "sizes tell; exact likelihood by importance weights, growth's error included "
            "(docs/joint.md). One model for each link.",
            counts=(
                Count("patients", largest="n_model_patients"),
                Count("events", largest="n_model_events"),
            ),
            filters=(BY_SUBSET, BY_ENDPOINT, Filter("link", "Link", "organ")),
            if_empty=_NO_FIT,
        ),
        Figure(
            name="joint-check",
            title="Survival observed, and simulated from baseline",
            table="mart.fig_joint_check",
            query="SELECT * FROM mart.fig_joint_check "
            "ORDER BY subset, endpoint, group_name, curve, day",
            chart="lines",
            options={"x": "day", "y": "survival", "lo": "lower", "hi": "upper", "group": "curve",
                     "points": True, "xlabel": "Days from the first dose",
                     "ylabel": "Share without event"},
            method="The model of the best link: curves drawn from the population given baseline "
            "sizes, then days of the event; 95 % of the simulated trials lie in the band.",
            counts=(Count("patients", largest="n_patients"),),
            filters=(BY_SUBSET, BY_ENDPOINT, Filter("group_name", "Group", "all")),
            if_empty=_NO_FIT,
        ),
        Figure(
            name="dynamic-metric",
            title="Does looking at every lesion predict survival better?",
            table="mart.fig_dynamic_metric",
            query="SELECT * FROM mart.fig_dynamic_metric "
            "ORDER BY subset, landmark_day, horizon_days, metric, model",
            chart="intervals",
            options={
                "label": "model",
                "series": [{"x": "value", "lo": "lower", "hi": "upper",
                            "name": "value, 95 % interval"}],
                "axis": "AUC, or Brier score",
            },
            method="Patients predicted by hazards estimated without them; AUC (larger is better) "
            "and Brier score (smaller is better), censoring weighed out. Intervals of the "
            "differences, which use the same bootstrap samples, stand in the rows.",
            counts=(
                Count("patients at the landmark", largest="n_patients"),
                Count("deaths up to the horizon", largest="n_events"),
            ),
            filters=(BY_SUBSET, Filter("metric", "Metric", "auc"), BY_LANDMARK, BY_HORIZON),
            if_empty=_NO_PREDICTION,
        ),
        Figure(
            name="dynamic-calibration",
            title="Predicted and observed risk of death",
            table="mart.fig_dynamic_calibration",
            query="SELECT * FROM mart.fig_dynamic_calibration "
            "ORDER BY subset, landmark_day, horizon_days, model, group_number",
            chart="lines",
            options={"x": "predicted", "y": "observed", "lo": "lower", "hi": "upper",
                     "group": "model", "points": True, "diagonal": True,
                     "xlabel": "Predicted risk", "ylabel": "Observed risk"},
            method="Fifths of the predicted risk; observed is 1 - Kaplan-Meier.",
            counts=(Count("patients", each="group_number", largest="n_patients"),),
            filters=(BY_SUBSET, BY_LANDMARK, BY_HORIZON,
                     Filter("model", "Model", "every_lesion")),
            if_empty=_NO_PREDICTION,
        ),
        Figure(
            name="dynamic-patient",
            title="One patient: the prediction that each landmark renews",
            table="mart.fig_dynamic_patient",
            query="SELECT * FROM mart.fig_dynamic_patient "
            "ORDER BY subset, patient_id, landmark_day, horizon_days",
            chart="lines",
            options={"x": "landmark_day", "y": "survival", "lo": "lower", "hi": "upper",
                     "group": "horizon", "points": True,
                     "xlabel": "Landmark, days from the first dose",
                     "ylabel": "Probability to live so long"},
            method="From the sizes up to the landmark, by a hazard estimated without the patient; "
            "bands are 95 % limits of the patient's probability. Shown are patients of lowest and "
            "highest predicted survival; analysis.dynamic_prediction has all.",
            counts=(Count("predictions"),),
            filters=(BY_SUBSET, Filter("patient_id", "Patient")),
            if_empty=_NO_PREDICTION,
        ),
    ),
)  # fmt: skip
