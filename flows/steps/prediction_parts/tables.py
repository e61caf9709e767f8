"""Tables of the step ``progression_prediction``."""

from __future__ import annotations

from warehouse.declarations import declared

KEYS = {
    "subset": "all; where there are several tumor types, each by itself",
    "model": "gradient boosting, or logistic regression (the yardstick)",
    "scheme": "stratified folds, or trial left out",
    "split": "fold 1 and so on (each a 4:1 split), stratified folds (all together), trial and its "
    "id (left out), trials left out (all together)",
    "class": "progression cluster; all: the classes together",
}
PREDICTION = declared("analysis.progression_prediction")
PROBABILITY = declared("analysis.progression_prediction_probability")
METRIC = declared("analysis.progression_prediction_metric")
SPLIT = declared("analysis.progression_prediction_split")
CALIBRATION = declared("analysis.progression_prediction_calibration")
CURVE = declared("analysis.progression_prediction_curve")
IMPORTANCE = declared("analysis.progression_prediction_importance")
MODEL = declared("analysis.progression_model")
TABLES = (PREDICTION, PROBABILITY, METRIC, SPLIT, CALIBRATION, CURVE, IMPORTANCE, MODEL)
